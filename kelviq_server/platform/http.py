"""The API as an ASGI application: finds the operation, the caller and the body, and renders what comes back.

It owns no transaction and no rule.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from kelviq_server.core.errors import NotFound, Refusal
from kelviq_server.platform import json_body
from kelviq_server.platform.answers import (
    BodyTooLarge,
    BodyTooSlow,
    Malformed,
    Throttled,
    Unavailable,
    UnsupportedMediaType,
    json_answer,
    refusal_answer,
)
from kelviq_server.platform.idempotency import answer_once, keyed_request, sent_key
from kelviq_server.platform.observe import Observation
from kelviq_server.platform.operations import Access, Call, Caller, Operation
from kelviq_server.platform.public_url import PublicUrl
from kelviq_server.platform.rate_limits import RateLimit
from kelviq_server.platform.wire import read_body

log = structlog.get_logger()

T = TypeVar("T")
BODY_SECONDS = 30
LARGE_BODY_BYTES = 64 * 1024

# Says who calls, or raises why that is not known: by the request's headers, for one kind of access.
Authenticator = Callable[[Request, Access], Awaitable[Caller]]


@dataclass(frozen=True)
class Place:
    """One path and the operations on it, by method."""

    pattern: re.Pattern[str]
    by_method: Mapping[str, Operation]

    @property
    def allow(self) -> str:
        """Return the methods that the path takes, for the Allow header."""
        return ", ".join(sorted(self.by_method))

    def is_open_to_browsers(self) -> bool:
        """Say whether a page of any origin may call here."""
        return any(operation.access.is_open_to_browsers for operation in self.by_method.values())


class Api:
    """Serves the operations under their paths, with and without the trailing slash."""

    def __init__(
        self,
        operations: Iterable[Operation],
        authenticate: Authenticator,
        rate_limit: RateLimit | None = None,
        public_url: PublicUrl | None = None,
    ) -> None:
        self._authenticate = authenticate
        self._rate_limit = rate_limit
        self._public_url = public_url or PublicUrl(None, ())
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            methods = by_path.setdefault(operation.route, {})
            methods[operation.method] = operation
            if operation.method == "GET":
                methods["HEAD"] = operation
        # A parameter that may be any text may have line breaks.
        self._places = [
            Place(re.compile(compile_path(path)[0].pattern, re.DOTALL), methods) for path, methods in by_path.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        observation = Observation(scope, send)
        try:
            response = await self._respond(scope, receive, observation)
        except Refusal as refusal:
            response = refusal_answer(refusal)
        except ClientDisconnect:
            # Nobody is left to answer.
            observation.finish()
            return
        except (PoolTimeout, OperationalError):
            log.exception("database unavailable")
            response = refusal_answer(Unavailable())
        except Exception:
            log.exception("unhandled error")
            response = json_answer({"detail": "Internal server error.", "requestId": observation.request_id}, 500)
        try:
            await response(scope, receive, observation.send)
        finally:
            observation.finish()

    async def _respond(self, scope: Scope, receive: Receive, observation: Observation) -> Response:
        place, parameters = self._find(scope["path"][len(scope["root_path"]) :], scope["method"])
        operation = place.by_method.get(scope["method"])
        request = Request(scope, receive)
        if operation is None:
            return self._other_method(place, request)
        observation.operation = operation.id
        if operation.access.is_open_to_browsers:
            observation.open_to_browsers = True
        scope["path_params"] = parameters
        caller = await self._authenticate(request, operation.access)
        observation.tenant_id = caller.tenant.id
        if self._rate_limit is not None:
            wait_seconds = await self._rate_limit.take(caller.key_id)
            if wait_seconds:
                raise Throttled.for_seconds(wait_seconds)
        key = sent_key(request) if operation.takes_idempotency_key else None
        content = None
        if operation.body is not None:
            content = await _json(request, is_required=operation.is_body_required)
        answer = partial(self._answer, operation, request, caller, content)
        if key is None:
            return await answer()
        keyed = await _aside(request, content, partial(keyed_request, key, operation, request, caller, content))
        return await answer_once(keyed, answer)

    async def _answer(
        self, operation: Operation, request: Request, caller: Caller, content: Any, claim_id: UUID | None = None
    ) -> Response:
        body = None
        if operation.body is not None:
            body = await _aside(request, content, partial(read_body, operation.body, content))
        try:
            return await operation.handler(
                Call(request, caller, body, self._public_url.of(request), self._public_url.client_of(request), claim_id)
            )
        except Refusal as refusal:
            # What any operation may say has one shape everywhere.
            if refusal.status in (400, 403, 404) and not isinstance(refusal, NotFound):
                refusal.key = operation.refusal_key
            if refusal.status != 400 or not refusal.is_final:
                raise
            return refusal_answer(refusal)

    def _find(self, path: str, method: str) -> tuple[Place, dict[str, str]]:
        if "\x00" in path:
            raise NotFound
        bare = path[:-1] if path.endswith("/") else path
        other: tuple[Place, dict[str, str]] | None = None
        for place in self._places:
            if match := place.pattern.fullmatch(bare):
                # What ends in any text may be spelled as another path is, which takes other methods.
                operation = place.by_method.get(method)
                if operation is not None and (other is None or operation.ends_in_text):
                    return place, match.groupdict()
                other = other or (place, match.groupdict())
        if other is None:
            raise NotFound
        return other

    @staticmethod
    def _other_method(place: Place, request: Request) -> Response:
        if (
            request.method == "OPTIONS"
            and place.is_open_to_browsers()
            and "access-control-request-method" in request.headers
        ):
            return Response(
                status_code=204,
                headers={
                    "Access-Control-Allow-Origin": "*",
                    "Access-Control-Allow-Methods": place.allow,
                    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, X-Request-Id",
                    "Access-Control-Max-Age": "86400",
                },
            )
        response = json_answer({"detail": f'Method "{request.method}" not allowed.'}, 405)
        response.headers["Allow"] = place.allow
        return response


async def _aside(request: Request, content: Any, work: Callable[[], T]) -> T:
    """Do something with a body, if there is one: with a large one it takes a while, in which others are answered."""
    is_large = content is not None and int(request.headers.get("content-length", LARGE_BODY_BYTES)) >= LARGE_BODY_BYTES
    return await asyncio.to_thread(work) if is_large else work()


async def _json(request: Request, *, is_required: bool) -> Any:
    media_type, _, options = request.headers.get("content-type", "application/json").partition(";")
    charset = options.replace(" ", "").replace('"', "").lower()
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise UnsupportedMediaType
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > json_body.MAX_BODY_BYTES:
        raise BodyTooLarge
    try:
        async with asyncio.timeout(BODY_SECONDS):
            content = await _bytes(request)
            return json_body.parse(content) if content or is_required else {}
    except TimeoutError:
        raise BodyTooSlow from None
    except json_body.MalformedJson as error:
        raise Malformed(f"JSON parse error - {error}") from None


async def _bytes(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > json_body.MAX_BODY_BYTES:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)
