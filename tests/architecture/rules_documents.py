"""What people read says what the code does: events, errors, modules, settings and decisions."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from tests.architecture.source import PACKAGE, Source, assigned, bases, modules, sources, subclasses

README_SECTIONS = ["Owns", "Does not own", "Words", "Times", "Life"]
MAX_README_LINES = 60

_EVENT_HEADING = re.compile(r"^## `([^`]+)`$", re.MULTILINE)
_DECISION = re.compile(r"\bdocs/adr/(\d{4})")
_ERROR_ROW = re.compile(r"^\| (\d{3}) \| `(\w+)` \| (.+?) \| `([^`]+)` \|$", re.MULTILINE)


def events_not_described(root: Path) -> list[str]:
    """Return where docs/events.md and the events of the code differ: types, classes and payload fields."""
    classes = subclasses(sources(root), "Event")
    parts = _EVENT_HEADING.split(_text(root, "docs/events.md"))
    described = dict(zip(parts[1::2], parts[2::2], strict=True))
    found: list[str] = []
    announced: set[str] = set()
    for source, node in classes:
        name, type = node.name, assigned(node, "type")
        if not isinstance(type, str):
            found.append(source.at(node, f"{name} names no type"))
            continue
        announced.add(type)
        if type not in described:
            found.append(f"docs/events.md: {type} is missing")
            continue
        wanted = [f"`{name}`", *(f'"{field}"' for field in _payload_fields(node, classes))]
        found += [f"docs/events.md: {type}: no {word}" for word in wanted if word not in described[type]]
    return found + [f"docs/events.md: there is no {type}" for type in described if type not in announced]


def _payload_fields(node: ast.ClassDef, classes: Sequence[tuple[Source, ast.ClassDef]]) -> list[str]:
    """Return the names that `data` writes, and those of the class above where it asks that one too."""
    data = next((part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "data"), None)
    fields = [
        key.value
        for part in (ast.walk(data) if data else ())
        if isinstance(part, ast.Dict)
        for key in part.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]
    if data is None or "super()" in ast.unparse(data):
        for above in _above(node, classes):
            fields += _payload_fields(above, classes)
    return fields


def _above(node: ast.ClassDef, classes: Sequence[tuple[Source, ast.ClassDef]]) -> list[ast.ClassDef]:
    return [other for _, other in classes if other.name in bases(node)]


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
