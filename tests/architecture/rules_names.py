"""The files of a module stand under the house's names, and only those."""

import ast
from pathlib import Path

from tests.architecture.source import FOUNDATIONS, PACKAGE, PARTS, modules, sources

FILES = {
    "__init__.py",
    "README.md",
    "records.py",
    "rules.py",
    "store.py",
    "steps.py",
    "events.py",
    "errors.py",
    "schemas.py",
    "routes.py",
    "jobs.py",
}
FOLDERS = {"actions"}
# What the tree of the house shows besides.
FOLDERS_BESIDES = {"payments": {"gateways"}, "visitors": {"data"}}
NAMELESS = {"service.py", "utils.py", "helpers.py", "manager.py", "common.py"}
# Faces for people: folders of templates and small views, and the client that works on a catalog from outside.
FACES = {"pages", "pricing_as_code"}
NOT_IN_FACES = {"rules.py", "store.py"}


def other_names(root: Path) -> list[str]:
    """Return the files and folders of features that the house has no word for."""
    found: list[str] = []
    for module in modules(root):
        if module.name in FOUNDATIONS:
            continue
        for path in sorted(_entries(module)):
            if path.name == "__pycache__":
                continue
            if module.name in FACES:
                wrong = path.name in NOT_IN_FACES
            elif path.is_dir():
                wrong = path.name not in FOLDERS | FOLDERS_BESIDES.get(module.name, set()) | _parts(path)
            else:
                wrong = path.name not in FILES
            if wrong:
                found.append(f"{path.relative_to(root).as_posix()}: not a name of the house")
    return found


def _entries(module: Path) -> list[Path]:
    """Return what stands in a module, and in each of its parts."""
    if module.name in FACES:
        return list(module.rglob("*"))
    parts = [entry for name in PARTS.get(module.name, ()) for entry in (module / name).glob("*")]
    return [*module.iterdir(), *parts]


def _parts(folder: Path) -> set[str]:
    """Return the names that this folder's neighbours may have as parts of a module."""
    return set(PARTS.get(folder.parent.name, ()))


def nameless_files(root: Path) -> list[str]:
    """Return the files that have not found their name."""
    return [
        f"{source.path}: has not found its name"
        for folder in (PACKAGE, "tests", "bench")
        for source in sources(root, folder)
        if source.name in NAMELESS
    ]


def packages_not_plain(root: Path) -> list[str]:
    """Return the folders of code without an `__init__.py`, which no rule would see, or with one that is not empty."""
    files = {source.path: source for source in sources(root)}
    packages = sorted({path.rsplit("/", 1)[0] for path in files})
    return [
        f"{package}/__init__.py: {'holds something' if file else 'is missing'}"
        for package in packages
        if (file := files.get(f"{package}/__init__.py")) is None or file.text.strip()
    ]


def actions_by_another_name(root: Path) -> list[str]:
    """Return the files of actions that are not exactly one public function of the same name."""
    found: list[str] = []
    for source in sources(root):
        if not source.is_action or source.name == "__init__.py":
            continue
        public = [
            node.name
            for node in source.tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
        ]
        if public != [source.name.removesuffix(".py")]:
            found.append(f"{source.path}: public functions are {', '.join(public) or 'none'}")
    return found
