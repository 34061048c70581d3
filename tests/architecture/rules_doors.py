"""Rule 2: another module is entered through its doors."""

from pathlib import Path

from tests.architecture.source import FOUNDATIONS, PACKAGE, Source, imports, is_part, modules, sources

DOORS = {"steps", "records", "events", "errors"}
DOORS_FOR_PAGES = DOORS | {"actions"}
# app, worker and cli put the program together; even they leave the store and the rules alone.
DOORS_FOR_ROOTS = DOORS_FOR_PAGES | {"routes", "jobs", "commands"}


def past_the_doors(root: Path) -> list[str]:
    """Return the imports of what another module keeps to itself."""
    features = {folder.name for folder in modules(root)} - set(FOUNDATIONS)
    found: list[str] = []
    for source in sources(root):
        for node, name in imports(source):
            package, *parts = name.split(".")
            if package != PACKAGE or not parts or parts[0] not in features or parts[0] == source.module:
                continue
            inside = parts[2:] if len(parts) > 1 and is_part(parts[0], parts[1]) else parts[1:]
            if not inside or inside[0] not in _doors(source):
                found.append(source.at(node, f"{name} is not a door"))
    return found


def _doors(source: Source) -> set[str]:
    if source.module is None:
        return DOORS_FOR_ROOTS
    return DOORS_FOR_PAGES if source.module == "pages" else DOORS
