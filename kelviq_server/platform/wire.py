"""How values travel: the base of request bodies, their field types, and the contract's messages.

The wording is that of Django REST framework, which clients of this API parse today.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Annotated, Any, TypeVar, cast

import pycountry
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from kelviq_server.core.errors import Refusal
from kelviq_server.platform.json_body import TwiceNamed, dump, fault, text_fault

MAX_FREE_FORM_BYTES = 64 * 1024
TWICE = "This field appears more than once."
# Of one body: nobody reads more, and a small body can have very many.
MAX_FAULTS = 100


class InvalidFields(Refusal):
    """The input has faults; they stand by field."""

    def __init__(self, errors: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.errors = errors or {}


class Body(BaseModel):
    """A request body: camelCase and snake_case are both read, unknown fields ignored, doubled ones refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="ignore", frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _named_once(cls, value: Any) -> Any:
        if isinstance(value, dict):
            aliases = _aliases(cls)
            sent = [aliases[name] for name in cast("dict[str, Any]", value) if name in aliases]
            twice = {name for name, times in Counter(sent).items() if times > 1}
            if isinstance(value, TwiceNamed):
                twice |= {aliases[name] for name in value.twice if name in aliases}
            if twice:
                raise PydanticCustomError("twice", "{fields}", {"fields": sorted(twice)})
        return cast("Any", value)


@cache
def _aliases(kind: type[Body]) -> dict[str, str]:
    """Return how the wire spells each field, by either spelling. Only these names are ever converted: the
    converting takes time that grows with the square of a name, and a caller's names may be long."""
    fields = {name: str(field.alias) for name, field in kind.model_fields.items()}
    return fields | {alias: alias for alias in fields.values()}


class OpenBody(Body):
    """An object of which some keys are the API's and the others the caller's own, kept as they came."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _fit_to_be_kept(cls, value: Any) -> Any:
        if isinstance(value, dict):
            free_form(value)
        return cast("Any", value)

    def text(self) -> str:
        """Return the object as it is kept: what was sent, the API's keys in camelCase."""
        return dump(self.model_dump(by_alias=True, exclude_unset=True))


