"""Rule 7: time is `tx.now`; neither SQL nor a module looks at a clock of its own."""

import ast
import re
from pathlib import Path

from tests.architecture.source import calls, imports, sources, texts

SQL_CLOCK = re.compile(
    r"\bnow\s*\(\s*\)|\b(current_(timestamp|date|time)|local(timestamp|time)|clock_timestamp"
    r"|statement_timestamp|transaction_timestamp|timeofday)\b|'(now|today|tomorrow|yesterday)'\s*::",
    re.IGNORECASE,
)
_CLOCKS = {"now", "utcnow", "today"}
_CALENDARS = {"datetime", "date"}


def sql_clocks(root: Path) -> list[str]:
    """Return the strings in which the database's clock is read."""
    return [
        source.at(text, f"SQL reads the clock: {match[0]}")
        for source in sources(root)
        for text in texts(source.tree)
        if (match := SQL_CLOCK.search(str(text.value)))
    ]


def other_clocks(root: Path) -> list[str]:
    """Return where a module looks at the machine's clock; only platform and the composition roots do."""
    found: list[str] = []
    for source in sources(root):
        if source.module in (None, "platform"):
            continue
        found += [source.at(node, f"imports {name}") for node, name in imports(source) if name.split(".")[0] == "time"]
        found += [
            source.at(call, f"reads the clock: {ast.unparse(call.func)}()")
            for name, call in calls(source.tree)
            if name in _CLOCKS
            and isinstance(call.func, ast.Attribute)
            and ast.unparse(call.func.value).rsplit(".", 1)[-1] in _CALENDARS
        ]
    return found
