"""How values travel: the base of request bodies, their field types, and the contract's messages.

The wording is that of Django REST framework, which clients of this API parse today.
"""

import re
from collections import Counter
from functools import cache
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


class InvalidFields(Refusal):
    """The input has faults; they stand by field."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__()
        self.errors = errors


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


class Answer(BaseModel):
    """The shape of an answer, in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


B = TypeVar("B", bound=Body)


def read_body(kind: type[B], value: Any) -> B:
    """Return the body as its schema has it; raises InvalidFields naming every field at fault."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InvalidFields(field_errors(error.errors(include_url=False))) from None


def field_errors(details: list[ErrorDetails]) -> dict[str, Any]:
    """Return the errors nested like the body, with the contract's wording."""
    errors: dict[str, Any] = {}
    for detail in details:
        path = [to_camel(str(part)) for part in detail["loc"]]
        if detail["type"] == "twice":
            for field in detail["ctx"]["fields"]:  # pyright: ignore[reportTypedDictNotRequiredAccess]
                _put(errors, [*path, field], TWICE)
        else:
            _put(errors, path or ["nonFieldErrors"], _message(detail))
    return errors


def _put(errors: dict[str, Any], path: list[str], message: str) -> None:
    *parents, field = path
    for parent in parents:
        errors = errors.setdefault(parent, {})
    errors.setdefault(field, []).append(message)


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "This field is required."
    if detail["input"] is None:
        return "This field may not be null."
    if kind in ("string_too_long", "too_long"):
        return f"Ensure this field has no more than {context['max_length']} characters."
    if kind in ("model_type", "dict_type"):
        return f"Invalid data. Expected a dictionary, but got {type(detail['input']).__name__}."
    return _MESSAGES.get(kind, detail["msg"])


_MESSAGES = {
    "string_type": "Not a valid string.",
    "string_unicode": "Surrogate characters are not allowed.",
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
        raise PydanticCustomError("country", '"{value}" is not a valid choice.', {"value": value[:50]})
    return code


def _free_form(value: Any) -> Any:
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
    BeforeValidator(_free_form),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]
