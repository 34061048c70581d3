"""What an operation of the API is: the one description that routing and the published document share."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, StrEnum
from inspect import cleandoc
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import Response

from kelviq_server.core.errors import NotFound, Refusal
from kelviq_server.platform.database import Tenant
from kelviq_server.platform.wire import Body, InvalidFields, not_a_choice

B = TypeVar("B")
R = TypeVar("R")
E = TypeVar("E", bound=StrEnum)
API_PATH = "/api/v1"
# Of a version, a count and the like: what fits into 32 bits.
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
# Of a row that is known by its number: what fits into 64 bits.
_ROW_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
UUID_SCHEMA = {"type": "string", "format": "uuid"}
# For operations on what our own id names in the path.
UUID_IN_PATH = {"pk": UUID_SCHEMA}
NUMBER_IN_PATH = {"pk": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}}


class Access(Enum):
    """Who may call an operation."""

    SERVER = "server"
    # A client key or a server key; such an operation also answers browsers of any origin.
    CLIENT = "client"
    PARTNER = "partner"
    # Anybody, without a key, and browsers of any origin.
    PUBLIC = "public"

    @property
    def is_open_to_browsers(self) -> bool:
        """Say whether a page of any origin may call such an operation."""
        return self in (Access.CLIENT, Access.PUBLIC)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: for whom, and with which key."""

    # Of a caller without a key, the instance.
    tenant: Tenant
    # Counted together by the rate limit; without a key, the address that the call comes from.
    key_id: str
    access: Access
    # The partner's id where the caller is one.
    partner_id: int | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[B]):
    """One request as a handler receives it: authenticated, its body read and checked."""

    request: Request
    caller: Caller
    body: B
    # Scheme, host and base path under which the caller reached us.
    base_url: str
    # The address that the request comes from, as far as anybody can say.
    address: str = ""
    # Where the request bears an Idempotency-Key: the same in every run of it, so that a later one finds what an
    # earlier one began.
    claim_id: UUID | None = None

    @property
    def tenant(self) -> Tenant:
        """Return whose rows this request may touch."""
        return self.caller.tenant

    @property
    def query(self) -> Mapping[str, str]:
        """Return the query parameters; of a doubled one, the last."""
        return self.request.query_params

    def text(self, name: str) -> str | None:
        """Return a query parameter that names something, None without it.

        What no text of ours holds, and the database could not even look for, is replaced: it finds nothing.
        """
        text = self.query.get(name)
        return None if text is None else text.replace("\x00", "\ufffd")

    def required(self, name: str) -> str:
        """Return a query parameter that names something, in either spelling; raises InvalidFields without it."""
        text = self.text(name) or self.text(to_camel(name))
        if not text:
            raise InvalidFields({name: ["This field is required."]})
        return text

    def path(self, name: str) -> str:
        """Return a parameter of the path, decoded."""
        return self.request.path_params[name]

    @property
    def api_url(self) -> str:
        """Return the address of the API, below which the paths of all operations stand."""
        return self.base_url + API_PATH

    def number(self, name: str) -> int | None:
        """Return a query parameter that is a whole number, None without it; raises NotFound for anything else."""
        text = self.query.get(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text):
            raise NotFound
        return int(text)

    def date(self, name: str) -> date | None:
        """Return a query parameter that is a date, None without it; raises InvalidFields for anything else."""
        return self._read(name, date.fromisoformat, "Enter a valid date.")

    def query_uuid(self, name: str) -> UUID | None:
        """Return a query parameter that is a UUID, None without it; raises InvalidFields for anything else."""
        return self._read(name, UUID, "Must be a valid UUID.")

    def choice(self, name: str, kind: type[E]) -> E | None:
        """Return a query parameter that is one of these, None without it; raises InvalidFields for anything else."""
        return self._read(name, kind, not_a_choice(self.query.get(name, "")))

    def flag(self, name: str) -> bool | None:
        """Return a query parameter that is true or false, None without it; raises InvalidFields for anything else."""
        text = self.query.get(name)
        if text is None:
            return None
        if text.lower() not in _FLAGS:
            raise InvalidFields({name: ["Must be a valid boolean."]})
        return _FLAGS[text.lower()]

    def _read(self, name: str, read: Callable[[str], R], fault: str) -> R | None:
        text = self.query.get(name)
        if text is None:
            return None
        try:
            return read(text)
        except ValueError:
            raise InvalidFields({name: [fault]}) from None

    def path_number(self, name: str) -> int:
        """Return a parameter of the path that is a whole number; raises NotFound for anything else."""
        text = self.path(name)
        if not _ROW_NUMBER.fullmatch(text):
            raise NotFound
        return int(text)

    def uuid(self, name: str) -> UUID:
        """Return a parameter of the path that is a UUID; raises NotFound for anything else."""
        try:
            return UUID(self.path(name))
        except ValueError:
            raise NotFound from None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, as the document shows it."""

    name: str
    schema: Mapping[str, Any]
    description: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """What another status of an operation means; its answer is the operation's own unless it says otherwise."""

    meaning: str
    answer: type | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    id: str
    summary: str
    description: str
    tag: str
    access: Access
    handler: Callable[[Call[Any]], Awaitable[Response]]
    body: type[Body] | None
    status: int
    answer: type | None
    parameters: Sequence[Parameter]
    path_schemas: Mapping[str, Mapping[str, Any]]
    refuses: Sequence[type[Refusal]]
    # Without one, a request is read as if it had sent {}.
    is_body_required: bool = True
    # Under which key a refusal (400, 403, 404) of the request as a whole stands: `detail`, or `error`.
    refusal_key: str = "detail"
    # Whether a run finds out by `claim_id` what an earlier one did and goes on from there; else nothing runs again
    # of which anything was done.
    resumes: bool = False
    # With which other statuses it may answer, beside refusing.
    also: Mapping[int, Other] = field(default_factory=dict[int, Other])
    # Whether it keeps the keys of what it is sent itself, for ever.
    has_own_keys: bool = False
    # Whether answers have an ETag, and one that is still the same is 304.
    has_tag: bool = False
    # Whether the last parameter of the path may be any text, also one with slashes.
    ends_in_text: bool = False

    @property
    def route(self) -> str:
        """Return the path as the router reads it."""
        path = self.path.rstrip("/")
        return f"{path.removesuffix('}')}:path}}" if self.ends_in_text else path

    @property
    def takes_idempotency_key(self) -> bool:
        """Say whether a request can be told from its repetition: any write, by callers who own the keys they send."""
        is_owned = self.access in (Access.SERVER, Access.CLIENT, Access.PARTNER)
        return self.method != "GET" and is_owned and not self.has_own_keys


