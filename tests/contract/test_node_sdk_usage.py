"""Usage and entitlements by the official Node client, unchanged, against a whole server."""

from typing import Any

import pytest

from tests.contract.merchant import buyer, merchant, sell_metered
from tests.contract.node_client import report_of
from tests.contract.server import Server


@pytest.fixture(scope="module")
def told(installed: None, server: Server) -> dict[str, Any]:
    """What usage.mjs found."""
    key = server.found("Node usage")
    with merchant(server.url, key) as api:
        sell_metered(api)
        buyer(api, "ada")
        body = {"planIdentifier": "metered", "chargePeriod": "MONTHLY", "customerId": "ada"}
        api.post("/subscriptions/create/", json=body).raise_for_status()
    return report_of("usage.mjs", {"url": server.url, "serverKey": key})


def test_what_is_reported_decides_what_a_customer_may_do(told: dict[str, Any]) -> None:
    assert (told["before"], told["after"]) == (True, False)
    usage, calls = told["usage"], told["calls"]
    assert (usage["value"], usage["customerId"], usage["featureId"], usage["behaviour"]) == (
        60,
        "ada",
        "calls",
        "DELTA",
    )
    assert usage["orgId"].isdigit()
    assert (calls["usageLimit"], calls["currentUsage"], calls["remaining"]) == (100, 60, 40)
    assert calls["items"][0]["resetAt"] == "2031-05-01 00:00:00"


def test_an_event_counts_under_either_spelling_and_once(told: dict[str, Any]) -> None:
    assert told["event"] == told["again"]
    assert told["event"]["idempotencyKey"] == "e1"
    assert told["all"]["tokens"]["currentUsage"] == 12


def test_everything_is_shown_in_the_order_of_the_plan(told: dict[str, Any]) -> None:
    raw = told["raw"]["entitlements"]
    assert [each["featureId"] for each in raw] == ["sso", "projects", "calls", "tokens"]
    assert {name: each["hasAccess"] for name, each in told["all"].items()} == {
        "sso": True, "projects": True, "calls": False, "tokens": True,
    }  # fmt: skip


def test_what_is_wrong_is_told(told: dict[str, Any]) -> None:
    assert told["refused"] == {"status": 400, "details": {"customerId": ["Customer does not exist."]}}
