"""Features: what is taken, what is fixed, what is refused and where."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Client

UNITS = {"singular": "call", "plural": "calls"}
METER = {
    "name": "API Calls",
    "featureType": "METER",
    "featureDetails": {"featureSubType": "PRE_AGGREGATED_USAGE", "units": UNITS},
}
EVENTS = {
    "name": "Tokens",
    "featureType": "METER",
    "featureDetails": {"featureSubType": "RAW_EVENTS", "units": {"singular": "token", "plural": "tokens"}},
    "meter": {
        "aggregation": {"function": "SUM", "field": "tokensUsed"},
        "filters": [{"field": "eventName", "operator": "EQUALS", "value": "completion"}],
    },
}


async def test_a_feature_comes_back_as_it_was_made(api: Client) -> None:
    body = {**METER, "identifier": "api-calls", "description": "Calls a month.", "metadata": {"category": "core"}}
    made = await api.post("/catalog/features/", body)
    assert made.status_code == 201
    feature = made.json()
    assert {name: feature[name] for name in body} == body
    assert (feature["meter"], feature["details"], feature["isArchived"]) == ({}, {}, False)
    assert (await api.get(f"/catalog/features/{feature['id']}/")).json() == feature
    assert (await api.get("/catalog/features/")).json()["results"] == [feature]


async def test_a_meter_of_raw_events_keeps_its_aggregation_and_filters(api: Client) -> None:
    snake = {
        "name": "Tokens",
        "feature_type": "METER",
        "feature_details": {"feature_sub_type": "RAW_EVENTS", "units": EVENTS["featureDetails"]["units"], "own_key": 1},
        "meter": EVENTS["meter"],
    }
    feature = (await api.post("/catalog/features/", snake)).json()
    assert feature["meter"] == EVENTS["meter"]
    # The API's keys are answered in camelCase, the caller's own as they came.
    assert feature["featureDetails"] == {**EVENTS["featureDetails"], "own_key": 1}


async def test_without_an_identifier_the_name_makes_one_that_is_free(api: Client) -> None:
    made = [(await api.post("/catalog/features/", METER)).json()["identifier"] for _ in range(3)]
    assert made == ["api-calls", "api-calls-2", "api-calls-3"]


async def test_an_identifier_stays_taken_for_ever(api: Client) -> None:
    body = {"name": "SSO", "identifier": "sso", "featureType": "BOOLEAN"}
    feature = (await api.post("/catalog/features/", body)).json()
    assert (await api.delete(f"/catalog/features/{feature['id']}/")).status_code == 204
    taken = await api.post("/catalog/features/", body)
    assert (taken.status_code, taken.json()) == (
        400,
        {"identifier": ["A feature with this identifier already exists."]},
    )


REQUIRED = ["This field is required."]


@pytest.mark.parametrize(
    ("operator", "right", "wrong"),
    [
        ("EQUALS", ["x", 0, False, 1.5], [None, [], {}]),
        ("IN", [["a", 1]], [None, "a", [], [{}], [None]]),
        ("NOT_IN", [[True]], [None, {"a": 1}]),
        ("LESS_THAN", [400, 0.5], [None, "400", True, []]),
        ("CONTAINS", ["x"], [None, "", 1]),
        ("EXISTS", [None], [True, ""]),
    ],
)
async def test_a_filter_compares_with_what_its_operator_can(
    api: Client, operator: str, right: list[Any], wrong: list[Any]
) -> None:
    for values, status in ((right, 201), (wrong, 400)):
        for value in values:
            given = {"field": "eventName", "operator": operator, "value": value}
            meter = {"aggregation": {"function": "COUNT"}, "filters": [given]}
            answer = await api.post("/catalog/features/", {**EVENTS, "meter": meter})
            assert answer.status_code == status, (value, answer.text)
            if status == 400:
                assert "meter.filters[0].value: " in answer.text


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"name": " "}, {"name": ["This field may not be blank."]}),
        ({"name": ""}, {"name": ["This field may not be blank."]}),
        ({"featureType": "TOGGLE"}, {"featureType": ['"TOGGLE" is not a valid choice.']}),
        (
            {"featureDetails": {}},
            {"featureDetails": {"featureSubType": REQUIRED, "units": REQUIRED}},
        ),
        ({"featureDetails": {**METER["featureDetails"], "units": {"singular": "call"}}},
         {"featureDetails": {"units": {"plural": REQUIRED}}}),
        ({"featureDetails": {**METER["featureDetails"], "featureSubType": "RAW_EVENTS"}}, {"meter": REQUIRED}),
        ({"meter": EVENTS["meter"]}, {"meter": ["Only METER features of RAW_EVENTS have one."]}),
        ({"featureType": "BOOLEAN"}, {"featureDetails": {"featureSubType": ["Only METER features have one."]}}),
        ({"meter": {"aggregation": {"function": "MEDIAN"}, "filters": []}},
         {"meter": {"aggregation": {"function": ['"MEDIAN" is not a valid choice.']}}}),
        ({"featureDetails": EVENTS["featureDetails"], "meter": {"aggregation": {"function": "SUM"}, "filters": []}},
         {"meter": {"aggregation": {"field": REQUIRED}}}),
        ({"meter": {"aggregation": {"function": "COUNT"}, "filters": [{}]}},
         {"meter": {"filters": [{"field": ["meter.filters[0].field: This field is required."],
                                 "operator": ["meter.filters[0].operator: This field is required."]}]}}),
        ({"identifier": "API calls"}, {"identifier": [
            "Enter a valid identifier of lower-case letters, digits, hyphens and underscores, "
            "beginning with a letter or a digit."]}),
        ({"metadata": []}, {"metadata": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)  # fmt: skip
async def test_what_is_no_feature_is_refused_by_field(
    api: Client, change: dict[str, Any], errors: dict[str, Any]
) -> None:
    answer = await api.post("/catalog/features/", {**METER, **change})
    assert (answer.status_code, answer.json()) == (400, errors)
    assert (await api.get("/catalog/features/")).json()["count"] == 0


async def test_only_name_description_and_metadata_change(api: Client) -> None:
    feature = (await api.post("/catalog/features/", EVENTS)).json()
    path = f"/catalog/features/{feature['id']}/"
    sent = {"name": "Words", "identifier": "words", "featureType": "BOOLEAN", "meter": {}, "metadata": {"a": 1}}
    changed = (await api.patch(path, sent)).json()
    assert changed["modifiedOn"] > feature["modifiedOn"]
    assert changed == {**feature, "name": "Words", "metadata": {"a": 1}, "modifiedOn": changed["modifiedOn"]}
    assert (await api.patch(path, sent)).json() == changed
    assert (await api.patch(path, {})).json() == changed


async def test_an_archived_feature_is_out_of_the_list_and_stands_still(api: Client) -> None:
    feature = (await api.post("/catalog/features/", METER)).json()
    path = f"/catalog/features/{feature['id']}/"
    assert (await api.delete(path)).status_code == 204
    assert (await api.get("/catalog/features/")).json()["count"] == 0
    assert (await api.get(path)).json()["isArchived"] is True
    for again in (await api.delete(path), await api.patch(path, {"name": "x"})):
        assert (again.status_code, again.json()) == (400, {"detail": "The feature is archived."})


async def test_a_search_looks_at_name_identifier_and_description(api: Client) -> None:
    for name, description in (("API Calls", "Requests a month"), ("Seats", "People, 100% of them"), ("SSO", "")):
        body = {"name": name, "description": description, "featureType": "BOOLEAN"}
        assert (await api.post("/catalog/features/", body)).status_code == 201
    for search, names in (
        ("api", ["API Calls"]), ("s", ["SSO", "Seats", "API Calls"]), ('"a month"', ["API Calls"]),
        ("people SEATS", ["Seats"]), ("100%", ["Seats"]), ("%", ["Seats"]), ("sso seats", []),
    ):  # fmt: skip
        found = (await api.get("/catalog/features/", params={"search": search})).json()
        assert [feature["name"] for feature in found["results"]] == names, search
        assert found["count"] == len(names)


async def test_the_list_is_cut_into_pages_of_a_hundred_at_the_most(api: Client) -> None:
    for number in range(5):
        await api.post("/catalog/features/", {"name": f"F{number}", "featureType": "BOOLEAN"})
    second = (await api.get("/catalog/features/?page_size=2&page=2")).json()
    assert ([feature["name"] for feature in second["results"]], second["count"]) == (["F2", "F1"], 5)
    last = (await api.get("/catalog/features/?page_size=2&page=last")).json()
    assert [feature["name"] for feature in last["results"]] == ["F0"]
    assert (await api.get("/catalog/features/?page_size=2&page=4")).status_code == 404
    assert (await api.get("/catalog/features/?page_size=1000")).json()["count"] == 5


async def test_a_feature_that_never_was_is_not_found(api: Client) -> None:
    for id in (str(uuid4()), "no-uuid"):
        assert (await api.get(f"/catalog/features/{id}/")).status_code == 404
