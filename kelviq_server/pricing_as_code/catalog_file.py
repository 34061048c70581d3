"""The catalog as a file: how it is read, and how it is written."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kelviq_server.pricing_as_code.errors import CatalogFault, CatalogMistakes, Mistake
from kelviq_server.pricing_as_code.records import Catalog, CatalogPlan, near_name
from kelviq_server.pricing_as_code.yaml_text import line_of, read_yaml, write_yaml

_HEADER = "# A catalog; `kelviq-server catalog push FILE` carries it out.\n\n"
_Path = tuple[str | int, ...]
_WORDS = {
    "missing": "this key is missing",
    "extra_forbidden": "there is no such key",
    "string_type": "a text is expected; put it in quotation marks",
    "bool_type": "true or false is expected",
    "tuple_type": "a list is expected",
}


def read_catalog(text: str) -> Catalog:
    """Return the catalog that a file describes.

    Raises CatalogMistakes, which name the path and the line of all that is wrong.
    """
    value, node = read_yaml(text)
    try:
        catalog = Catalog.model_validate({} if value is None else value)
    except ValidationError as error:
        raise CatalogMistakes([_mistake(node, each) for each in error.errors()]) from None
    if found := list(_reference_mistakes(catalog)):
        raise CatalogMistakes([Mistake(line_of(node, path), path_text(path), message) for path, message in found])
    return catalog


def write_catalog(catalog: Catalog) -> str:
    """Return the file that describes a catalog."""
    return _HEADER + write_yaml(catalog.minimal())


def in_order(plans: Sequence[CatalogPlan]) -> list[CatalogPlan]:
    """Return the plans with every base plan before those that are based on it; raises CatalogFault for a circle."""
    waiting = {plan.identifier: plan for plan in plans}
    ordered: list[CatalogPlan] = []
    while waiting:
        ready = [plan for plan in waiting.values() if plan.base_plan not in waiting]
        if not ready:
            raise CatalogFault(f"these plans are based on one another: {', '.join(waiting)}")
        ordered += ready
        for plan in ready:
            del waiting[plan.identifier]
    return ordered


def path_text(path: Sequence[str | int]) -> str:
    """Return a path as people write it: plans[0].prices[1].currency."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def mistake_text(error: ErrorDetails) -> str:
    """Return what is wrong, in words for whoever wrote the file."""
    kind, given = error["type"], error["input"]
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in ("literal_error", "enum"):
        expected = str((error.get("ctx") or {}).get("expected", ""))
        near = near_name(str(given), expected.replace("'", "").replace(" or ", ", ").split(", "))
        hint = f"did you mean {near}?" if near else f"it is one of {expected.replace(chr(39), '')}"
        return f'"{given}" is not possible here; {hint}'
    return error["msg"].removeprefix("Value error, ")


def _mistake(node: yaml.Node | None, error: ErrorDetails) -> Mistake:
    path = _place(error)
    return Mistake(line_of(node, path), path_text(path), mistake_text(error))


def _place(error: ErrorDetails) -> _Path:
    """Return the path without what pydantic adds to it for choices between types."""
    path = error["loc"]
    if error["type"] == "slip":
        return (*path, (error.get("ctx") or {})["name"])
    while path and isinstance(path[-1], str) and not path[-1].replace("_", "").isalnum():
        path = path[:-1]
    return path


def _reference_mistakes(catalog: Catalog) -> Iterator[tuple[_Path, str]]:
    """Yield what is named twice, and what is referred to but does not stand in the file."""
    names: dict[str, set[str]] = {}
    sections: dict[str, Sequence[Any]] = {
        "products": catalog.products, "features": catalog.features, "plans": catalog.plans,
    }  # fmt: skip
    for section, entries in sections.items():
        seen = names.setdefault(section, set())
        for place, entry in enumerate(entries):
            if entry.identifier in seen:
                yield (section, place, "identifier"), f"{entry.identifier} stands in {section} already"
            seen.add(entry.identifier)
    for place, plan in enumerate(catalog.plans):
        for path, section, name in _references(("plans", place), plan):
            if name not in names[section]:
                near = near_name(name, names[section])
                yield path, f"{name} is not among the {section}" + (f"; did you mean {near}?" if near else "")
    try:
        in_order(catalog.plans)
    except CatalogFault as error:
        yield ("plans",), str(error)


def _references(at: _Path, plan: CatalogPlan) -> Iterator[tuple[_Path, str, str]]:
    yield (*at, "product"), "products", plan.product
    if plan.base_plan is not None:
        yield (*at, "basePlan"), "plans", plan.base_plan
    for place, entitlement in enumerate(plan.entitlements or ()):
        yield (*at, "entitlements", place, "feature"), "features", entitlement.feature
    for place, price in enumerate(plan.prices or ()):
        for number, component in enumerate(price.charge_catalog_price):
            if component.feature is not None:
                path: _Path = (*at, "prices", place, "chargeCatalogPrice", number, "feature")
                yield path, "features", component.feature
