"""The page on which an invoice that is owed is paid, with the card on file or another one."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kelviq_server.billing.invoices.records import InvoiceStatus
from kelviq_server.billing.orders.actions.answer_authentication import answer_authentication
from kelviq_server.billing.orders.actions.pay_owed_order import pay_owed_order
from kelviq_server.core.errors import NotFound, Refusal
from kelviq_server.pages.amounts import ShownLine, ShownTotal, shown_amount, shown_day
from kelviq_server.pages.cards import card_of
from kelviq_server.pages.face import PAYMENTS, guarded, limit, page, see
from kelviq_server.pages.forms import form_of, form_page
from kelviq_server.pages.payment.records import Owed
from kelviq_server.pages.payment.show_owed import show_owed
from kelviq_server.payments import steps as payments
from kelviq_server.payments.actions.save_method import save_method
from kelviq_server.payments.records import AttemptStatus, Failure

View = Callable[[Request, Owed], Awaitable[Response]]
_STATES: dict[InvoiceStatus, tuple[str, str, str]] = {
    InvoiceStatus.PAID: ("good", "This invoice is paid", "Thank you. There is nothing left to do."),
    InvoiceStatus.VOID: ("gone", "This invoice is void", "It cannot be paid any more, and nothing is owed for it."),
}


def payment_routes() -> list[Route]:
    """Return the routes of the page."""
    return [
        Route("/pay/{token}/", _with_invoice(_show), methods=["GET"]),
        Route("/pay/{token}/", _with_invoice(_pay), methods=["POST"]),
        Route("/pay/{token}/authenticate/", _with_invoice(_answer), methods=["POST"]),
        Route("/pay/{token}/authenticate/", _with_invoice(_back), methods=["GET"]),
    ]


def _with_invoice(view: View) -> Callable[[Request], Awaitable[Response]]:
    async def find(request: Request) -> Response:
        try:
            owed = await show_owed(request.path_params["token"])
        except NotFound:
            raise HTTPException(404) from None
        return await view(request, owed)

    return guarded(find)


async def _show(request: Request, owed: Owed) -> Response:
    return _rendered(request, owed, {})


async def _pay(request: Request, owed: Owed) -> Response:
    form = await form_of(request)
    here = _address(request)
    if owed.invoice.status in _STATES or owed.attempt is not None:
        return see(here)
    await limit(request, PAYMENTS, "payment")
    method = None
    try:
        if form.get("pay_with") != "saved" or owed.method is None:
            card, faults = card_of(form)
            if card is None:
                return _rendered(request, owed, faults)
            # Their default only once it has paid: a card that is declined does not take the place of one that works.
            method = await save_method(owed.tenant, owed.whole.order.buyer.external_id, card, is_default=False)
        paying = await pay_owed_order(owed.tenant, owed.whole.order.id, method)
    except Refusal as refusal:
        field = "card_number" if refusal.field == "cardNumber" else ""
        return _rendered(request, await show_owed(request.path_params["token"]), {field: refusal.text})
    failure = None if paying.outcome is None else paying.outcome.failure
    if failure is not None:
        return _rendered(
            request,
            await show_owed(request.path_params["token"]),
            {"": payments.text_of(failure) + " Try another card."},
        )
    return see(here)


async def _back(request: Request, owed: Owed) -> Response:
    """Lead whoever opens what only answers are sent to back to the page."""
    return see(_address(request))


async def _answer(request: Request, owed: Owed) -> Response:
    form = await form_of(request)
    here = _address(request)
    if owed.attempt is None or form.get("answer") not in ("approve", "refuse", "cancel"):
        return see(here)
    await limit(request, PAYMENTS, "payment answer")
    await answer_authentication(owed.tenant, owed.attempt, form["answer"])
    owed = await show_owed(request.path_params["token"])
    if form["answer"] == "refuse" and owed.invoice.status not in _STATES:
        fault = payments.text_of(Failure.AUTHENTICATION_REQUIRED)
        return _rendered(request, owed, {"": f"{fault} Try again, or another card."}, at=here)
    return see(here)


def _address(request: Request) -> str:
    return f"/pay/{request.path_params['token']}/"


def _rendered(request: Request, owed: Owed, errors: dict[str, str], at: str | None = None) -> Response:
    invoice, order = owed.invoice, owed.whole.order
    common: dict[str, Any] = {
        "title": f"Invoice {invoice.id}",
        "seller": owed.seller.legal_name,
        "seller_email": owed.seller.email,
        "is_sandbox": owed.tenant.has_own_clock,
    }
    due = shown_amount(order.due_units, order.currency)
    if invoice.status in _STATES:
        kind, heading, text = _STATES[invoice.status]
        facts = [("Invoice", invoice.id), ("Amount", shown_amount(invoice.total_units, invoice.currency))]
        state = {
            "kind": kind,
            "heading": heading,
            "text": [text],
            "facts": facts,
            "link": None,
        }
        return page("look/state.html", common | state)
    if owed.attempt is not None and owed.attempt.status is AttemptStatus.PENDING:
        if owed.attempt.is_on_session:
            action = _address(request) + "authenticate/"
            return form_page(request, "look/authenticate.html", common | {"amount": due, "action": action})
        waiting = {
            "kind": "waiting", "heading": "Your payment is on its way", "text": ["This page looks again by itself."],
            "facts": [], "link": None, "refresh": "5",
        }  # fmt: skip
        return page("look/state.html", common | waiting)
    method = None
    if owed.method is not None:
        data = owed.method.method_data
        method = f"{str(data.get('brand', 'card')).title()} ending in {data.get('last4')}"
    values = {
        "invoice": invoice,
        "product": owed.whole.product.name,
        "plan": owed.whole.version.name,
        "day": shown_day(invoice.opened_at or invoice.created_at),
        "due": due,
        "lines": [ShownLine(line.what, shown_amount(line.gross_units, invoice.currency)) for line in invoice.lines],
        "totals": _totals(owed),
        "method": method,
        "errors": errors,
        "action": at or _address(request),
    }
    return form_page(request, "payment/pay.html", common | values, status=422 if errors else 200)


def _totals(owed: Owed) -> list[ShownTotal]:
    invoice, order = owed.invoice, owed.whole.order
    rates = {line.tax_name for line in invoice.lines if line.tax_units}
    name = rates.pop() if len(rates) == 1 else "Tax"
    totals: list[ShownTotal] = []
    if invoice.tax_units:
        totals.append(ShownTotal(f"{name or 'Tax'} included", shown_amount(invoice.tax_units, invoice.currency)))
    if invoice.credit_units:
        totals.append(ShownTotal("Your credit", shown_amount(-invoice.credit_units, invoice.currency)))
    return [*totals, ShownTotal("To pay", shown_amount(order.due_units, order.currency), is_last=True)]
