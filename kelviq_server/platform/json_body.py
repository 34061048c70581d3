"""Reading a request's JSON so that nothing in it is lost, doubled or unprintable."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any, cast

import msgspec

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 64
# Integers up to here survive as they are; longer ones keep their digits as a decimal.
_PLAIN_INTEGER_DIGITS = 18
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class TwiceNamed(dict[str, Any]):
    """An object that named a key more than once; `twice` are those keys."""

    twice: list[str]


class MalformedJson(ValueError):
    """The bytes are not JSON; the message says why."""


def parse(body: bytes) -> Any:
    """Return the JSON value; numbers keep their exact value, doubled keys are marked.

    Raises MalformedJson for invalid UTF-8, invalid JSON, NaN, Infinity and absurd nesting.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        raise MalformedJson(f"the body is not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise MalformedJson("the body is nested too deeply") from error
    except ArithmeticError as error:
        raise MalformedJson("a number is out of range") from error
    except ValueError as error:
        raise MalformedJson(str(error)) from error


def dump(value: Any) -> str:
    """Return the JSON text of a value, compact, numbers digit for digit."""
    return _ENCODER.encode(value).decode()


def canonical(value: Any) -> Any:
    """Return what has the same `repr` for all JSON texts that say the same, in whatever order, and for no others.

    Raises RecursionError for what is nested too deeply; `repr` of it may, too.
    """
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        twice = value.twice if isinstance(value, TwiceNamed) else []
        return twice, {name: canonical(entries[name]) for name in sorted(entries)}
    if isinstance(value, list):
        return [canonical(part) for part in cast("list[Any]", value)]
    return value


def fault(value: Any, depth: int = 0) -> str | None:
    """Return what makes a free-form value unfit to be kept, or None."""
    if isinstance(value, str):
        return text_fault(value)
    if not isinstance(value, dict | list):
        return None
    if depth >= MAX_DEPTH:
        return f"Ensure this field is nested no deeper than {MAX_DEPTH} levels."
    if isinstance(value, TwiceNamed):
        shown = value.twice[0][:50].encode(errors="replace").decode()
        return f'The key "{shown}" appears more than once.'
    entries = cast("dict[str, Any] | list[Any]", value)
    parts: list[Any] = [*entries, *entries.values()] if isinstance(entries, dict) else entries
    return next((found for part in parts if (found := fault(part, depth + 1))), None)


def text_fault(text: str) -> str | None:
    """Return what makes a text unfit to be kept, or None."""
    if "\x00" in text:
        return "Null characters are not allowed."
    # Half a surrogate pair is no character: it cannot be encoded, stored or shown.
    try:
        text.encode()
    except UnicodeEncodeError:
        return "Surrogate characters are not allowed."
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    marked = TwiceNamed(found)
    marked.twice = sorted(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return marked


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _PLAIN_INTEGER_DIGITS else Decimal(digits)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
