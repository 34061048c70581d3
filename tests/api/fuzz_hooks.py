"""Keeps generated identifiers unique and takes tax ids out: what makes a body valid otherwise the server finds out.

Without this, nearly every valid body would be refused because the one before it had the same `customerId`, or because
no generated text has the check digits of a tax id, and every second request because of the same `Idempotency-Key`.
"""

import re
from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

_UNIQUE = {
    "/customers/": {"customerId": "fuzz-{}"},
    "/partner/organizations/": {"externalId": "fuzz-{}", "email": "fuzz-{}@example.com"},
}
_KEY = re.compile(r"[ -~]{1,255}")
_numbers = count(1)
_used: set[tuple[str, str]] = set()


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Give a request a key, and a valid body that is to be created an identifier, that was not used yet."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = f"fuzz-{next(_numbers)}"
    body = case.body
    if case.method not in ("POST", "PATCH") or case.meta is None or not isinstance(body, dict):
        return
    if case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if case.path.startswith("/customers/"):
        case.body = body = {name: value for name, value in body.items() if name not in ("taxId", "tax_id")}
    if case.method != "POST":
        return
    for field, pattern in _UNIQUE.get(case.path, {}).items():
        value = body.get(field)
        if not isinstance(value, str):
            continue
        # The server takes white space off the ends.
        if (field, value.strip()) in _used:
            value = pattern.format(next(_numbers))
            case.body = body = {**body, field: value}
        _used.add((field, value.strip()))
