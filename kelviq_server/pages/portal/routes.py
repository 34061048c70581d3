"""The page on which customers see what they have, what came with it, and what they paid."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kelviq_server.pages.amounts import shown_amount, shown_day
from kelviq_server.pages.deliverables import deliverables
from kelviq_server.pages.face import PAYMENTS, address_of, fault, guarded, is_secure, limit, page, see
from kelviq_server.platform.operations import API_PATH
from kelviq_server.portal.actions.show_portal import show_portal
from kelviq_server.portal.errors import PortalClosed
from kelviq_server.portal.records import Portal
from kelviq_server.portal.steps import LIFETIME
from kelviq_server.subscriptions.life.records import SubscriptionStatus, WholeSubscription

COOKIE: Final = "kelviq_portal"
_STATES: Final = {
    "COMPLETE": "Paid",
    "FAILED": "Failed",
    "REFUNDED": "Refunded",
    "PARTIAL_REFUND": "Partly refunded",
    "CANCELLED": "Cancelled",
    "FRAUDULENT": "Refused",
}


def portal_routes() -> list[Route]:
    """Return the routes of the page."""
    return [Route("/portal/{slug}/", guarded(_show), methods=["GET"]), Route("/portal/{slug}", _with_slash)]


async def _with_slash(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    return see(f"/portal/{request.path_params['slug']}/{query}")


async def _show(request: Request) -> Response:
    slug, sent = request.path_params["slug"], request.query_params.get("token")
    token = sent or request.cookies.get(COOKIE, "")
    await limit(request, PAYMENTS, "portal")
    try:
        portal = await show_portal(slug, token)
    except PortalClosed:
        text = "Links to this page hold for a day. Ask whoever sent you here for a new one."
        return fault(403, [text], heading="This link does not open the page any more")
    here = f"/portal/{slug}/"
    if sent is not None:
        # Out of the address, and so out of the history and of what other pages are told.
        response = see(here)
        response.set_cookie(
            COOKIE, sent, max_age=int(LIFETIME.total_seconds()), path=here, httponly=True, samesite="lax",
            secure=is_secure(request),
        )  # fmt: skip
        return response
    return page("portal/portal.html", _values(portal, address_of(request) + API_PATH))


def _values(portal: Portal, api_url: str) -> dict[str, Any]:
    return {
        "title": f"Your purchases from {portal.seller.legal_name}",
        "seller": portal.seller.legal_name,
        "seller_email": portal.seller.email,
        "is_sandbox": portal.tenant.has_own_clock,
        "name": portal.customer.name or portal.customer.email,
        "email": portal.customer.email,
        "purchases": [_purchase(portal, each, api_url) for each in portal.purchases],
        "orders": [
            {
                "id": whole.order.id,
                "day": shown_day(whole.order.paid_at or whole.order.created_at),
                "what": f"{whole.product.name}: {whole.version.name}",
                "amount": shown_amount(whole.order.total_units, whole.order.currency),
                "state": _STATES[whole.order.status],
            }
            for whole in portal.orders
        ],
    }


def _purchase(portal: Portal, each: WholeSubscription, api_url: str) -> dict[str, Any]:
    return {
        "id": str(each.subscription.id),
        "product": each.product.name,
        "plan": each.version.name,
        "state": _state(each),
        **deliverables(each.version, each.licenses, portal.now, api_url),
    }


def _state(each: WholeSubscription) -> str:
    subscription = each.subscription
    if subscription.ends_at is not None:
        return f"Ends on {shown_day(subscription.ends_at)}"
    if subscription.status is SubscriptionStatus.TRIALING and subscription.trial_end_at is not None:
        return f"Free until {shown_day(subscription.trial_end_at)}"
    if subscription.status is SubscriptionStatus.PAST_DUE:
        return "A payment is overdue"
    if subscription.next_invoice_at is not None:
        return f"Renews on {shown_day(subscription.next_invoice_at)}"
    return f"Bought on {shown_day(subscription.started_at)}"
