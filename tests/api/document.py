"""Holds an answer against the published document."""

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker


def check_answer(document: dict[str, Any], method: str, path: str, response: httpx.Response) -> None:
    """Fail unless the document announces this answer: its status, its type and every field of its body."""
    assert response.headers["x-request-id"]
    operation = _operation(document, method, path.partition("?")[0])
    if operation is None:
        return
    announced = operation["responses"].get(str(response.status_code))
    assert announced is not None, f"{method} {path}: the document does not announce {response.status_code}"
    content = announced.get("content")
    if content is None:
        assert response.content == b"", f"{method} {path}: a body where the document has none"
        return
    assert response.headers["content-type"] == "application/json"
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(response.json())


def _operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    for template, operations in document["paths"].items():
        if _pattern(template).fullmatch(path):
            return operations.get(method.lower())
    return None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template.rstrip("/")) + "/?")
