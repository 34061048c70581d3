"""Cancelling a subscription, and taking that back."""

import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client

PERIOD_END = {"cancellationType": "CURRENT_PERIOD_ENDS", "cancellationFeedback": "UNUSED"}


@pytest.fixture
async def id(api: Client) -> str:
    """Ada's subscription, at an instant at which the clock stands."""
    await subs.freeze(api)
    await subs.recurring(api)
    await money.customer(api)
    return (await subs.subscribed(api))["id"]


async def test_what_is_taken_back_in_time_is_renewed(api: Client, id: str) -> None:
    assert (await api.post(f"/subscriptions/{id}/cancel/", PERIOD_END)).status_code == 200
    assert (await subs.shown(api, id))["endDate"] == "2031-02-28"
    kept = await api.post(f"/subscriptions/{id}/resume/")
    assert kept.status_code == 200, kept.text
    assert [kept.json()[name] for name in ("endDate", "canceledAt", "cancellationReason", "cancellationFeedback")] == [
        None, None, None, None
    ]  # fmt: skip
    await subs.advance(api, "2031-03-01T00:00:00Z")
    assert (await subs.shown(api, id))["status"] == "active"
    assert await subs.paid(api) == [10_000, 10_000]
    changes = [data["previous_attributes"] for _, data in await subs.told(api, "subscription.updated")]
    assert changes[:2] == [{"end_date": None}, {"end_date": "2031-02-28"}]


async def test_what_is_not_cancelled_cannot_be_kept(api: Client, id: str) -> None:
    refused = await api.post(f"/subscriptions/{id}/resume/")
    assert (refused.status_code, refused.json()) == (400, {"detail": "The subscription is not about to end."})
    await api.post(f"/subscriptions/{id}/cancel/", {"cancellationType": "IMMEDIATE"})
    refused = await api.post(f"/subscriptions/{id}/resume/")
    assert (refused.status_code, refused.json()) == (400, {"detail": "The subscription has ended."})


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, {"cancellationType": ["This field is required."]}),
        ({"cancellationType": "NEVER"}, {"cancellationType": ['"NEVER" is not a valid choice.']}),
        ({"cancellationType": "SPECIFIC_DATE"}, {"cancellationDate": ["This field is required."]}),
        (
            {"cancellationType": "SPECIFIC_DATE", "cancellationDate": "2031-01-30"},
            {"cancellationDate": ["The date must be today or later."]},
        ),
        ({"cancellationType": "IMMEDIATE", "cancellationFeedback": "BORED"},
         {"cancellationFeedback": ['"BORED" is not a valid choice.']}),
    ],
)  # fmt: skip
async def test_a_faulty_cancellation_changes_nothing(api: Client, id: str, body: object, fault: object) -> None:
    refused = await api.post(f"/subscriptions/{id}/cancel/", body)
    assert (refused.status_code, refused.json()) == (400, fault)
    assert (await subs.shown(api, id))["canceledAt"] is None


async def test_why_somebody_leaves_who_has_not_paid_yet_is_kept(api: Client) -> None:
    await subs.freeze(api)
    await subs.recurring(api)
    await money.customer(api, money.ASKS_FOR_AUTHENTICATION)
    waiting = await subs.subscribed(api)
    why = {"cancellationFeedback": "TOO_EXPENSIVE", "cancellationComment": "Not now."}
    over = await subs.cancelled(api, waiting, **why)
    assert (over["status"], over["cancellationReason"]) == ("incomplete_expired", "CANCELLED_BY_MERCHANT")
    assert over["canceledAt"] is not None
    assert {name: over[name] for name in why} == why