class Answer(BaseModel):
    """The shape of an answer, in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


T = TypeVar("T")
B = TypeVar("B", bound=Body)


def wire_instant(at: datetime) -> str:
    """Return an instant as answers have it, always to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wire_usage_instant(at: datetime) -> str:
    """Return an instant of usage as answers have it, in UTC."""
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def read_body(kind: type[B], value: Any) -> B:
    """Return the body as its schema has it; raises InvalidFields naming every field at fault."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InvalidFields(field_errors(error.errors(include_url=False))) from None


# Where in a body something stands, as the wire spells it: ("prices", 0, "currency").
Path = tuple[str | int, ...]


def refuse_faults(faults: Iterable[tuple[Path, str]]) -> None:
    """Raise InvalidFields if there are any."""
    if errors := errors_at(faults):
        raise InvalidFields(errors)


def field_errors(details: list[ErrorDetails]) -> dict[str, Any]:
    """Return the errors nested like the body, with the contract's wording."""
    faults: list[tuple[Path, str]] = []
    for detail in details[: MAX_FAULTS + 1]:
        path = tuple(part if isinstance(part, int) else to_camel(part) for part in detail["loc"])
        if detail["type"] == "twice":
            twice = detail["ctx"]["fields"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
            faults += [((*path, field), TWICE) for field in twice]
        else:
            faults.append((path, _message(detail)))
    return errors_at(faults)


def errors_at(faults: Iterable[tuple[Path, str]]) -> dict[str, Any]:
    """Return messages nested like the body; one below a list also names its whole path.

    What is wrong inside a list of objects stands in a list again, with `{}` for those that are right;
    what is wrong with a list's plain values stands at the list.
    """
    errors: dict[str, Any] = {}
    told = list(islice(faults, MAX_FAULTS + 1))
    if len(told) > MAX_FAULTS:
        told[MAX_FAULTS] = ((), f"There is more at fault; these are the first {MAX_FAULTS}.")
    for path, message in told:
        text = f"{path_text(path)}: {message}" if any(isinstance(part, int) for part in path) else message
        try:
            _messages_at(errors, path or ("nonFieldErrors",)).append(text)
        except _OtherShape:
            errors.setdefault("nonFieldErrors", []).append(f"{path_text(path)}: {message}".removeprefix(": "))
    return errors


def empty_is_none(value: Any) -> Any:
    """Take an empty object for none: answers show one where nothing was given."""
    return None if value == {} else value


def path_text(path: Path) -> str:
    """Return a path as people write it: `prices[0].chargeCatalogPrice[1].reset`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


class _OtherShape(Exception):
    """A field has messages of its own already, and so cannot have its parts' messages too, or the reverse."""


def _messages_at(errors: dict[Any, Any], path: Path) -> list[str]:
    """Return the list that messages about this path belong into, made if missing."""
    name, rest = path[0], path[1:]
    if not rest or (len(rest) == 1 and isinstance(rest[0], int)):
        return _entries(errors, name, str)
    if not isinstance(rest[0], int):
        inner = errors.setdefault(name, {})
        if not isinstance(inner, dict):
            raise _OtherShape
        return _messages_at(cast("dict[Any, Any]", inner), rest)
    entries: list[dict[Any, Any]] = _entries(errors, name, dict)
    entries += [{} for _ in range(rest[0] + 1 - len(entries))]
    return _messages_at(entries[rest[0]], rest[1:])


def _entries(errors: dict[Any, Any], name: str | int, kind: type[T]) -> list[T]:
    """Return the list under this name, of messages or of objects with messages."""
    entries: Any = errors.setdefault(name, [])
    if not isinstance(entries, list) or any(not isinstance(entry, kind) for entry in cast("list[Any]", entries)):
        raise _OtherShape
    return cast("list[T]", entries)


def _message(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return "This field is required."
    if value is None:
        return "This field may not be null."
    if kind in ("string_too_long", "too_long"):
        counted = "elements" if isinstance(value, list) else "characters"
        return f"Ensure this field has no more than {context['max_length']} {counted}."
    if kind == "too_short":
        return f"Ensure this field has at least {context['min_length']} elements."
    if kind in ("model_type", "dict_type"):
        return f"Invalid data. Expected a dictionary, but got {type(value).__name__}."
    if kind == "list_type":
        return f'Expected a list of items but got type "{type(value).__name__}".'
    if kind in ("enum", "literal_error"):
        return not_a_choice(value)
    if kind in ("greater_than", "greater_than_equal", "less_than_equal"):
        return f"Ensure this value is {kind.replace('_', ' ').replace('equal', 'or equal to')} {min(context.values())}."
    return _MESSAGES.get(kind, detail["msg"])


def not_a_choice(value: object) -> str:
    """Return how the contract refuses a value that is none of those there are."""
    return f'"{str(value)[:50]}" is not a valid choice.'


_MESSAGES = {
    "string_too_short": "This field may not be blank.",
    "string_type": "Not a valid string.",
    "string_unicode": "Surrogate characters are not allowed.",
    "bool_type": "Must be a valid boolean.",
    "uuid_type": "Must be a valid UUID.",
    "uuid_parsing": "Must be a valid UUID.",
}

# What no text of ours holds: control characters other than tab and line breaks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_DOTS: list[JsonValue] = [".", ".."]
_TEXT_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"


def _clean(value: str) -> str:
    if found := text_fault(value):
        raise PydanticCustomError("text", found)  # pyright: ignore[reportArgumentType]
    if _CONTROL.search(value):
        raise PydanticCustomError("text", "Control characters are not allowed.")
    return value.strip()


def _identifier(value: str) -> str:
    """Refuse what could not stand in a path: a slash, or any control character."""
    if "/" in value:
        raise PydanticCustomError("text", "Slashes are not allowed.")
    if any(character in value for character in "\t\n\r"):
        raise PydanticCustomError("text", "Control characters are not allowed.")
    return value


def _addressable(value: str) -> str:
    if value in _DOTS:
        # Clients fold these segments away, and would address something else.
        raise PydanticCustomError("text", "This identifier cannot stand in a path.")
    return value


def _not_blank(value: str) -> str:
    if not value:
        raise PydanticCustomError("blank", "This field may not be blank.")
    return value


# The local part is a dot-atom, the domain has at least two labels: what the hosted API takes.
_EMAIL = re.compile(
    r"[-!#$%&'*+/=?^_`{}|~0-9A-Z]+(\.[-!#$%&'*+/=?^_`{}|~0-9A-Z]+)*"
    r"@([A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z0-9-]{2,63}(?<!-)",
    re.IGNORECASE | re.ASCII,
)


def _email(value: str) -> str:
    local, _, domain = value.rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    if not _EMAIL.fullmatch(f"{local}@{ascii_domain}"):
        raise PydanticCustomError("email", "Enter a valid email address.")
    return value


@cache
def country_codes() -> frozenset[str]:
    """Return the ISO 3166-1 alpha-2 codes."""
    return frozenset(country.alpha_2 for country in pycountry.countries)  # pyright: ignore


def _country(value: str) -> str:
    code = value.upper()
    if code not in country_codes():
        raise PydanticCustomError("country", "{reason}", {"reason": not_a_choice(value)})
    return code


def free_form(value: Any) -> str:
    """Return an object of the caller's own as its JSON text; raises PydanticCustomError for what cannot be kept."""
    if not isinstance(value, dict):
        # Left to the field's own type: null where it may be null, else refused.
        raise PydanticCustomError("dict_type", "Expected a dictionary.")
    if found := fault(value):
        raise PydanticCustomError("free_form", "{reason}", {"reason": found})
    text = dump(value)
    if len(text.encode()) > MAX_FREE_FORM_BYTES:
        raise PydanticCustomError("free_form", "Ensure this field has no more than 64 KiB.")
    return text


Text = Annotated[
    str,
    Field(max_length=255, json_schema_extra={"pattern": _TEXT_PATTERN}),
    AfterValidator(_clean),
]
# What people call a thing.
Name = Annotated[Text, AfterValidator(_not_blank), Field(min_length=1)]
Description = Annotated[
    str, Field(max_length=5000, json_schema_extra={"pattern": _TEXT_PATTERN}), AfterValidator(_clean)
]
# The caller's own name of a thing: holds at least one character that is not white space.
Identifier = Annotated[
    str,
    Field(
        max_length=255,
        json_schema_extra={
            "pattern": r"^[^/\x00-\x1f\x7f-\x9f]*[^\s/\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*$",
            "not": {"enum": _DOTS},
        },
    ),
    AfterValidator(_identifier),
    AfterValidator(_clean),
    AfterValidator(_not_blank),
    AfterValidator(_addressable),
]
Email = Annotated[
    str,
    Field(max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(_clean),
    AfterValidator(_not_blank),
    AfterValidator(_email),
]
Country = Annotated[
    str,
    AfterValidator(_clean),
    AfterValidator(_country),
    WithJsonSchema({"type": "string", "enum": sorted(country_codes())}),
]
# An object of the caller's own, kept as its JSON text, key by key.
FreeForm = Annotated[
    str,
    BeforeValidator(free_form),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]
