"""Holds our OpenAPI document against a published one: what is missing, and what is of another type."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Schema = dict[str, Any]
# Where two documents differ, and how. What we have beyond the published one is no difference, unless it is required.
Difference = tuple[str, str]

METHODS = ("get", "post", "put", "patch", "delete")
# Formats that a client may rely on; the others only decorate.
FORMATS = ("uuid", "email", "date-time")
NAMES_OF_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def operations(document: Document) -> dict[str, Schema]:
    """Return the operations by method and path, each with the parameters of its path."""
    return {
        f"{method.upper()} {path}": {
            "security": document.get("security"),
            **item[method],
            "parameters": [*item.get("parameters", []), *item[method].get("parameters", [])],
        }
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


class Comparison:
    """Compares operations of two documents."""

    def __init__(self, published: Document, ours: Document) -> None:
        self._published = published
        self._ours = ours
        self._compared: set[tuple[str, str, bool]] = set()

    def operation(self, published: Schema, ours: Schema) -> Iterator[Difference]:
        """Yield where one operation differs."""
        name = published["operationId"]
        if ours["operationId"] != name:
            yield f"{name} operationId", f"ours is {ours['operationId']}"
        if ours["security"] != published["security"]:
            yield f"{name} security", f"{published['security']}, ours {ours['security']}"
        yield from self._parameters(name, published["parameters"], ours["parameters"])
        if "requestBody" in published:
            if "requestBody" not in ours:
                yield f"{name} body", "ours has none"
            else:
                yield from self._schema(
                    f"{name} body", _content(published["requestBody"]), _content(ours["requestBody"]), True
                )
        for status, answer in published["responses"].items():
            if status not in ours["responses"]:
                yield f"{name} {status}", "ours does not announce it"
            elif status.startswith("2"):
                yield from self._schema(
                    f"{name} {status}", _content(answer), _content(ours["responses"][status]), False
                )

    def _parameters(self, name: str, published: list[Schema], ours: list[Schema]) -> Iterator[Difference]:
        known = {(parameter["in"], parameter["name"]): parameter for parameter in ours}
        for parameter in published:
            label = f"{name} {parameter['in']} {parameter['name']}"
            found = known.pop((parameter["in"], parameter["name"]), None)
            if found is None:
                yield label, "missing"
                continue
            if parameter.get("required", False) != found.get("required", False):
                yield label, f"required: {parameter.get('required', False)}"
            yield from self._schema(label, parameter["schema"], found["schema"], True)
        for (place, extra), parameter in known.items():
            if parameter.get("required", False):
                yield f"{name} {place} {extra}", "required here alone"

    def _schema(
        self, label: str, published: Schema | None, ours: Schema | None, is_request: bool
    ) -> Iterator[Difference]:
        if published is None:
            return
        if ours is None:
            yield label, "ours has no schema"
            return
        if "$ref" in published:
            # What stands in a component is named after it: it differs once, not once for each use.
            label = published["$ref"].rpartition("/")[2]
            pair = (label, str(ours.get("$ref", ours)), is_request)
            if pair in self._compared:
                return
            self._compared.add(pair)
        wanted, had = _plain(self._published, published), _plain(self._ours, ours)
        for aspect in ("type", "nullable", "format", "enum"):
            if wanted[aspect] != had[aspect]:
                yield f"{label}: {aspect}", f"{wanted[aspect]}, ours {had[aspect]}"
        if wanted["items"] is not None:
            yield from self._schema(f"{label}[]", wanted["items"], had["items"], is_request)
        if isinstance(wanted["values"], dict):
            yield from self._schema(
                f"{label}.*", wanted["values"], had["values"] if isinstance(had["values"], dict) else {}, is_request
            )
        for field, schema in wanted["properties"].items():
            if field not in had["properties"]:
                yield f"{label}.{field}", "missing"
                continue
            yield from self._schema(f"{label}.{field}", schema, had["properties"][field], is_request)
        if is_request:
            for field in sorted(wanted["required"] ^ had["required"]):
                yield f"{label}.{field}", "required in one of the two only"


def _content(body: Schema) -> Schema | None:
    return body.get("content", {}).get("application/json", {}).get("schema")


def _plain(document: Document, schema: Schema) -> dict[str, Any]:
    """Return what a schema says, alike for `nullable` of OpenAPI 3.0 and the null types of 3.1."""
    merged: Schema = {}
    types: set[str] = set()
    nullable = False
    for part in _parts(document, schema):
        nullable = nullable or part.get("nullable", False)
        merged |= part
        types |= _types(part)
    return {
        "type": sorted(types - {"null"}),
        "nullable": nullable or "null" in types,
        "format": merged.get("format") if merged.get("format") in FORMATS else None,
        "enum": sorted(value for value in merged["enum"] if value is not None) if "enum" in merged else None,
        "items": merged.get("items"),
        "values": merged.get("additionalProperties"),
        "properties": merged.get("properties", {}),
        "required": set(merged.get("required", [])),
    }


def _parts(document: Document, schema: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        *_, kind, name = schema["$ref"].split("/")
        yield from _parts(document, document["components"][kind][name])
    for combined in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(combined, []):
            yield from _parts(document, part)
    yield schema


def _types(schema: Schema) -> set[str]:
    if "const" in schema:
        return {NAMES_OF_TYPES[type(schema["const"])]}
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)
