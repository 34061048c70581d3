"""Composition root of the background: what is done about every event, and what is swept up from time to time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import LiteralString

import structlog

from kelviq_server.billing.orders.records import OrderFollower
from kelviq_server.billing.orders.steps import use_order_followers
from kelviq_server.billing.payment_links.steps import use_payment_address
from kelviq_server.billing.settlement.jobs import LATE_ANSWERS, settle_unanswered
from kelviq_server.billing.transactions.records import FeeTerms
from kelviq_server.billing.transactions.steps import use_fee_terms
from kelviq_server.billing.verification.steps import use_more_questions
from kelviq_server.checkout.payment.jobs import CHECKOUTS
from kelviq_server.checkout.payment.steps import CheckoutFollower
from kelviq_server.checkout.sessions.actions.sweep_sessions import sweep_sessions
from kelviq_server.core.money import round_half_away
from kelviq_server.customers.actions.fold_tallies import fold_tallies
from kelviq_server.licenses.steps import QUESTIONS as LICENSE_QUESTIONS
from kelviq_server.media.actions.sweep_uploads import sweep_uploads
from kelviq_server.partner.events import OrganizationProvisioned
from kelviq_server.partner.jobs import welcome_by_mail
from kelviq_server.platform.claims import sweep_claims
from kelviq_server.platform.database import current_pool
from kelviq_server.platform.due import DueWork, DueWorks, current_due_works, use_due_works
from kelviq_server.platform.file_choice import chosen_file_store
from kelviq_server.platform.file_store import use_file_store
from kelviq_server.platform.mail import Mailbox
from kelviq_server.platform.outbox import BATCH, SWEEP_BATCH, Handlers, announced, handle_due, relayed, sweep_handled
from kelviq_server.platform.outgoing import Outgoing, use_outgoing
from kelviq_server.platform.rate_limits import forget_whole_allowances
from kelviq_server.platform.serving import cancel_when_stopped
from kelviq_server.platform.settings import Settings
from kelviq_server.platform.values import currency_exponents
from kelviq_server.subscriptions.collection.steps import QUESTIONS as SUBSCRIPTION_QUESTIONS
from kelviq_server.subscriptions.collection.steps import SubscriptionFollower
from kelviq_server.subscriptions.cycles.jobs import SUBSCRIPTIONS
from kelviq_server.tenants.clocks.jobs import Rounds, carry_on
from kelviq_server.usage.reports.actions.make_room import make_room
from kelviq_server.usage.reservations.jobs import RESERVATIONS
from kelviq_server.usage.reservations.steps import QUESTIONS as RESERVATION_QUESTIONS
from kelviq_server.webhooks.deliveries.actions.fan_out import fan_out
from kelviq_server.webhooks.deliveries.actions.sweep_webhooks import sweep_webhooks
from kelviq_server.webhooks.deliveries.jobs import Courier, queued

log = structlog.get_logger()

SWEEP_SECONDS = 60.0
SETTLE_SECONDS = 10.0
SWEEP_ROUNDS = 1000


def handlers(settings: Settings) -> Handlers:
    """Return who handles what, besides the log of webhooks; each may be called twice for one event."""
    mailbox = Mailbox(settings.data_dir / "mailbox", settings.mail_from)
    return {
        OrganizationProvisioned.type: [welcome_by_mail(mailbox)],
    }


def fee_terms(settings: Settings) -> FeeTerms:
    """Return what the instance keeps of each payment."""
    exponent = currency_exponents()[settings.fee_currency]
    return FeeTerms(
        currency=settings.fee_currency,
        fixed_units=round_half_away(settings.fee_fixed, exponent),
        base_percent=settings.fee_base_percent,
        threshold_units=round_half_away(settings.fee_threshold, exponent),
        base_percent_above=settings.fee_base_percent
        if settings.fee_base_percent_above is None
        else settings.fee_base_percent_above,
        subscription_percent=settings.fee_subscription_percent,
        international_percent=settings.fee_international_percent,
        country=settings.fee_country,
    )


def due_works() -> Sequence[DueWork]:
    """Return what waits for an instant of its tenant's clock; what stands first goes first where both are due."""
    return [LATE_ANSWERS, SUBSCRIPTIONS, CHECKOUTS, RESERVATIONS]


def order_followers() -> Sequence[OrderFollower]:
    """Return who does something about an order in the transaction in which its payment ends, in this order."""
    return [CheckoutFollower(), SubscriptionFollower()]


def questions() -> Sequence[LiteralString]:
    """Return what is asked besides when the books are verified."""
    return [*SUBSCRIPTION_QUESTIONS, *RESERVATION_QUESTIONS, *LICENSE_QUESTIONS]


def hand_down(settings: Settings) -> None:
    """Give the lower modules of this process what they take from upper ones."""
    use_due_works(DueWorks(due_works()))
    use_fee_terms(fee_terms(settings))
    use_order_followers(order_followers())
    use_more_questions(questions())
    use_payment_address(settings.public_url or f"http://127.0.0.1:{settings.port}")


async def run_worker(settings: Settings, parent: int | None) -> None:
    """Work in a process of its own, until it is told to stop, or the pipe from the parent process ends, if any."""
    use_file_store(chosen_file_store(settings))
    outgoing = Outgoing(settings.webhook_networks)
    use_outgoing(outgoing)
    hand_down(settings)
    task = asyncio.create_task(work(settings))
    cancel_when_stopped(task, parent)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await outgoing.close()


async def work(settings: Settings) -> None:
    """Relay, handle and tell events, do what is due, and sweep, until cancelled; a fault is logged, and work goes on.

    Side by side, so that no event waits for a long sweep, nor for a slow endpoint.
    """
    table = handlers(settings)
    due = current_due_works()
    courier = Courier()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_repeat(lambda: _relay(table)))
            group.create_task(_repeat(lambda: _handle(table)))
            group.create_task(_repeat(courier.take))
            group.create_task(_repeat(courier.settle))
            group.create_task(_repeat(_settle_later))
            group.create_task(_repeat(_sweep_later))
            group.create_task(_repeat(lambda: carry_on(due)))
            for work in due.works:
                group.create_task(_repeat(Rounds(work).go))
    finally:
        await courier.close()


async def _repeat(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await step()
        except Exception:
            log.exception("worker fault")
            await asyncio.sleep(1)


async def _relay(table: Handlers) -> None:
    if await fan_out(table):
        relayed.ring()
        queued.ring()
    else:
        await announced.wait()


async def _handle(table: Handlers) -> None:
    async with current_pool().connection() as connection:
        taken = await handle_due(connection, table)
    if taken < BATCH:
        await relayed.wait()


async def _settle_later() -> None:
    # A gateway that does not answer keeps nobody else waiting.
    if not await settle_unanswered():
        await asyncio.sleep(SETTLE_SECONDS)


async def _sweep_later() -> None:
    await asyncio.sleep(SWEEP_SECONDS)
    await sweep()


async def sweep() -> None:
    """Do what needs doing from time to time; each is safe to run in several workers at once."""
    now = datetime.now(UTC)
    await fold_tallies()
    await forget_whole_allowances(now)
    for sweep_batch in (sweep_handled, sweep_claims):
        for _ in range(SWEEP_ROUNDS):
            # Lent anew for each batch: the API waits for connections too.
            async with current_pool().connection() as connection:
                if await sweep_batch(connection) < SWEEP_BATCH:
                    break
    await sweep_webhooks(now)
    await sweep_sessions()
    await make_room(now)
    # Last: a file store on the network may not answer.
    await sweep_uploads(now)
