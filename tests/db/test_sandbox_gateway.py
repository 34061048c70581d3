"""The gateway that is built in does what a company elsewhere would: once for each key, whatever is lost on the way."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kelviq_server.payments.errors import CardRefused, NotATestCard
from kelviq_server.payments.gateways.gateway import ForgedNews, Gateway, GatewayFault, ask, cancel, look_up
from kelviq_server.payments.gateways.sandbox import LATE, SIGNATURE_HEADER, SandboxGateway, signature
from kelviq_server.payments.records import Attempt, AttemptKind, AttemptStatus, Failure, NewCard, Outcome
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.ids import new_id
from tests import make
from tests.make import Made

AT = datetime(2027, 1, 31, 12, tzinfo=UTC)
GATEWAY: Gateway = SandboxGateway()
SUCCEEDS, FAILS, LOSES_THE_ANSWER = "4242424242424242", "4000000000000341", "4000000000005019"
ANSWERS_LATE, DECLINES_LATE, CANNOT_REFUND = "4000000000005035", "4000000000005043", "4000000000005126"
ASKS_FOR_AUTHENTICATION, ALWAYS_ASKS = "4000002500003155", "4000002760003184"


def card(number: str, year: int = 2099) -> NewCard:
    return NewCard(number, 12, year, "123")


def attempt(method: str, units: int = 100, charge_id: UUID | None = None) -> Attempt:
    kind = AttemptKind.CHARGE if charge_id is None else AttemptKind.REFUND
    return Attempt(
        new_id(AT), kind, "sandbox", "an order", charge_id, method, units, "USD", AttemptStatus.PENDING, AT
    )  # fmt: skip


async def saved(tenant: Tenant, number: str) -> str:
    return (await GATEWAY.save_method(tenant, card(number))).gateway_method


async def taken(tenant: Tenant) -> int:
    """Return how much the gateway has taken, less what it gave back."""
    async with transaction(tenant) as tx:
        return await tx.value(
            "SELECT coalesce(sum(amount_units - refunded_units), 0)::bigint FROM sandbox_payments"
            " WHERE tenant_id = %s AND status = 'succeeded' AND charge_key IS NULL",
            (tenant.id,),
        )


async def test_a_key_charges_once_however_often_and_at_once(made: Made) -> None:
    charge = attempt(await saved(made.sandbox, SUCCEEDS))
    outcomes = await asyncio.gather(*(GATEWAY.charge(made.sandbox, charge) for _ in range(8)))
    assert {outcome.status for outcome in outcomes} == {AttemptStatus.SUCCEEDED}
    assert len({outcome.reference for outcome in outcomes}) == 1
    assert await taken(made.sandbox) == 100


@pytest.mark.parametrize(
    ("number", "refusal"),
    [("4000000000000002", CardRefused), ("4000000000009995", CardRefused), ("4111111111111111", NotATestCard)],
)
async def test_some_cards_cannot_be_saved(made: Made, number: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await GATEWAY.save_method(made.sandbox, card(number))


async def test_a_card_expires_by_the_tenants_clock(made: Made) -> None:
    await make.freeze_clock(made.sandbox, datetime(2030, 1, 1, tzinfo=UTC))
    with pytest.raises(CardRefused, match="expired"):
        await GATEWAY.save_method(made.sandbox, card(SUCCEEDS, 2029))


async def test_what_was_charged_is_known_though_the_answer_got_lost(made: Made) -> None:
    charge = attempt(await saved(made.sandbox, LOSES_THE_ANSWER))
    with pytest.raises(GatewayFault):
        await GATEWAY.charge(made.sandbox, charge)
    known = await GATEWAY.look_up(made.sandbox, charge.id)
    assert known is not None
    assert known.status is AttemptStatus.SUCCEEDED
    assert await GATEWAY.charge(made.sandbox, charge) == known
    assert await taken(made.sandbox) == 100
    assert await ask(GATEWAY, made.sandbox, attempt(charge.gateway_method)) == Outcome(AttemptStatus.PENDING)


@pytest.mark.parametrize(
    ("number", "end"), [(ANSWERS_LATE, AttemptStatus.SUCCEEDED), (DECLINES_LATE, AttemptStatus.FAILED)]
)
async def test_a_late_answer_comes_by_the_tenants_clock(made: Made, number: str, end: AttemptStatus) -> None:
    await make.freeze_clock(made.sandbox, AT)
    charge = attempt(await saved(made.sandbox, number))
    first = await GATEWAY.charge(made.sandbox, charge)
    assert (first.status, first.failure, first.answers_at) == (AttemptStatus.PENDING, None, AT + LATE)
    await make.freeze_clock(made.sandbox, AT + LATE - timedelta(seconds=1))
    assert await GATEWAY.look_up(made.sandbox, charge.id) == first
    await make.freeze_clock(made.sandbox, AT + LATE)
    assert (await GATEWAY.charge(made.sandbox, charge)).status is end
    assert await taken(made.sandbox) == (100 if end is AttemptStatus.SUCCEEDED else 0)


async def test_no_more_is_given_back_than_was_taken_however_many_ask_at_once(made: Made) -> None:
    charge = attempt(await saved(made.sandbox, SUCCEEDS))
    await GATEWAY.charge(made.sandbox, charge)
    refunds = [attempt(charge.gateway_method, 40, charge.id) for _ in range(4)]
    outcomes = await asyncio.gather(*(GATEWAY.refund(made.sandbox, refund) for refund in refunds))
    assert sorted(outcome.status for outcome in outcomes) == ["failed", "failed", "succeeded", "succeeded"]
    assert await taken(made.sandbox) == 20
    again = await asyncio.gather(*(GATEWAY.refund(made.sandbox, refund) for refund in refunds))
    assert again == outcomes
    assert await taken(made.sandbox) == 20


async def test_some_payments_cannot_be_given_back(made: Made) -> None:
    charge = attempt(await saved(made.sandbox, CANNOT_REFUND))
    await GATEWAY.charge(made.sandbox, charge)
    outcome = await GATEWAY.refund(made.sandbox, attempt(charge.gateway_method, 1, charge.id))
    assert (outcome.status, outcome.failure) == (AttemptStatus.FAILED, Failure.NOT_REFUNDABLE)


async def test_a_declined_charge_stays_declined(made: Made) -> None:
    charge = attempt(await saved(made.sandbox, FAILS))
    outcome = await GATEWAY.charge(made.sandbox, charge)
    assert (outcome.status, outcome.failure) == (AttemptStatus.FAILED, Failure.DECLINED)
    assert await GATEWAY.charge(made.sandbox, charge) == outcome


async def waiting(tenant: Tenant, number: str = ASKS_FOR_AUTHENTICATION) -> Attempt:
    """Return a charge that waits for its customer, who is there."""
    charge = replace(attempt(await saved(tenant, number)), is_on_session=True)
    outcome = await GATEWAY.charge(tenant, charge)
    assert (outcome.status, outcome.needs_action, outcome.failure) == (AttemptStatus.PENDING, True, None)
    return charge


@pytest.mark.parametrize("number", [ASKS_FOR_AUTHENTICATION, ALWAYS_ASKS])
async def test_nobody_is_asked_to_authenticate_who_is_not_there(made: Made, number: str) -> None:
    charge = attempt(await saved(made.sandbox, number))
    outcome = await GATEWAY.charge(made.sandbox, charge)
    assert (outcome.status, outcome.failure) == (AttemptStatus.FAILED, Failure.AUTHENTICATION_REQUIRED)


@pytest.mark.parametrize(
    ("is_approved", "end"),
    [(True, (AttemptStatus.SUCCEEDED, None)), (False, (AttemptStatus.FAILED, Failure.AUTHENTICATION_REQUIRED))],
)
async def test_a_payment_waits_for_its_customer_who_decides_once(
    made: Made, is_approved: bool, end: tuple[AttemptStatus, Failure | None]
) -> None:
    charge = await waiting(made.sandbox)
    assert (await ask(GATEWAY, made.sandbox, charge)).needs_action
    for approves in (is_approved, not is_approved):
        outcome = await GATEWAY.authenticate(made.sandbox, charge.id, is_approved=approves)
        assert (outcome.status, outcome.failure, outcome.needs_action) == (*end, False)
    assert await look_up(GATEWAY, made.sandbox, charge) == outcome
    assert await taken(made.sandbox) == (100 if is_approved else 0)


@pytest.mark.parametrize(
    ("number", "is_approved", "later"),
    [
        (ASKS_FOR_AUTHENTICATION, True, AttemptStatus.SUCCEEDED),
        (ASKS_FOR_AUTHENTICATION, False, AttemptStatus.FAILED),
        (ALWAYS_ASKS, True, AttemptStatus.FAILED),
    ],
)
async def test_who_has_approved_once_is_charged_without_being_there(
    made: Made, number: str, is_approved: bool, later: AttemptStatus
) -> None:
    first = await waiting(made.sandbox, number)
    await GATEWAY.authenticate(made.sandbox, first.id, is_approved=is_approved)
    assert (await GATEWAY.charge(made.sandbox, attempt(first.gateway_method))).status is later
    # Whoever is there is asked all the same, and the same card of somebody else knows nothing of it.
    there = replace(attempt(first.gateway_method), is_on_session=True)
    assert (await GATEWAY.charge(made.sandbox, there)).needs_action
    other = attempt(await saved(made.sandbox, number))
    assert (await GATEWAY.charge(made.sandbox, other)).status is AttemptStatus.FAILED


async def test_who_cancels_and_who_approves_at_once_hear_the_same(made: Made) -> None:
    charge = await waiting(made.sandbox)
    outcomes = await asyncio.gather(
        *(cancel(GATEWAY, made.sandbox, charge) for _ in range(3)),
        *(GATEWAY.authenticate(made.sandbox, charge.id, is_approved=True) for _ in range(3)),
    )
    assert len({(outcome.status, outcome.failure) for outcome in outcomes}) == 1
    assert await taken(made.sandbox) == (100 if outcomes[0].status is AttemptStatus.SUCCEEDED else 0)


async def test_what_was_cancelled_before_the_gateway_heard_of_it_is_never_charged(made: Made) -> None:
    charge = attempt(await saved(made.sandbox, SUCCEEDS))
    outcome = await cancel(GATEWAY, made.sandbox, charge)
    assert (outcome.status, outcome.failure) == (AttemptStatus.FAILED, Failure.GIVEN_UP)
    assert (await GATEWAY.charge(made.sandbox, charge)).status is AttemptStatus.FAILED
    assert await taken(made.sandbox) == 0


@pytest.mark.parametrize(
    ("number", "end"), [(SUCCEEDS, AttemptStatus.SUCCEEDED), (ANSWERS_LATE, AttemptStatus.SUCCEEDED),
                        (DECLINES_LATE, AttemptStatus.FAILED)]
)  # fmt: skip
async def test_whoever_cancels_what_was_charged_is_told_how_it_ended(
    made: Made, number: str, end: AttemptStatus
) -> None:
    charge = attempt(await saved(made.sandbox, number))
    await GATEWAY.charge(made.sandbox, charge)
    assert (await cancel(GATEWAY, made.sandbox, charge)).status is end
    assert await taken(made.sandbox) == (100 if end is AttemptStatus.SUCCEEDED else 0)


async def test_what_nobody_charged_is_not_known(made: Made) -> None:
    assert await look_up(GATEWAY, made.sandbox, attempt("card")) is None


async def test_the_gateway_is_never_asked_inside_a_transaction(made: Made) -> None:
    async with transaction(made.sandbox):
        with pytest.raises(RuntimeError, match="transaction"):
            await ask(GATEWAY, made.sandbox, attempt("card"))


async def test_news_count_only_with_the_gateways_signature(made: Made) -> None:
    key = new_id(AT)
    body = str(key).encode()
    assert GATEWAY.news_of(body, {SIGNATURE_HEADER: signature(body)}) == key
    for headers in ({}, {SIGNATURE_HEADER: signature(b"another")}):
        with pytest.raises(ForgedNews):
            GATEWAY.news_of(body, headers)
