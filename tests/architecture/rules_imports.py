"""Rule 1: imports go down, and the core knows nothing but the standard library."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import PACKAGE, imports, sources

_COMMAND = "from importlinter.cli import lint_imports_command; lint_imports_command()"
# Wide enough that no line of the report is broken.
_COLUMNS = "500"


def upward(root: Path) -> list[str]:
    """Return what import-linter finds by the layers in pyproject.toml, in this folder's own code."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _COMMAND, "--no-cache", "--no-logo"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": _COLUMNS},
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = re.findall(r"^(?:- |  )(kelviq_server\S*.*?) *$", done.stdout, re.MULTILINE)
    if done.returncode and not found:
        return [f"import-linter: {done.stdout}{done.stderr}"]
    return found


def core_beyond_the_standard_library(root: Path) -> list[str]:
    """Return the imports of core that are neither its own nor Python's."""
    return [
        source.at(node, f"core imports {name}")
        for source in sources(root, f"{PACKAGE}/core")
        for node, name in imports(source)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(f"{PACKAGE}.core.")
    ]
