"""Reading JSON without losing, doubling or smuggling anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.platform.json_body import MAX_DEPTH, MalformedJson, canonical, dump, fault, parse

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_what_is_read_is_written_again(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(dump(parse(text.encode()))) == json.loads(text)


def turned(value: object) -> object:
    """Return the value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {name: turned(part) for name, part in reversed(value.items())}
    return [turned(part) for part in value] if isinstance(value, list) else value


@given(values, values)
def test_what_says_the_same_is_the_same_and_nothing_else(value: object, other: object) -> None:
    text, turned_text, other_text = (json.dumps(each, indent=1) for each in (value, turned(value), other))
    canonical_text = repr(canonical(parse(text.encode())))
    assert repr(canonical(parse(turned_text.encode()))) == canonical_text
    is_same = json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (repr(canonical(parse(other_text.encode()))) == canonical_text) is is_same


@pytest.mark.parametrize("number", ["1.10", "12345678901234567890123", "0.1000000000000000055", "1E+400", "-7"])
def test_numbers_keep_their_digits(number: str) -> None:
    assert dump(parse(number.encode())) == number


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b"[Infinity]",
        b"[" * 100_000,
        b"'a'",
        b"1e1000000000000000000",
        b'{"a": 1,}',
        "{}".encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        parse(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"a": 1, "a": 2}', 'The key "a" appears more than once.'),
        ('[{"b": {"a": 1, "a": 1}}]', 'The key "a" appears more than once.'),
        ('["\\ud800"]', "Surrogate characters are not allowed."),
        ('{"\\udfff": 1}', "Surrogate characters are not allowed."),
        ('{"a": "b\\u0000"}', "Null characters are not allowed."),
        (
            "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
            f"Ensure this field is nested no deeper than {MAX_DEPTH} levels.",
        ),
    ],
)
def test_what_cannot_be_kept_is_named(body: str, reason: str) -> None:
    assert fault(parse(body.encode())) == reason


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert fault(parse(b'["\\ud83d\\ude00"]')) is None


def test_a_doubled_key_made_of_half_a_character_can_be_told_of() -> None:
    reason = fault(parse(b'{"\\ud800": 1, "\\ud800": 2}'))
    assert reason is not None
    assert reason.encode()
