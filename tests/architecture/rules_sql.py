"""Rules 3 and 4: SQL lives in the store, a transaction begins and ends in an action."""

import ast
import re
from pathlib import Path

from tests.architecture.source import Source, calls, sources, texts

STORE_VERBS = ("get_", "find_", "list_", "lock_", "insert_", "update_", "delete_")
# The few things a store does that are none of these: a question, a search, an export, an upkeep.
STORE_VERBS_BESIDES = ("has_", "search_", "stream_", "fold_")

_SQL_WORDS = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE \S+ SET|DELETE FROM|WHERE|ORDER BY|GROUP BY|FOR UPDATE|ON CONFLICT"
    r"|RETURNING|(CREATE|ALTER|DROP|LOCK|TRUNCATE) TABLE)\b"
)
# In lower case only whole statements are told from prose.
_SQL_STATEMENT = re.compile(
    r"^\s*(select\s.*\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\()",
    re.DOTALL,
)
_TRANSACTION_WORDS = re.compile(
    r"(^|;)\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|START TRANSACTION)\b"
    r"|^\s*(begin|commit|rollback|savepoint \w+|start transaction)\s*(;|$)"
)
_READS = {"value", "row", "rows"}
_RUNS = {"execute", "executemany"}


def is_sql(text: str) -> bool:
    """Say whether a string reads like SQL."""
    return bool(_SQL_WORDS.search(text) or _SQL_STATEMENT.search(text))


def sql_elsewhere(root: Path) -> list[str]:
    """Return the SQL that stands neither in a store nor in platform."""
    found: list[str] = []
    for source in sources(root):
        if source.module == "platform" or _is_store(source):
            continue
        found += [source.at(text, "SQL") for text in texts(source.tree) if is_sql(str(text.value))]
        for name, call in calls(source.tree):
            if not isinstance(call.func, ast.Attribute):
                continue
            if name in _RUNS or (name in _READS and any(any(texts(part)) for part in call.args)):
                found.append(source.at(call, f"calls {name}()"))
    return found


def _is_store(source: Source) -> bool:
    return source.module is not None and source.name == "store.py"


def store_functions(root: Path) -> list[str]:
    """Return the public functions of stores that say neither whose rows they touch nor what they do."""
    found: list[str] = []
    for source in filter(_is_store, sources(root)):
        for node in source.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            parameters = [*node.args.posonlyargs, *node.args.args]
            if not parameters or parameters[0].arg != "tx":
                found.append(source.at(node, f"{node.name} does not take tx first"))
            if not node.name.startswith(STORE_VERBS + STORE_VERBS_BESIDES):
                found.append(source.at(node, f"{node.name} does not begin with a verb of the store"))
    return found


def transactions_elsewhere(root: Path) -> list[str]:
    """Return where a transaction begins that is neither an action, a composition root nor platform."""
    return [
        source.at(call, "begins a transaction")
        for source in sources(root)
        if source.module not in (None, "platform") and not source.is_action and not _stands_in(source)
        for name, call in calls(source.tree)
        if name == "transaction"
    ]


def _stands_in(source: Source) -> bool:
    """Say whether it stands in for a company elsewhere, which keeps its own books."""
    return source.path.startswith("kelviq_server/payments/gateways/")


def transactions_by_hand(root: Path) -> list[str]:
    """Return the SQL that begins or ends a transaction: a commit nobody sees."""
    return [
        source.at(text, "begins or ends a transaction in SQL")
        for source in sources(root)
        for text in texts(source.tree)
        if _TRANSACTION_WORDS.search(str(text.value))
    ]