@dataclass
class Operations:
    """The operations of one module, collected where their handlers stand."""

    tag: str
    access: Access
    all: list[Operation] = field(default_factory=list[Operation])

    def add(
        self,
        method: str,
        path: str,
        id: str,
        *,
        summary: str,
        body: type[Body] | None = None,
        status: int = 200,
        answer: type | None = None,
        parameters: Sequence[Parameter] = (),
        path_schemas: Mapping[str, Mapping[str, Any]] | None = None,
        refuses: Sequence[type[Refusal]] = (),
        is_body_required: bool = True,
        refusal_key: str = "detail",
        resumes: bool = False,
        also: Mapping[int, Other] | None = None,
        has_own_keys: bool = False,
        has_tag: bool = False,
        ends_in_text: bool = False,
    ) -> Callable[[Callable[[Call[Any]], Awaitable[Response]]], Callable[[Call[Any]], Awaitable[Response]]]:
        """Make the decorated handler an operation, described by its docstring; `refuses` are facts that may stop it."""

        def register(
            handler: Callable[[Call[Any]], Awaitable[Response]],
        ) -> Callable[[Call[Any]], Awaitable[Response]]:
            self.all.append(
                Operation(
                    method, path, id, summary, cleandoc(handler.__doc__ or ""), self.tag,
                    self.access, handler, body, status, answer, parameters, path_schemas or {}, refuses,
                    is_body_required, refusal_key, resumes, also or {}, has_own_keys, has_tag,
                    ends_in_text,
                )
            )  # fmt: skip
            return handler

        return register
