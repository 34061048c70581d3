"""Retrieve a checkout session with what came of it, as it is at this instant."""

from kelviq_server.billing.orders import steps as orders
from kelviq_server.catalog.products import steps as products
from kelviq_server.checkout.sessions import rules, store
from kelviq_server.checkout.sessions.records import SessionStatus, WholeSession
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.life import steps as subscriptions


async def retrieve_session(tenant: Tenant, id: str) -> WholeSession:
    """Return the session, with the order that its last payment was for, a pending one too; raises NotFound."""
    async with transaction(tenant) as tx:
        session = await store.get_session(tx, id)
        bought = await products.list_by_id(tx, {session.product_id})
        order = subscription = None
        if session.order_id is not None:
            order = (await orders.wholes_by_id(tx, [session.order_id]))[session.order_id]
        if order is not None and session.status is SessionStatus.SUCCESS:
            subscription = await subscriptions.find_subscription(tx, order.order.subscription_id)
        return WholeSession(
            session,
            bought[session.product_id],
            order,
            subscription,
            tx.now,
            is_payable=rules.is_payable(session, tx.now),
            is_over=rules.is_over(session, tx.now),
        )
