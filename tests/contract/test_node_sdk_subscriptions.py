"""Subscriptions by the official Node client, unchanged, against a whole server."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.merchant import buyer, merchant, sell_monthly
from tests.contract.node_client import report_of
from tests.contract.server import Server


@dataclass(frozen=True)
class Told:
    """What the client was given and found, and what its records then were, by what was done to them."""

    ids: dict[str, str]
    report: dict[str, Any]
    records: dict[str, dict[str, Any]]
    taken: list[float]


@pytest.fixture(scope="module")
def told(installed: None, server: Server) -> Told:
    """What subscriptions.mjs found, half a month after everything was bought."""
    key = server.found("Node subscriptions")
    with merchant(server.url, key) as api:
        sell_monthly(api)
        buyer(api, "ada")
        ids: dict[str, str] = {}
        for name in ("upgraded", "seated", "tried", "leaving", "dated", "gone"):
            plan = "tried" if name == "tried" else "pro"
            body = {"planIdentifier": plan, "chargePeriod": "MONTHLY", "customerId": "ada"}
            ids[name] = api.post("/subscriptions/create/", json=body).raise_for_status().json()["id"]
        bought = api.get("/transaction/").json()["count"]
        api.post("/sandbox/clock/", json={"now": "2031-04-11T00:00:00Z"}).raise_for_status()
        report = report_of("subscriptions.mjs", {"url": server.url, "serverKey": key, "ids": ids})
        made = {name: report[name]["subscriptionId"] for name in ("upgraded", "seated", "longer", "ended")}
        shown = {**{f"before {name}": id for name, id in ids.items()}, **made}
        records = {name: api.get(f"/subscriptions/{id}/").json() for name, id in shown.items()}
        moved = api.get("/transaction/?page_size=100").json()["results"]
        return Told(ids, report, records, [each["amountTotal"] for each in moved[: len(moved) - bought]])


def test_an_update_answers_with_the_id_of_the_new_record(told: Told) -> None:
    upgraded, seated = told.records["upgraded"], told.records["seated"]
    assert (upgraded["status"], upgraded["plan"]["identifier"], upgraded["amount"]) == ("active", "team", "200.00")
    assert upgraded["externalSubscriptionId"] == told.ids["upgraded"] != upgraded["id"]
    assert told.records["before upgraded"]["status"] == "superseded"
    assert (seated["amount"], seated["features"][0]["value"]) == ("120.00", 12)


def test_a_trial_is_moved_and_ended(told: Told) -> None:
    longer, ended = told.records["longer"], told.records["ended"]
    assert (longer["status"], longer["billingPeriodEndTime"]) == ("superseded", "2031-05-31T23:59:59.000000Z")
    assert (ended["status"], ended["billingPeriodStartTime"]) == ("active", "2031-04-11T00:00:00.000000Z")


def test_a_cancellation_is_confirmed(told: Told) -> None:
    message = {"message": "Subscription cancellation processed successfully."}
    assert [told.report[name] for name in ("cancelled", "dated", "gone")] == [message] * 3
    ends = {name: told.records[f"before {name}"] for name in ("leaving", "dated", "gone")}
    assert {name: (each["status"], each["endDate"]) for name, each in ends.items()} == {
        "leaving": ("active", "2031-05-01"),
        "dated": ("active", "2031-06-15"),
        "gone": ("canceled", "2031-04-11"),
    }


def test_only_what_the_updates_cost_was_charged(told: Told) -> None:
    # Two thirds of the month at 100.00 more, and the first month after the trial; seats without proration.
    assert told.taken == [100, 66.66]


@pytest.mark.parametrize(
    ("what", "kind", "status", "details"),
    [
        ("replaced", "InvalidRequestError", 400, "The subscription was updated since. Its current id is {}."),
        ("ended", "InvalidRequestError", 400, "The subscription has ended."),
        ("unknown", "NotFoundError", 404, "Subscription not found."),
    ],
)
def test_a_refusal_is_the_error_class_of_its_status(
    told: Told, what: str, kind: str, status: int, details: str
) -> None:
    expected = {"detail": details.format(told.records["upgraded"]["id"])}
    assert told.report["errors"][what] == {"kind": kind, "status": status, "details": expected}


def test_a_fault_is_told_by_its_field(told: Told) -> None:
    assert told.report["errors"]["faulty"] == {
        "kind": "InvalidRequestError",
        "status": 400,
        "details": {"planIdentifier": ["There is no such plan for sale."]},
    }
