"""Whatever is wrong is a 400 that names the field, and leaves nothing behind."""

# ruff: noqa: E501

import json
from typing import Any

import pytest

from tests.api.conftest import Client

REQUIRED = "This field is required."
TWICE = "This field appears more than once."
NULL = "This field may not be null."
NOT_TEXT = "Not a valid string."


def too_long(limit: int) -> str:
    return f"Ensure this field has no more than {limit} characters."


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"customerId": [REQUIRED]}),
        ({"customerId": None}, {"customerId": [NULL]}),
        ({"customerId": ""}, {"customerId": ["This field may not be blank."]}),
        ({"customerId": "  "}, {"customerId": ["This field may not be blank."]}),
        ({"customerId": 7}, {"customerId": [NOT_TEXT]}),
        ({"customerId": "x" * 256}, {"customerId": [too_long(255)]}),
        ({"customerId": "a/b"}, {"customerId": ["Slashes are not allowed."]}),
        ({"customerId": ".."}, {"customerId": ["This identifier cannot stand in a path."]}),
        ({"customerId": "a\x85b"}, {"customerId": ["Control characters are not allowed."]}),
        ({"customerId": "a\nb"}, {"customerId": ["Control characters are not allowed."]}),
        ({"customerId": "a\x00"}, {"customerId": ["Null characters are not allowed."]}),
        ({"customerId": "x", "name": ["a"]}, {"name": [NOT_TEXT]}),
        ({"customerId": "x", "name": "a\x00b"}, {"name": ["Null characters are not allowed."]}),
        ({"customerId": "x", "name": "n" * 256}, {"name": [too_long(255)]}),
        ({"customerId": "x", "email": "nobody"}, {"email": ["Enter a valid email address."]}),
        ({"customerId": "x", "email": "a@b"}, {"email": ["Enter a valid email address."]}),
        ({"customerId": "x", "email": ""}, {"email": ["This field may not be blank."]}),
        ({"customerId": "x", "metadata": "text"}, {"metadata": ["Invalid data. Expected a dictionary, but got str."]}),
        ({"customerId": "x", "metadata": {"k": "v" * 65 * 1024}}, {"metadata": ["Ensure this field has no more than 64 KiB."]}),
        ({"customerId": "x", "metadata": {"k": "\x00"}}, {"metadata": ["Null characters are not allowed."]}),
        ({"customerId": "x", "billingAddress": []}, {"billingAddress": ["Invalid data. Expected a dictionary, but got list."]}),
        (
            {"customerId": "x", "billingAddress": {"country": "XX", "city": None, "line1": 3}},
            {"billingAddress": {"country": ['"XX" is not a valid choice.'], "city": [NULL], "line1": [NOT_TEXT]}},
        ),
        ([], {"nonFieldErrors": ["Invalid data. Expected a dictionary, but got list."]}),
        ("text", {"nonFieldErrors": ["Invalid data. Expected a dictionary, but got str."]}),
        (
            {"customerId": None, "name": 1, "email": "x", "metadata": 1, "billing_address": {"postal_code": 1}},
            {
                "customerId": [NULL],
                "name": [NOT_TEXT],
                "email": ["Enter a valid email address."],
                "metadata": ["Invalid data. Expected a dictionary, but got int."],
                "billingAddress": {"postalCode": [NOT_TEXT]},
            },
        ),
    ],
)  # fmt: skip
async def test_wrong_fields_are_named(api: Client, body: Any, errors: Any) -> None:
    answer = await api.post("/customers/", body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert (await api.get("/customers/")).json()["count"] == 0


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b'{"customerId": "a", "customerId": "b"}', {"customerId": [TWICE]}),
        (b'{"customerId": "a", "customer_id": "a"}', {"customerId": [TWICE]}),
        (
            b'{"customerId": "a", "billingAddress": {"postal_code": "1", "postalCode": "2"}}',
            {"billingAddress": {"postalCode": [TWICE]}},
        ),
        (b'{"customerId": "a", "metadata": {"k": {"a": 1, "a": 2}}}', {"metadata": ['The key "a" appears more than once.']}),
        (b'{"customerId": "\\ud800"}', {"customerId": ["Surrogate characters are not allowed."]}),
        (b'{"customerId": "a", "metadata": {"\\udc00": 1}}', {"metadata": ["Surrogate characters are not allowed."]}),
        (
            b'{"customerId": "a", "metadata": ' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}",
            {"metadata": ["Ensure this field is nested no deeper than 64 levels."]},
        ),
    ],
)  # fmt: skip
async def test_wrong_json_is_named_by_field_too(api: Client, body: bytes, errors: Any) -> None:
    answer = await api.post("/customers/", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, errors)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'{"customerId": "\xe9"}', b'{"customerId": NaN}', b"[" * 200_000, "{}".encode("utf-16")],
)
async def test_malformed_json_is_a_parse_error(api: Client, body: bytes) -> None:
    answer = await api.post("/customers/", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "application/json; charset=latin-1"]
)
async def test_an_unknown_content_type_is_refused(api: Client, kind: str) -> None:
    answer = await api.post("/customers/", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json; charset="utf-8"']
)
async def test_json_is_read_however_it_is_spelt(api: Client, kind: str) -> None:
    body = json.dumps({"customerId": "x"}).encode()
    assert (await api.post("/customers/", content=body, headers={"Content-Type": kind})).status_code == 201


async def test_a_wrong_update_changes_nothing(api: Client) -> None:
    created = (await api.post("/customers/", {"customerId": "x", "name": "Ada"})).json()
    answer = await api.patch("/customers/x/", {"name": "Grace", "email": "wrong"})
    assert (answer.status_code, answer.json()) == (400, {"email": ["Enter a valid email address."]})
    assert (await api.get("/customers/x/")).json() == created


@pytest.mark.parametrize(
    "path",
    ["/customers%0A", "/customers/%00/", "/customers/a%00b/", "/customers/%ff/", "/customers/a%2Fb/", "/nothing/"],
)
async def test_a_path_that_names_nothing_is_not_found(api: Client, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
