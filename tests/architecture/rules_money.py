"""Rule 6: neither float nor round occurs near money."""

import ast
from pathlib import Path

from tests.architecture.source import sources


def floats(root: Path) -> list[str]:
    """Return every float and every call of round, outside platform and the composition roots."""
    return [
        source.at(node, fault)
        for source in sources(root)
        if source.module not in (None, "platform")
        for node in ast.walk(source.tree)
        if (fault := _fault(node))
    ]


def _fault(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name) and node.id in ("float", "round"):
        return node.id
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return f"float {node.value}"
    return None
