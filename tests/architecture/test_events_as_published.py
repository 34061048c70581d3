"""The payloads are those of the public webhook guide: the same fields, of the same types.

`published_events.json` holds the fields of the guide's examples: the type of each as JSON knows it, by its path below
`data`.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kelviq_server.platform.json_body import dump, parse
from tests.architecture.events_page import every_event

Fields = dict[str, str]

PUBLISHED: dict[str, Fields] = json.loads(Path(__file__).with_name("published_events.json").read_text())
EVENTS = every_event()
# What the guide does not show.
OURS = {
    "organization.provisioned": "happens to the instance, and is told to no merchant",
    "webhook.test": "sent on request alone, to the endpoint that is tested",
    "entitlement.overridden": "the guide knows no overrides",
    "entitlement.override_removed": "the guide knows no overrides",
    "entitlement.usage_reset": "the guide knows no resets but those of time",
    "license.created": "the guide tells of no licences",
    "license.updated": "the guide tells of no licences",
    "license.activated": "the guide tells of no licences",
    "license.deactivated": "the guide tells of no licences",
}
# What these hold depends on the merchant, and on what changed.
FREE = {"metadata", "previous_attributes"}


def fields(data: dict[str, Any], above: str = "") -> Fields:
    """Return the JSON type of every field of an object, and of the objects in it, by path."""
    found: Fields = {}
    for name, value in data.items():
        found[above + name] = json_type(value)
        if isinstance(value, dict):
            found |= fields(value, f"{above}{name}.")
    return found


def json_type(value: Any) -> str:
    """Return what JSON calls a value that was read from it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case Decimal():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def missing(published: Fields, ours: Fields) -> list[str]:
    """Return the published fields that are not among ours."""
    return [path for path in published if path not in ours and not _within_free(path)]


def other_types(published: Fields, ours: Fields) -> list[str]:
    """Return our fields of another type than was published; one that was published as null may be anything."""
    return [
        f"{path}: {ours[path]} instead of {type}"
        for path, type in published.items()
        if path in ours and type not in ("null", ours[path]) and not _within_free(path)
    ]


def additional(published: Fields, ours: Fields) -> list[str]:
    """Return our fields that were not published, other than within what was published as null or empty."""
    shown = {path.rpartition(".")[0] for path in published}
    hollow = {path for path, type in published.items() if type == "null" or (type == "object" and path not in shown)}
    beyond = [path for path in ours if path not in published and not _within_free(path)]
    return [path for path in beyond if not hollow.intersection(_above(path))]


def _within_free(path: str) -> bool:
    return any(above.rpartition(".")[2] in FREE for above in _above(path))


def _above(path: str) -> list[str]:
    """Return the paths of the objects that a field stands in."""
    names = path.split(".")
    return [".".join(names[:count]) for count in range(1, len(names))]


@pytest.mark.parametrize("type", sorted(PUBLISHED.keys() & EVENTS.keys()))
def test_the_payload_is_as_published(type: str) -> None:
    published, ours = PUBLISHED[type], fields(parse(dump(EVENTS[type].example().data()).encode()))
    assert (missing(published, ours), other_types(published, ours), additional(published, ours)) == ([], [], [])


def test_a_missing_field_is_seen() -> None:
    published = {"object": "object", "object.id": "string", "object.metadata": "object", "object.metadata.a": "string"}
    assert missing(published, published) == []
    assert missing(published, {"object": "object", "object.metadata": "object"}) == ["object.id"]
    assert missing(published, {}) == ["object", "object.id", "object.metadata"]


def test_another_type_is_seen() -> None:
    published = {"id": "string", "count": "integer", "ends": "null"}
    assert other_types(published, {"id": "string", "count": "integer", "ends": "string"}) == []
    assert other_types(published, {"id": "null", "count": "number"}) == [
        "id: null instead of string",
        "count: number instead of integer",
    ]


def test_an_additional_field_is_seen() -> None:
    published = fields({"object": {"id": "a", "address": {}, "plan": {"name": "b"}, "features": None}})
    free = fields({"object": {"address": {"city": "c"}, "features": {"seats": {"limit": 1}}}})
    assert additional(published, free) == []
    ours = fields({"object": {"seq": 1, "plan": {"id": "d"}}, "secret": "e"})
    assert additional(published, ours) == ["object.seq", "object.plan.id", "secret"]
    before = {"previous_attributes": "object", "previous_attributes.status": "string"}
    assert additional(before, fields({"previous_attributes": {"name": "f"}})) == []


def test_every_type_of_json_has_its_name() -> None:
    values = parse(b'{"a": null, "b": true, "c": 1, "d": 1.5, "e": "", "f": [{"g": 1}], "h": {"i": {}}}')
    assert " ".join(f"{path}:{type}" for path, type in fields(values).items()) == (
        "a:null b:boolean c:integer d:number e:string f:array h:object h.i:object"
    )


def test_what_the_guide_does_not_show_is_named_here_with_its_reason() -> None:
    assert EVENTS.keys() - PUBLISHED.keys() == OURS.keys()


def test_every_published_event_is_announced() -> None:
    left = PUBLISHED.keys() - EVENTS.keys()
    if left:
        pytest.xfail(f"{len(left)} of {len(PUBLISHED)} published event types are still to be built")
