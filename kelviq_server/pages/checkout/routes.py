"""The page on which somebody buys."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kelviq_server.checkout.offers.actions.change_session import change_session
from kelviq_server.checkout.offers.actions.show_session import show_session
from kelviq_server.checkout.offers.records import Shown
from kelviq_server.checkout.payment.actions.authenticate_payment import authenticate_payment
from kelviq_server.checkout.payment.actions.follow_payment import follow_payment
from kelviq_server.checkout.payment.actions.give_payment_up import give_payment_up
from kelviq_server.checkout.payment.actions.pay_session import pay_session
from kelviq_server.checkout.sessions import steps as sessions
from kelviq_server.checkout.sessions.actions.retrieve_session import retrieve_session
from kelviq_server.checkout.sessions.records import SessionStatus, WholeSession
from kelviq_server.core.errors import Refusal
from kelviq_server.pages.amounts import shown_amount
from kelviq_server.pages.checkout.bought import bought
from kelviq_server.pages.checkout.faults import WHOLE, placed, texts_of
from kelviq_server.pages.checkout.form import typed_card, typed_of
from kelviq_server.pages.checkout.shown import values_of
from kelviq_server.pages.face import PAYMENTS, address_of, guarded, limit, onward, page, see
from kelviq_server.pages.forms import form_of, form_page
from kelviq_server.platform.database import INSTANCE, Tenant, reading
from kelviq_server.platform.operations import API_PATH
from kelviq_server.platform.rate_limits import RateLimit
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.tenants import steps as tenants

View = Callable[[Request, Tenant], Awaitable[Response]]
# Where the answer goes of whoever is asked to authenticate a payment, below the page.
_ANSWER = "authenticate/"
_CARD = {"cardNumber": "card_number"}
# From one address: nobody chooses faster, unless they look for discount codes that hold.
_CHANGES = RateLimit(2, 120)
# Of one session, however often its page is reloaded: the gateway is asked for each.
_FOLLOWS = RateLimit(1, 10)

_NOT_PAID = "The payment did not go through. Nothing was charged."
_WAITING = {
    "kind": "waiting",
    "heading": "Your payment is on its way",
    "text": ["This page looks again by itself. Do not pay again."],
    "refresh": "3",
}
_OVER = {
    "kind": "gone",
    "heading": "This checkout has expired",
    "text": ["Nothing was charged. Start again from where you came from."],
}
_TRIED_TOO_OFTEN = {
    "kind": "bad",
    "heading": "Too many cards were tried",
    "text": ["Nothing was charged. Ask the seller for another way to pay."],
}


def checkout_routes() -> list[Route]:
    """Return the routes of the page."""
    views = (("", "GET", _show), ("", "POST", _send), (_ANSWER, "POST", _answer), (_ANSWER, "GET", _back))
    return [
        Route(f"/checkout/{{id}}/{below}"[: -1 if is_bare else None], _with_tenant(view), methods=[method])
        for below, method, view in views
        for is_bare in (False, True)
    ]


def _with_tenant(view: View) -> Callable[[Request], Awaitable[Response]]:
    async def find(request: Request) -> Response:
        async with reading(INSTANCE) as tx:
            tenant = await sessions.find_session_tenant(tx, request.path_params["id"])
        if tenant is None:
            raise HTTPException(404)
        return await view(request, tenant)

    return guarded(find)


async def _show(request: Request, tenant: Tenant) -> Response:
    id = request.path_params["id"]
    whole = await retrieve_session(tenant, id)
    is_waiting = whole.session.status is SessionStatus.PROCESSING and not whole.session.needs_action
    if is_waiting and not await _FOLLOWS.take(f"checkout follow {id}"):
        await follow_payment(tenant, id)
        whole = await retrieve_session(tenant, id)
    if not whole.is_payable:
        return await _state(request, tenant, whole)
    failure = whole.session.failure
    errors = {WHOLE: _NOT_PAID, "card_number": failure} if failure else {}
    return _form(request, tenant, await show_session(tenant, id), {}, errors)


async def _send(request: Request, tenant: Tenant) -> Response:
    form = await form_of(request)
    typed = typed_of(form)
    if form.get("do") != "pay":
        await limit(request, _CHANGES, "checkout change")
        return await _changed(request, tenant, form, {})
    await limit(request, PAYMENTS, "payment")
    try:
        await pay_session(tenant, request.path_params["id"], typed, typed_card(form))
    except InvalidFields as faults:
        return await _changed(request, tenant, form, texts_of(faults.errors), status=422)
    except Refusal as refusal:
        field = _CARD.get(refusal.field or "", refusal.field or WHOLE)
        whole = {WHOLE: _NOT_PAID} if field == "card_number" else {}
        return await _changed(request, tenant, form, whole | {field: refusal.text}, status=422)
    return see(_address(request))


async def _changed(
    request: Request, tenant: Tenant, form: Mapping[str, str], errors: Mapping[str, str], *, status: int = 200
) -> Response:
    """Return the page with what was chosen and typed, which is kept; the page of a session that is over says so."""
    shown = await change_session(tenant, request.path_params["id"], typed_of(form))
    if shown is None:
        return see(_address(request))
    return _form(request, tenant, shown, form, errors, status)


async def _back(request: Request, tenant: Tenant) -> Response:
    """Lead whoever opens what only answers are sent to back to the page, which asks where something is to be asked."""
    return see(_address(request))


async def _answer(request: Request, tenant: Tenant) -> Response:
    form = await form_of(request)
    await limit(request, PAYMENTS, "payment answer")
    id, answer = request.path_params["id"], form.get("answer")
    if answer == "cancel":
        await give_payment_up(tenant, id)
    elif answer in ("approve", "refuse"):
        await authenticate_payment(tenant, id, is_approved=answer == "approve")
    return see(_address(request))


def _address(request: Request) -> str:
    return f"/checkout/{request.path_params['id']}/"


def _form(
    request: Request,
    tenant: Tenant,
    shown: Shown,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = 200,
) -> Response:
    common = {"action": _address(request), "is_sandbox": tenant.has_own_clock}
    values = values_of(shown, typed, placed(shown, errors)) | common
    return form_page(request, "checkout/checkout.html", values, status=status)


async def _state(request: Request, tenant: Tenant, whole: WholeSession) -> Response:
    """Return the page of a session that cannot be paid: it is, or is being paid, or is over."""
    session, options = whole.session, whole.session.options
    async with reading(tenant) as tx:
        seller = await tenants.get_seller(tx)
    common: dict[str, Any] = {
        "title": f"{whole.product.name} · {seller.legal_name}",
        "seller": seller.legal_name,
        "seller_email": seller.email,
        "is_sandbox": tenant.has_own_clock,
        "facts": [],
        "link": None,
    }
    if session.status is SessionStatus.SUCCESS:
        if options.success_url:
            on = (f"Go on to {seller.legal_name}", options.success_url)
            common |= {"link": on, "refresh": onward(options.success_url)}
        return page("look/state.html", common | bought(whole, address_of(request) + API_PATH))
    if session.status is SessionStatus.PROCESSING and session.needs_action and whole.order is not None:
        due = shown_amount(whole.order.order.due_units, whole.order.order.currency)
        values = common | {"amount": due, "action": _address(request) + _ANSWER}
        return form_page(request, "look/authenticate.html", values)
    if session.status is SessionStatus.PROCESSING:
        return page("look/state.html", common | _WAITING)
    if options.cancel_url:
        common["link"] = (f"Back to {seller.legal_name}", options.cancel_url)
    return page("look/state.html", common | (_OVER if whole.is_over else _TRIED_TOO_OFTEN), status=410)
