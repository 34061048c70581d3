"""The project's files as the rules read them: never imported, so a copy can be judged as well."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "kelviq_server"
# Read by every module, so they have no doors and file names of their own.
FOUNDATIONS = ("platform", "core")
# A module too large for one set of files is divided into parts, each with the same file names.
PARTS = {
    "billing": (
        "charges",
        "invoices",
        "ledger",
        "orders",
        "payment_links",
        "refunds",
        "sales",
        "settlement",
        "transactions",
        "verification",
    ),
    "catalog": ("contents", "features", "plans", "prices", "products", "rates"),
    "checkout": ("offers", "payment", "sessions"),
    "entitlements": ("explanations", "license_keys"),
    "licenses": ("signing",),
    "promotions": ("by_country", "discounts"),
    "subscriptions": (
        "changes",
        "collection",
        "cycles",
        "endings",
        "invoicing",
        "life",
        "metering",
        "offerings",
        "purchases",
    ),
    "tenants": ("clocks",),
    "usage": (
        "alerts",
        "allowances",
        "charges",
        "counting",
        "meters",
        "reports",
        "reservations",
        "series",
        "traces",
        "verification",
    ),
    "webhooks": ("attempts", "deliveries", "endpoints", "log"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file."""

    # From the root, with slashes, such as kelviq_server/customers/store.py.
    path: str
    text: str

    @property
    def name(self) -> str:
        """Return the file's own name."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def module(self) -> str | None:
        """Return the feature or foundation it belongs to; None for the composition roots."""
        parts = self.path.split("/")
        return parts[1] if len(parts) > 2 else None

    @property
    def is_action(self) -> bool:
        """Say whether it is a file of an actions folder."""
        _, *folders, _ = self.path.split("/")
        return folders[1:] == ["actions"] or (folders[2:] == ["actions"] and is_part(folders[0], folders[1]))

    @property
    def tree(self) -> ast.Module:
        """Return the syntax tree; shared, so nobody changes it."""
        return _parse(self.text)

    def at(self, node: ast.AST, what: str) -> str:
        """Return a violation that stands at this node."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def is_part(module: str, folder: str) -> bool:
    """Say whether a folder of a module is one of its parts."""
    return folder in PARTS.get(module, ())


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


def sources(root: Path, folder: str = PACKAGE) -> list[Source]:
    """Return the Python files of a folder, in order."""
    return [
        Source(path.relative_to(root).as_posix(), path.read_text())
        for path in sorted((root / folder).rglob("*.py"))
        if "__pycache__" not in path.parts
    ]


def modules(root: Path) -> list[Path]:
    """Return the folders that are modules, in order."""
    return [path.parent for path in sorted((root / PACKAGE).glob("*/__init__.py"))]


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings that the program uses; docstrings are none of them."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        pending.extend(ast.iter_child_nodes(node))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the last part of what is called: `execute` for `tx.execute(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr, node


def imports(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Yield what a file imports, each name in full: `from a import b` is `a.b`."""
    package = source.path.split("/")[:-1]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            start = [*above, node.module] if node.module else above
            for alias in node.names:
                yield node, ".".join([*start, alias.name])


def subclasses(files: list[Source], base: str) -> list[tuple[Source, ast.ClassDef]]:
    """Return the classes below a base class, near and far; bases are told by their names."""
    classes = [(file, node) for file in files for node in file.tree.body if isinstance(node, ast.ClassDef)]
    names = {base}
    while True:
        found = [(file, node) for file, node in classes if names & set(bases(node))]
        more = {node.name for _, node in found} - names
        if not more:
            return found
        names |= more


def bases(node: ast.ClassDef) -> list[str]:
    """Return the names of a class's direct bases, without the module in front."""
    return [ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases]


def assigned(node: ast.ClassDef, name: str) -> object:
    """Return the constant that a class gives to a name, or None."""
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else ()
        target = statement.target if isinstance(statement, ast.AnnAssign) else next(iter(targets), None)
        if (
            isinstance(statement, ast.Assign | ast.AnnAssign)
            and isinstance(target, ast.Name)
            and target.id == name
            and isinstance(statement.value, ast.Constant)
        ):
            return statement.value.value
    return None
