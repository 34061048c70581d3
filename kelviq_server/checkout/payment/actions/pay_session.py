"""Let somebody buy what they chose on a checkout's page."""

import structlog

from kelviq_server.checkout.offers.records import Typed
from kelviq_server.checkout.payment import steps
from kelviq_server.checkout.payment.errors import AmountChanged
from kelviq_server.checkout.payment.records import Asked, CardFaults, Ready
from kelviq_server.checkout.sessions import rules, store
from kelviq_server.checkout.sessions.records import Session
from kelviq_server.customers import steps as customers
from kelviq_server.payments import steps as payments
from kelviq_server.payments.errors import CardRefused, NotATestCard
from kelviq_server.payments.records import NewCard, SavedMethod
from kelviq_server.platform.database import Tenant, transaction

log = structlog.get_logger()


async def pay_session(tenant: Tenant, id: str, typed: Typed, card: NewCard | CardFaults) -> Session:
    """Return the session as it is once it was paid, or was not, or waits for its customer or for the gateway.

    A page that is older than the last payment pays for nothing, and neither does one of a session that is paid, or is
    being paid: so nobody pays twice who sends it twice, from two windows, or goes back.
    Raises NotFound; InvalidFields with all that is wrong or missing on the page, AmountChanged where it said something
    else, what refuses the card, NoGatewayConfigured, CustomerUnknown.
    """
    async with transaction(tenant) as tx:
        session = await store.get_session(tx, id)
        if not rules.is_payable(session, tx.now) or session.turn != typed.turn:
            return session
        customer = await customers.find_customer(tx, session.external_id)
        ready = await steps.ready_of(tx, session, customer, typed, card)
    saved = await _save_card(tenant, ready)
    async with transaction(tenant) as tx:
        is_elsewhere = saved is not None and await steps.reprice(tx, id, ready.quote, typed.turn, saved)
    if is_elsewhere:
        # Once that is noted, so that the page shows the base price.
        raise AmountChanged
    async with transaction(tenant) as tx:
        asked = await steps.begin(tx, id, typed, saved)
    if asked is not None:
        await _carry_out(tenant, id, asked)
    async with transaction(tenant) as tx:
        return await store.get_session(tx, id)


async def _save_card(tenant: Tenant, ready: Ready) -> SavedMethod | None:
    """Return the card as the gateway keeps it, or None where none is needed; that it was refused is noted."""
    if ready.card is None or ready.gateway is None:
        return None
    try:
        return await payments.save_card(tenant, ready.gateway, ready.card)
    except (CardRefused, NotATestCard) as refusal:
        async with transaction(tenant) as tx:
            await steps.note_refused(tx, ready.session, refusal)
        raise


async def _carry_out(tenant: Tenant, id: str, asked: Asked) -> None:
    outcome = await payments.carry_out(tenant, asked.attempt, asked.now, is_new=True)
    try:
        async with transaction(tenant) as tx:
            await steps.settle(tx, id, asked.attempt, outcome)
    except Exception:
        # The money may have been taken: the session is being paid until somebody has found out.
        log.exception("payment not settled", session=id)
