"""Files and functions are short enough to be read in one go."""

import ast
from pathlib import Path

from tests.architecture.source import PACKAGE, sources

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def long_files(root: Path) -> list[str]:
    """Return the Python files that are too long."""
    return [
        f"{source.path}: {lines} lines"
        for folder in (PACKAGE, "tests", "bench")
        for source in sources(root, folder)
        if (lines := len(source.text.splitlines())) > MAX_FILE_LINES
    ]


def long_functions(root: Path) -> list[str]:
    """Return the functions of the product that are too long, counted from `def` to the last line."""
    return [
        source.at(node, f"{node.name} has {lines} lines")
        for source in sources(root)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
