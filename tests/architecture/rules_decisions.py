"""`rules.py` decides: from records and an instant alone, so nothing in it waits, looks or writes."""

import ast
from pathlib import Path

from tests.architecture.source import imports, is_part, sources

_WAITS = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)
_HANDS = {"store", "steps", "actions", "routes", "jobs"}
_OUTSIDE = {"asyncio", "psycopg", "psycopg_pool", "subprocess", "socket", "os", "pathlib"}


def rules_that_wait(root: Path) -> list[str]:
    """Return where a rules file is asynchronous, or imports what works on the world."""
    found: list[str] = []
    for source in sources(root):
        if source.module is None or source.name != "rules.py":
            continue
        found += [source.at(node, "a rule waits") for node in ast.walk(source.tree) if isinstance(node, _WAITS)]
        found += [
            source.at(node, f"a rule imports {name}")
            for node, name in imports(source)
            if name.split(".")[0] in _OUTSIDE or _hand(name) in _HANDS
        ]
    return found


def _hand(name: str) -> str | None:
    """Return which file of a module a name comes from."""
    _, *parts = name.split(".")
    inside = parts[2:] if len(parts) > 1 and is_part(parts[0], parts[1]) else parts[1:]
    return inside[0] if inside else None
