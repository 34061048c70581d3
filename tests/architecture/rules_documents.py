"""What people read says what the code does: events, errors, modules, settings and decisions."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from tests.architecture.source import PACKAGE, Source, assigned, bases, modules, sources, subclasses

README_SECTIONS = ["Owns", "Does not own", "Words", "Times", "Life"]
MAX_README_LINES = 60

_PROJECT = Path(__file__).parents[2]
_EVENTS_PAGE = "import sys; from tests.architecture.events_page import page; sys.stdout.write(page())"
_DECISION = re.compile(r"\bdocs/adr/(\d{4})")
_ERROR_ROW = re.compile(r"^\| (\d{3}) \| `(\w+)` \| (.+?) \| `([^`]+)` \|$", re.MULTILINE)


def events_not_described(root: Path) -> list[str]:
    """Return the first line of docs/events.md that differs from what this folder's own code makes of the page."""
    made = subprocess.run(
        [sys.executable, "-B", "-P", "-X", "utf8", "-c", _EVENTS_PAGE],
        # The product of this folder, which may be a copy, before the project's own; the generator is always ours.
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(_PROJECT)])},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    if made.returncode:
        return [f"docs/events.md: {made.stderr.strip().splitlines()[-1]}"]
    lines = zip_longest(_text(root, "docs/events.md").split("\n"), made.stdout.split("\n"))
    return [
        f"docs/events.md:{number}: {_shown(found)} stands where the code says {_shown(wanted)}; run make events"
        for number, (found, wanted) in enumerate(lines, 1)
        if found != wanted
    ][:1]


def _shown(line: str | None) -> str:
    return "nothing" if line is None else f'"{line}"'


def errors_not_described(root: Path) -> list[str]:
    """Return where the table of docs/errors.md and the refusals of the code differ."""
    classes = subclasses(sources(root), "Refusal")
    raised = {
        (
            str(_status(node, classes) or 400),
            node.name,
            (ast.get_docstring(node) or "").split("\n")[0],
            source.path.removeprefix(f"{PACKAGE}/"),
        )
        for source, node in classes
    }
    described = set(_ERROR_ROW.findall(_text(root, "docs/errors.md")))
    return [
        *(f"docs/errors.md: no row {' | '.join(row)}" for row in sorted(raised - described)),
        *(f"docs/errors.md: nothing is so: {' | '.join(row)}" for row in sorted(described - raised)),
    ]


def _status(node: ast.ClassDef, classes: Sequence[tuple[Source, ast.ClassDef]]) -> object:
    """Return the status of a refusal: its own, else that of the class above."""
    own = assigned(node, "status")
    return own or next((status for above in _above(node, classes) if (status := _status(above, classes))), None)


def _above(node: ast.ClassDef, classes: Sequence[tuple[Source, ast.ClassDef]]) -> list[ast.ClassDef]:
    return [other for _, other in classes if other.name in bases(node)]


def modules_not_described(root: Path) -> list[str]:
    """Return the modules whose README is missing, too long, or lacks one of its sections."""
    found: list[str] = []
    for module in modules(root):
        path = f"{PACKAGE}/{module.name}/README.md"
        if not (root / path).is_file():
            found.append(f"{path}: is missing")
            continue
        text = _text(root, path)
        if (lines := len(text.splitlines())) > MAX_README_LINES:
            found.append(f"{path}: {lines} lines")
        sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
        if sections != README_SECTIONS:
            found.append(f"{path}: sections are {', '.join(sections)}")
    return found


def settings_not_described(root: Path) -> list[str]:
    """Return the settings that the README's table does not list."""
    path = f"{PACKAGE}/platform/settings.py"
    tree = Source(path, _text(root, path)).tree
    fields = [
        part.target.id
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    ]
    rows = [line for line in _text(root, "README.md").splitlines() if line.startswith("|")]
    return [
        f"README.md: KELVIQ_{name.upper()} is missing"
        for name in fields
        if not any(re.search(rf"\bKELVIQ_{name.upper()}\b", row) for row in rows)
    ]


def decisions_not_written(root: Path) -> list[str]:
    """Return where code, SQL or a document names a decision record that does not exist."""
    written = {path.name[:4] for path in (root / "docs/adr").glob("*-*.md")}
    files = [
        *root.glob("*.md"),
        *(file for folder in (PACKAGE, "docs") for kind in ("py", "md") for file in (root / folder).rglob(f"*.{kind}")),
        *(root / "migrations").glob("*.sql"),
    ]
    return [
        f"{file.relative_to(root).as_posix()}:{line}: there is no docs/adr/{number}"
        for file in sorted(files)
        for line, text in enumerate(file.read_text().splitlines(), 1)
        for number in _DECISION.findall(text)
        if number not in written
    ]


def _text(root: Path, path: str) -> str:
    file = root / path
    return file.read_text() if file.is_file() else ""
