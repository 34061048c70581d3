"""Keeps generated identifiers unique: what makes a body valid otherwise is for the server to find out.

Without this, nearly every valid body would be refused because the one before it had the same `customerId`.
"""

from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

_UNIQUE = {
    "/customers/": {"customerId": "fuzz-{}"},
    "/partner/organizations/": {"externalId": "fuzz-{}", "email": "fuzz-{}@example.com"},
}
_numbers = count(1)
_used: set[tuple[str, str]] = set()


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Give a valid body that is to be created an identifier that was not used yet."""
    if case.method != "POST" or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    for field, pattern in _UNIQUE.get(case.path, {}).items():
        if isinstance(case.body, dict) and isinstance(case.body.get(field), str):
            # The server takes white space off the ends.
            if (field, case.body[field].strip()) in _used:
                case.body = {**case.body, field: pattern.format(next(_numbers))}
            _used.add((field, case.body[field].strip()))
