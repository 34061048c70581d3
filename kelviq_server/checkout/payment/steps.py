"""How a session is paid, and what becomes of it: `CheckoutFollower` is handed down to billing.

A payment is begun in one transaction, asked for with none open, and settled in the next, by whoever hears of its end
first: the page that asked, the page that waits, the sweeper, the clock.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from uuid import UUID

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import Order, SubscriptionSummary, WholeOrder
from kelviq_server.billing.sales import steps as sales
from kelviq_server.checkout.offers import rules as offer_rules
from kelviq_server.checkout.offers import steps as offers
from kelviq_server.checkout.offers.records import Typed
from kelviq_server.checkout.payment.errors import AmountChanged
from kelviq_server.checkout.payment.events import CheckoutCompleted
from kelviq_server.checkout.payment.records import Asked, CardFaults, Ready
from kelviq_server.checkout.sessions import rules, store
from kelviq_server.checkout.sessions.records import Card, Details, Session, SessionStatus
from kelviq_server.core.errors import NotFound
from kelviq_server.core.events import Event
from kelviq_server.core.money import to_amount
from kelviq_server.customers import steps as customers
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.customers.records import Customer, NewCustomer
from kelviq_server.payments import steps as payments
from kelviq_server.payments.errors import CardRefused, NoGatewayConfigured, NotATestCard
from kelviq_server.payments.records import Attempt, AttemptStatus, Failure, NewCard, Outcome, SavedMethod
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.values import currency_exponents
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.promotions.discounts import steps as discounts
from kelviq_server.promotions.discounts.errors import DiscountNotForCountry
from kelviq_server.subscriptions.life import steps as subscriptions
from kelviq_server.subscriptions.purchases import steps as purchases
from kelviq_server.subscriptions.purchases.records import Quote
from kelviq_server.tenants import steps as tenants


async def ready_of(
    tx: Tx,
    session: Session,
    customer: Customer | None,
    typed: Typed,
    card: NewCard | CardFaults | None,
    *,
    is_binding: bool = False,
) -> Ready:
    """Return what a payment of a session needs, with everything on its page in order.

    `card` is what was typed, or what is wrong with that; None where it was kept before. Raises InvalidFields with all
    that is wrong or missing, AmountChanged where the page said something else, NoGatewayConfigured.
    `is_binding`: whether it begins in this transaction; its discount is then locked.
    """
    offering = await offers.offering_of(tx, session, customer, typed, is_binding=is_binding)
    held = offer_rules.held_of(customer, speaks_for_customer=session.speaks_for_customer)
    faults = offer_rules.missing(offering.details, held) | dict(offering.faults)
    if not session.options.takes_discounts and faults.pop("discountCode", None):
        # The page has no field for another one, and said so with the total.
        offering = replace(offering, selection=replace(offering.selection, discount_code=None))
    quote, gateway = offering.quote, None
    if quote is not None and quote.needs_method:
        gateway = await tenants.find_gateway(tx)
        if not payments.takes_cards(gateway):
            raise NoGatewayConfigured
        if isinstance(card, CardFaults):
            faults |= {name: [text] for name, text in card.by_field.items()}
    if faults:
        raise InvalidFields(faults)
    assert quote is not None
    if typed.agreed != offering.agreed:
        raise AmountChanged
    needed = card if quote.needs_method and isinstance(card, NewCard) else None
    return Ready(session, offering, quote, customer, gateway, needed)


async def begin(tx: Tx, id: str, typed: Typed, saved: SavedMethod | None) -> Asked | None:
    """Begin the payment of a session, and return it; None where nothing is due, or it cannot be paid from this page.

    The customer is locked first, then the session, as whoever settles a payment does.
    """
    known = await store.get_session(tx, id)
    customer = await _lock(tx, known.external_id)
    session = await store.lock_session(tx, id)
    if not rules.is_payable(session, tx.now) or session.turn != typed.turn:
        return None
    ready = await ready_of(tx, session, customer, typed, None, is_binding=True)
    if ready.quote.needs_method and saved is None:
        # A card is needed by now that was not when the page was sent.
        raise AmountChanged
    buyer = await _add(tx, session.external_id, ready.offering.details) if customer is None else None
    is_new = buyer is not None
    if buyer is None:
        if customer is None:
            customer = await _lock(tx, session.external_id)
            if customer is None:
                raise CustomerUnknown
            # For somebody who is there by now it may come to something else.
            ready = await ready_of(tx, session, customer, typed, None, is_binding=True)
        buyer = await _changed(tx, customer, ready.offering.details, session)
    held = offer_rules.held_of(customer, speaks_for_customer=session.speaks_for_customer)
    await offers.keep(tx, session, ready.offering, held, ready.quote.product.name)
    if ready.quote.currency != session.options.currency:
        await store.update_options(tx, session, replace(session.options, currency=ready.quote.currency))
    card = None if saved is None or ready.gateway is None else Card(ready.gateway, saved)
    await store.update_beginning(tx, id, buyer.id, card, has_made_customer=is_new)
    method = None
    if card is not None:
        method = payments.unsaved_method(card.gateway, card.method, customers.summary_of(buyer), tx.now)
    amount = _amount(ready.quote.invoice.due_units, ready.quote.currency)
    await store.insert_event(tx, id, rules.attempted(amount, card.method.data if card else {}))
    begun = await purchases.begin_purchase(tx, ready.quote, buyer, method, is_on_session=True)
    await store.update_begun(tx, id, begun.order_id, is_on_its_way=begun.attempt is not None)
    return None if begun.attempt is None else Asked(begun.attempt, tx.machine_now)


async def reprice(tx: Tx, id: str, quote: Quote, turn: int, saved: SavedMethod) -> bool:
    """Say whether a session comes to something else with a card: one from where nobody pays in its currency.

    It has the base price from then on. Raises DiscountNotForCountry for a card from where a code does not hold,
    if the page has a field for another one.
    """
    session = await store.lock_session(tx, id)
    if not rules.is_payable(session, tx.now) or session.turn != turn:
        return False
    try:
        discounts.refuse_card(quote.discount, saved.country)
    except DiscountNotForCountry:
        if session.options.takes_discounts:
            raise
        without = replace(session.selection, discount_code=None)
        await store.update_choice(tx, session, without, session.details, quote.product.name)
        return True
    base = quote.version.base_currency or quote.currency
    if session.options.is_agreed or quote.currency == base:
        return False
    if sales.is_local(quote.currency, saved.country, tx.now.date()):
        return False
    await store.update_options(tx, session, replace(session.options, currency=base))
    return True


async def _lock(tx: Tx, external_id: str) -> Customer | None:
    try:
        return await customers.lock_customer(tx, external_id)
    except NotFound:
        return None


async def _add(tx: Tx, external_id: str, details: Details) -> Customer | None:
    """Write a new customer as they say themselves; None where somebody was quicker."""
    address = details.address()
    new = NewCustomer(
        external_id,
        details.name,
        details.email,
        billing_address=None if address is None else dump(address),
        details="{}" if details.tax_id is None else dump({"taxId": details.tax_id}),
    )
    return await customers.add_customer(tx, new)


async def _changed(tx: Tx, customer: Customer, details: Details, session: Session) -> Customer:
    held = offer_rules.held_of(customer, speaks_for_customer=session.speaks_for_customer)
    changes: dict[str, str | None] = offer_rules.customer_changes(details, held)
    if not held.has_address and (address := details.address()) is not None:
        changes["billing_address"] = dump(address)
    if not session.speaks_for_customer:
        # For this order alone: anybody can say so, and the record is the merchant's.
        tax_id = changes.pop("tax_id", None)
        said = customer.details if tax_id is None else dump({"taxId": tax_id})
        return replace(customer, **changes, details=said)
    return await customers.change_customer(tx, customer, changes)


async def asked_of(tx: Tx, session: Session) -> Asked | None:
    """Return the payment of a session that is on its way, or None."""
    if session.status is not SessionStatus.PROCESSING or session.order_id is None:
        return None
    attempt = await payments.find_pending(tx, session.order_id)
    return None if attempt is None else Asked(attempt, tx.machine_now)


async def settle(tx: Tx, id: str, attempt: Attempt, outcome: Outcome) -> Session:
    """Note how the payment of a session ended, or that it waits for its customer; return the session as it now is."""
    await orders.settle(tx, attempt, outcome)
    session = await store.lock_session(tx, id)
    is_waiting = outcome.status is AttemptStatus.PENDING and outcome.needs_action
    if is_waiting and session.status is SessionStatus.PROCESSING and not session.needs_action:
        await store.insert_event(tx, id, rules.waits())
        return await store.update_needs_action(tx, id)
    return session


async def note_refused(tx: Tx, before: Session, refusal: CardRefused | NotATestCard) -> None:
    """Note that what was to be paid with was refused, and why, once for each page that was sent."""
    session = await store.lock_session(tx, before.id)
    if rules.is_payable(session, tx.now) and session.turn == before.turn:
        failure = refusal.failure if isinstance(refusal, CardRefused) else Failure.DECLINED
        await store.update_refused(tx, session.id, refusal.text)
        await store.insert_event(tx, session.id, rules.failed(failure, refusal.text))


class CheckoutFollower:
    """Lets a session end as its order does, and keeps what it was paid with for the customer."""

    async def paid(self, tx: Tx, whole: WholeOrder) -> Sequence[Event]:
        """Note that what was to be bought is."""
        order = whole.order
        session = await _lock_of(tx, order)
        if session is None:
            return []
        if session.card is not None:
            await _keep_card(tx, session, session.card, order)
        done = await store.update_success(tx, session.id)
        amount = _amount(order.total_units, order.currency)
        await store.insert_event(tx, session.id, rules.completed(amount, order.id))
        return [CheckoutCompleted(done, whole, tx.tenant.organization)]

    async def failed(self, tx: Tx, whole: WholeOrder, failure: Failure) -> Sequence[Event]:
        """Note why it was not paid; another card may be tried."""
        order = whole.order
        session = await _lock_of(tx, order)
        if session is not None:
            text = rules.text_for_buyer(failure, payments.text_of(failure))
            await store.update_failed(tx, session.id, text)
            await store.insert_event(tx, session.id, rules.failed(failure, text))
        return []

    async def left_open(self, tx: Tx, whole: WholeOrder, failure: Failure) -> Sequence[Event]:
        """Do nothing: an order of a checkout ends with its payment."""
        return []

    async def summaries(self, tx: Tx, ids: AbstractSet[UUID]) -> Mapping[UUID, SubscriptionSummary]:
        """Return nothing: the records of subscriptions are theirs."""
        return {}


async def _keep_card(tx: Tx, session: Session, card: Card, order: Order) -> None:
    """Keep what a session was paid with for its customer, and for what they bought: it is charged to that first.

    Anybody may open a session that is not trusted, in whoever's name: their card does not take the place of the one
    that a customer pays with, and that does not stand in for theirs.
    """
    is_strange = not session.options.is_trusted and await payments.find_default(tx, order.customer_id) is not None
    method = await payments.add_method(tx, order.customer_id, card.gateway, card.method, is_default=not is_strange)
    await subscriptions.charge_to(tx, order.subscription_id, method.id, has_fallback=not is_strange)


async def _lock_of(tx: Tx, order: Order) -> Session | None:
    """Return the session that an order is of, or None: neither a renewal nor a charge is of one."""
    if order.is_renewal or order.lineage_id is None:
        return None
    return await store.lock_of_order(tx, order.id, order.customer_id)


def _amount(units: int, currency: str) -> str:
    return f"{to_amount(units, currency_exponents()[currency])} {currency}"
