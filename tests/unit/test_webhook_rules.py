"""When an event is told, how it is signed, and what becomes of it when it is not taken."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from kelviq_sdk.webhook import WebhookVerificationError, validate_event

from kelviq_server.platform.ids import lowest_id, new_id
from kelviq_server.webhooks.attempts.records import Days
from kelviq_server.webhooks.attempts.rules import listed_days
from kelviq_server.webhooks.deliveries import rules
from kelviq_server.webhooks.deliveries.errors import TooManyEvents
from kelviq_server.webhooks.deliveries.records import Attempt, Delivery, Outcome, Step
from kelviq_server.webhooks.endpoints import rules as endpoint_rules
from kelviq_server.webhooks.endpoints.errors import EndpointDisabled, TooManyEndpoints
from kelviq_server.webhooks.endpoints.records import DisabledReason, Endpoint, EndpointEdit

AT = datetime(2026, 4, 1, 7, 5, 56, 123456, tzinfo=UTC)
EVENT, CUSTOMER, HERE, THERE = (UUID(int=number) for number in range(1, 5))
DELIVERY = Delivery(
    tenant_id=1, endpoint_id=HERE, lane=CUSTOMER, lease=1, seq=1, position=1, failures=0, queued_at=AT, event_id=EVENT,
    type="customer.created", body="{}", url="https://example.com", sealed_secret=b"", failing_since=None,
)  # fmt: skip
ENDPOINT = Endpoint(
    id=HERE, url="https://example.com", event_types=["*"], description="", is_enabled=True, disabled_reason=None,
    disabled_at=None, failing_since=None, waiting_since=None, secret_start="kq_whsec_abc", created_at=AT,
    modified_at=AT,
)  # fmt: skip


def attempts_of(delivery: Delivery) -> list[tuple[timedelta, Step]]:
    """Let every attempt fail, and return when each was made after the queueing, and what came of it."""
    found: list[tuple[timedelta, Step]] = []
    at: datetime | None = delivery.queued_at
    while at is not None:
        outcome = rules.outcome(delivery, False, at)
        found.append((at - delivery.queued_at, outcome.step))
        delivery = replace(delivery, failures=delivery.failures + 1)
        if outcome.step is Step.ASIDE:
            assert delivery.event_id is not None
            delivery = replace(delivery, lane=delivery.event_id)
        at = outcome.due_at
    return found


def test_a_failing_delivery_is_tried_three_times_a_minute_apart_and_then_for_three_days() -> None:
    minutes = [0, 1, 2, 3, 8, 23, 83, 83 + 240, 83 + 720, 83 + 2160, 83 + 3600, 72 * 60]
    made = attempts_of(DELIVERY)
    assert [at for at, _ in made] == [timedelta(minutes=number) for number in minutes]
    assert made[-1][1] is Step.DONE


def test_it_holds_up_later_ones_until_its_third_failure() -> None:
    steps = [step for _, step in attempts_of(DELIVERY)]
    assert steps == [Step.RETRY, Step.RETRY, Step.ASIDE, *[Step.RETRY] * 8, Step.DONE]
    alone = [step for _, step in attempts_of(replace(DELIVERY, lane=EVENT))]
    assert Step.ASIDE not in alone, "nobody waits behind it"


def test_what_was_taken_leaves_and_a_test_is_tried_once() -> None:
    done = Outcome(Step.DONE, None)
    assert rules.outcome(replace(DELIVERY, failures=5), True, AT) == done
    assert rules.outcome(replace(DELIVERY, type="webhook.test"), False, AT) == done


def test_what_waited_behind_others_is_given_up_by_its_own_age() -> None:
    late = AT + timedelta(hours=71, minutes=59, seconds=30)
    assert rules.outcome(DELIVERY, False, late) == Outcome(Step.RETRY, AT + timedelta(hours=72))
    assert rules.outcome(DELIVERY, False, AT + timedelta(hours=72)) == Outcome(Step.DONE, None)


@pytest.mark.parametrize("body", ['{"name":"Zoë ☃"}', "{}"])
def test_the_official_client_accepts_what_was_signed_and_nothing_else(body: str) -> None:
    headers = rules.signed_headers(EVENT, body.encode(), "kq_whsec_x", AT)
    assert headers["webhook-id"] == str(EVENT)
    assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
    validate_event(body.encode(), headers, "kq_whsec_x")
    for changed in (
        (body.encode() + b" ", headers, "kq_whsec_x"),
        (body.encode(), headers, "kq_whsec_y"),
        (body.encode(), {**headers, "webhook-timestamp": "1"}, "kq_whsec_x"),
        (body.encode(), {**headers, "webhook-id": str(HERE)}, "kq_whsec_x"),
    ):
        with pytest.raises(WebhookVerificationError):
            validate_event(*changed)


def attempt(delivery: Delivery, status: int | None, at: datetime = AT) -> Attempt:
    success = status is not None and status < 300
    return Attempt(HERE, delivery, at, 1, success, status, None, "", Outcome(Step.DONE, None))


def test_a_success_says_something_only_about_an_endpoint_that_failed() -> None:
    failing = replace(DELIVERY, failing_since=AT)
    assert rules.health([attempt(DELIVERY, 200)]) == []
    [recovered] = rules.health([attempt(failing, 200)])
    assert (recovered.is_success, recovered.is_gone) == (True, False)


def test_a_test_that_fails_says_nothing_and_one_that_succeeds_does() -> None:
    test = replace(DELIVERY, type="webhook.test", failing_since=AT)
    assert rules.health([attempt(test, 500), attempt(test, 410), attempt(test, None)]) == []
    [recovered] = rules.health([attempt(test, 200)])
    assert recovered.is_success


def test_one_success_outweighs_the_failures_beside_it_and_410_outweighs_all() -> None:
    elsewhere = replace(DELIVERY, endpoint_id=THERE)
    news = rules.health(
        [attempt(elsewhere, 410), attempt(DELIVERY, 500), attempt(DELIVERY, 200), attempt(elsewhere, 200)]
    )
    assert [(each.endpoint_id, each.is_success, each.is_gone) for each in news] == [
        (HERE, True, False),
        (THERE, True, True),
    ]
    [failed] = rules.health([attempt(DELIVERY, None), attempt(DELIVERY, 302, AT + timedelta(seconds=1))])
    assert (failed.is_success, failed.at) == (False, AT)


def test_any_answer_can_be_kept() -> None:
    assert rules.kept_text("é☃".encode()) == "é☃"
    assert rules.kept_text(b"a\x00b\xff\xe2\x98") == "a�b��"


def test_a_replay_has_a_limit() -> None:
    rules.refuse_replay(rules.MAX_REPLAYED)
    with pytest.raises(TooManyEvents) as refused:
        rules.refuse_replay(rules.MAX_REPLAYED + 1)
    assert str(rules.MAX_REPLAYED) in refused.value.text


def test_only_what_was_sent_changes_an_endpoint() -> None:
    assert endpoint_rules.edit(ENDPOINT, {}) is None
    assert endpoint_rules.edit(ENDPOINT, {"url": ENDPOINT.url, "is_enabled": True}) is None
    assert endpoint_rules.edit(ENDPOINT, {"is_enabled": False}) == EndpointEdit(ENDPOINT.url, ["*"], "", False)


def test_a_disabled_endpoint_and_one_too_many_are_refused() -> None:
    endpoint_rules.refuse_disabled(ENDPOINT)
    endpoint_rules.refuse_one_more(endpoint_rules.MAX_ENDPOINTS - 1)
    with pytest.raises(EndpointDisabled):
        endpoint_rules.refuse_disabled(replace(ENDPOINT, is_enabled=False, disabled_reason=DisabledReason.GONE))
    with pytest.raises(TooManyEndpoints) as refused:
        endpoint_rules.refuse_one_more(endpoint_rules.MAX_ENDPOINTS)
    assert str(endpoint_rules.MAX_ENDPOINTS) in refused.value.text


def test_the_latest_thirty_days_are_listed_and_no_more() -> None:
    today = date(2026, 4, 30)
    earliest = date(2026, 3, 31)
    days = listed_days(None, None, today)
    assert (days.first, days.last) == (earliest, today)
    days = listed_days(date(2020, 1, 1), date(2026, 4, 2), today)
    assert (days.first, days.last) == (earliest, date(2026, 4, 2))
    assert listed_days(date(2026, 4, 3), date.max, today) == Days(date(2026, 4, 3), today)


def test_ids_of_an_instant_are_not_below_its_lowest_and_those_before_are() -> None:
    midnight = datetime(2026, 4, 1, tzinfo=UTC)
    assert new_id(midnight - timedelta(microseconds=1)) < lowest_id(midnight) <= new_id(midnight)
    assert lowest_id(midnight).version == 7
