"""What is reserved is held until it is settled, released or its time is over, and never counted twice."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api import catalog, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client

PATH = "/usage/reservations/"


def asked(amount: int = 4, **fields: Any) -> dict[str, Any]:
    return {"customerId": "ada", "featureId": "calls", "amount": amount, **fields}


async def reserve(api: Client, amount: int = 4, **fields: Any) -> dict[str, Any]:
    answer = await api.post(PATH, asked(amount, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(api: Client, amount: int = 4, **fields: Any) -> Any:
    answer = await api.post(PATH, asked(amount, **fields))
    assert answer.status_code == 400, answer.text
    return answer.json()


async def settle(api: Client, reservation: dict[str, Any], value: int) -> dict[str, Any]:
    answer = await api.post(f"{PATH}{reservation['id']}/settle/", {"value": value})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def release(api: Client, reservation: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(f"{PATH}{reservation['id']}/release/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def shown(api: Client, reservation: dict[str, Any]) -> dict[str, Any]:
    answer = await api.get(f"{PATH}{reservation['id']}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def why_not(api: Client, reservation: dict[str, Any], action: str, body: Any = None) -> str:
    answer = await api.post(f"{PATH}{reservation['id']}/{action}/", body)
    assert answer.status_code == 400, answer.text
    return answer.json()["detail"].split(":")[0]


@pytest.fixture
async def ada(api: Client) -> dict[str, Any]:
    """A subscription that grants ten calls a month; the clock stands still."""
    await subs.freeze(api)
    await usage.metered(api)
    return (await usage.subscriber(api, "pro"))[0]


@pytest.mark.usefixtures("ada")
async def test_what_is_held_is_used_until_it_is_settled(api: Client) -> None:
    held = await reserve(api, expiresIn=60)
    UUID(held["id"])
    assert held == {
        "id": held["id"], "customerId": "ada", "featureId": "calls", "amount": 4, "status": "HELD", "value": None,
        "createdOn": "2031-01-31T09:30:00.000000Z", "expiresOn": "2031-01-31T09:31:00.000000Z", "endedOn": None,
    }  # fmt: skip
    assert await usage.counted(api) == [(10, 4, 6)]
    assert await shown(api, held) == held
    settled = await settle(api, held, 3)
    assert settled == {**held, "status": "SETTLED", "value": 3, "endedOn": "2031-01-31T09:30:00.000000Z"}
    assert await usage.counted(api) == [(10, 3, 7)]
    assert await settle(api, held, 3) == await shown(api, held) == settled
    assert await usage.counted(api) == [(10, 3, 7)]


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("value", [0, 4, 25])
async def test_something_else_than_what_was_held_may_have_been_used(api: Client, value: int) -> None:
    await settle(api, await reserve(api), value)
    assert await usage.counted(api) == [(10, value, 10 - value)]


@pytest.mark.usefixtures("ada")
async def test_what_is_released_can_be_used_again(api: Client) -> None:
    held = await reserve(api, 10)
    assert await refused(api, 1) == {"amount": ["This is more than what is left of the limit; nothing is held."]}
    released = await release(api, held)
    assert released == {**held, "status": "RELEASED", "endedOn": released["endedOn"]}
    assert await release(api, held) == await shown(api, held) == released
    assert await usage.counted(api) == [(10, 0, 10)]
    await reserve(api, 10)


@pytest.mark.usefixtures("ada")
async def test_reports_that_ask_for_it_leave_alone_what_is_held(api: Client) -> None:
    await reserve(api, 7)
    assert (await api.post("/report/usage/", usage.body(4, enforce="reject"))).status_code == 400
    assert (await usage.report(api, 9, enforce="cap"))["counted"] == 3
    assert await usage.counted(api) == [(10, 10, 0)]
    # Whoever does not ask is counted all the same.
    await usage.report(api, 5)
    assert await usage.counted(api) == [(10, 15, -5)]


@pytest.mark.usefixtures("ada")
async def test_a_reservation_ends_once_and_says_how(api: Client) -> None:
    settled, released, expired = [await reserve(api, 2, expiresIn=seconds) for seconds in (300, 300, 10)]
    await settle(api, settled, 1)
    await release(api, released)
    await subs.advance(api, "2031-01-31T09:30:10Z")
    assert await why_not(api, settled, "settle", {"value": 2}) == "This reservation is settled"
    assert await why_not(api, settled, "release") == "This reservation is settled"
    assert await why_not(api, released, "settle", {"value": 1}) == "This reservation is released"
    assert await why_not(api, expired, "settle", {"value": 1}) == "This reservation has expired"
    # What is to be given back is given back.
    assert (await release(api, expired))["status"] == "EXPIRED"
    assert await usage.counted(api) == [(10, 1, 9)]


@pytest.mark.usefixtures("ada")
async def test_a_clock_that_passes_its_end_gives_back_what_is_held(api: Client) -> None:
    long, short, default = (
        await reserve(api, 1, expiresIn=604_800),
        await reserve(api, 2, expiresIn=1),
        await reserve(api),
    )
    assert default["expiresOn"] == "2031-01-31T09:35:00.000000Z"
    assert await usage.counted(api) == [(10, 7, 3)]
    await subs.advance(api, "2031-01-31T09:34:59.999999Z")
    assert await usage.counted(api) == [(10, 5, 5)]
    await subs.advance(api, "2031-01-31T09:35:00Z")
    assert await usage.counted(api) == [(10, 1, 9)]
    ends = [(await shown(api, each))["endedOn"] for each in (long, short, default)]
    assert ends == [None, short["expiresOn"], default["expiresOn"]]
    # A new period does not give it back; its own end does.
    await usage.report(api, 5)
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert await usage.counted(api) == [(10, 0, 10)]


@pytest.mark.usefixtures("ada")
async def test_what_is_held_is_held_in_the_next_period_and_settled_there(api: Client) -> None:
    await subs.advance(api, "2031-02-27T09:30:00Z")
    held = await reserve(api, 6, expiresIn=604_800)
    await usage.report(api, 4)
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert await usage.counted(api) == [(10, 6, 4)]
    await refused(api, 5)
    await release(api, await reserve(api, 4))
    await settle(api, held, 5)
    assert await usage.counted(api) == [(10, 5, 5)]


@pytest.mark.usefixtures("ada")
async def test_the_same_key_holds_once_and_is_answered_as_the_first_time(api: Client) -> None:
    held = await reserve(api, 6, idempotencyKey="k")
    assert await reserve(api, 6, idempotencyKey="k", expiresIn=300) == held
    assert await usage.counted(api) == [(10, 6, 4)]
    for fields in ({"amount": 5}, {"expiresIn": 301}):
        other = await api.post(PATH, asked(6, idempotencyKey="k") | fields)
        assert (other.status_code, other.json()["detail"][:36]) == (409, "This idempotencyKey belongs to anoth")
    await settle(api, held, 1)
    assert await reserve(api, 6, idempotencyKey="k") == held
    assert await usage.counted(api) == [(10, 1, 9)]
    # What was refused leaves its key free.
    await refused(api, 10, idempotencyKey="k2")
    await reserve(api, 9, idempotencyKey="k2")


@pytest.mark.usefixtures("ada")
async def test_a_key_in_the_header_is_as_good_as_one_in_the_body(api: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    first, again = [await api.post(PATH, asked(6), headers=headers) for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())
    assert await usage.counted(api) == [(10, 6, 4)]


async def test_an_amount_is_held_of_several_subscriptions_as_usage_is_drawn(api: Client) -> None:
    await subs.freeze(api)
    await usage.metered(api, "pro")
    await usage.metered(api, "weekly", reset="EVERY_WEEK")
    await usage.subscriber(api, "pro", "weekly")
    held = await reserve(api, 13)
    assert sorted(await usage.counted(api)) == [(10, 3, 7), (10, 10, 0)]
    await refused(api, 8)
    await settle(api, held, 12)
    assert sorted(await usage.counted(api)) == [(10, 2, 8), (10, 10, 0)]


async def test_an_unlimited_meter_always_holds_but_not_without_end(api: Client) -> None:
    most = 2**63 - 1
    await usage.metered(api, value=None)
    await usage.subscriber(api, "pro")
    held = await reserve(api, most)
    assert await usage.counted(api) == [(None, most, None)]
    text = "No more than 9223372036854775807 units are used and held together."
    assert await refused(api, 1) == {"amount": [text]}
    await settle(api, held, most)
    assert await usage.counted(api) == [(None, most, None)]
    assert await refused(api, 1) == {"amount": [text]}


async def test_what_is_held_while_nothing_grants_it_counts_for_the_first_subscription_that_does(api: Client) -> None:
    await subs.freeze(api)
    await usage.metered(api)
    await usage.subscriber(api)
    kept, settled, released = [await reserve(api, amount, expiresIn=3600) for amount in (1, 2, 3)]
    subscription = await subs.subscribed(api)
    assert await usage.counted(api) == [(10, 6, 4)]
    await settle(api, settled, 3)
    await release(api, released)
    assert await usage.counted(api) == [(10, 4, 6)]
    # What has moved stays with its subscription; what is held after that moves to the next.
    await subs.cancelled(api, subscription)
    later = await reserve(api, 50)
    await subs.subscribed(api)
    assert await usage.counted(api) == [(10, 50, -40)]
    await release(api, kept)
    await release(api, later)
    assert await usage.counted(api) == [(10, 0, 10)]


async def test_a_change_of_plan_neither_loses_nor_doubles_what_is_held(api: Client, ada: dict[str, Any]) -> None:
    await usage.metered(api, "large", value=100)
    first, second = await reserve(api, 4), await reserve(api, 3)
    changed = await subs.updated(api, ada, "large")
    assert await usage.counted(api) == [(100, 7, 93)]
    await settle(api, first, 4)
    assert await usage.counted(api) == [(100, 7, 93)]
    await subs.cancelled(api, changed)
    assert await usage.may(api) == []
    await subs.subscribed(api)
    # Of a subscription that has ended.
    assert await usage.counted(api) == [(10, 0, 10)]
    await settle(api, second, 2)
    assert await usage.counted(api) == [(10, 2, 8)]


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"customerId": "nobody"}, {"customerId": ["Customer does not exist."]}),
        ({"featureId": "nothing"}, {"featureId": ["Feature does not exist."]}),
        ({"featureId": "sso"}, {"featureId": ["This feature is not a METER: nothing is used of it."]}),
        ({"featureId": "asks"}, {"featureId": ["This meter counts raw events: nothing can be reserved of it."]}),
        ({"amount": 0}, {"amount": ["Ensure this value is greater than or equal to 1."]}),
        ({"amount": 2**63}, {"amount": [f"Ensure this value is less than or equal to {2**63 - 1}."]}),
        ({"expiresIn": 0}, {"expiresIn": ["Ensure this value is greater than or equal to 1."]}),
        ({"expiresIn": 604_801}, {"expiresIn": ["Ensure this value is less than or equal to 604800."]}),
        ({"idempotencyKey": " "}, {"idempotencyKey": ["This field may not be blank."]}),
    ],
)
async def test_what_cannot_be_held_is_refused(api: Client, fields: dict[str, Any], faults: dict[str, Any]) -> None:
    await catalog.feature(api, "BOOLEAN", name="SSO", identifier="sso")
    await usage.meter_of_events(api, "asks", {"function": "COUNT"})
    assert await refused(api, **fields) == faults
    assert await usage.counted(api) == [(10, 0, 10)]


@pytest.mark.usefixtures("ada")
async def test_what_cannot_be_counted_stays_held(api: Client) -> None:
    held = await reserve(api)
    for value, fault in ((-1, "Ensure this value is greater"), (2**63, "Ensure this value is less")):
        answer = await api.post(f"{PATH}{held['id']}/settle/", {"value": value})
        assert (answer.status_code, answer.json()["value"][0][: len(fault)]) == (400, fault)
    await usage.report(api, 1)
    answer = await api.post(f"{PATH}{held['id']}/settle/", {"value": 2**63 - 1})
    assert answer.json() == {"value": ["No more than 9223372036854775807 units are counted in a period."]}
    assert await usage.counted(api) == [(10, 5, 5)]
    assert await shown(api, held) == held
    await settle(api, held, 4)


async def test_what_is_held_for_an_archived_customer_is_given_back_and_not_counted(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api)
    held = await reserve(api)
    assert (await api.delete("/customers/ada/")).status_code == 204
    answer = await api.post(f"{PATH}{held['id']}/settle/", {"value": 1})
    assert (answer.status_code, answer.json()) == (400, {"customerId": ["Customer does not exist."]})
    assert await refused(api) == {"customerId": ["Customer does not exist."]}
    assert (await release(api, held))["status"] == "RELEASED"


async def test_a_reservation_that_nobody_made_is_not_found(api: Client) -> None:
    for answer in (
        await api.get(f"{PATH}{uuid4()}/"),
        await api.post(f"{PATH}{uuid4()}/settle/", {"value": 1}),
        await api.post(f"{PATH}{uuid4()}/release/"),
        await api.get(f"{PATH}none/"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.usefixtures("ada")
async def test_a_report_under_a_reservations_key_does_not_pass_for_its_settlement(api: Client) -> None:
    held = await reserve(api)
    await usage.report(api, 1, idempotencyKey=f"reservation:{held['id']}")
    answer = await api.post(f"{PATH}{held['id']}/settle/", {"value": 1})
    assert answer.status_code == 409
    assert await usage.counted(api) == [(10, 5, 5)]
    await release(api, held)
    assert await usage.counted(api) == [(10, 1, 9)]
