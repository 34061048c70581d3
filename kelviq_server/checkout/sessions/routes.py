"""The operations on checkout sessions."""

from dataclasses import replace

from starlette.responses import Response

from kelviq_server.billing.sales.errors import (
    AmountTooFine,
    AmountTooLarge,
    CustomAmountNotTaken,
    CustomAmountRequired,
    NoOneTimePrice,
    NoPriceInCurrency,
    OtherCurrency,
    PeriodNotSold,
    PlanNotForCountry,
    PlanNotForSale,
)
from kelviq_server.catalog.products import steps as products
from kelviq_server.checkout.sessions import store
from kelviq_server.checkout.sessions.actions.create_session import create_session
from kelviq_server.checkout.sessions.actions.retrieve_session import retrieve_session
from kelviq_server.checkout.sessions.errors import OtherProduct, PlanNotEnabled
from kelviq_server.checkout.sessions.records import SessionFilter, SessionStatus, ShownSession
from kelviq_server.checkout.sessions.schemas import (
    CheckoutSessionDetailResponse,
    CheckoutSessionEventListResponse,
    CheckoutSessionListResponse,
    CreateCheckoutSessionRequest,
    CreateCheckoutSessionResponse,
    created_answer,
    event_answer,
    session_answer,
    whole_answer,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import SearchTooLong, terms
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.payments.errors import NoGatewayConfigured
from kelviq_server.platform.answers import Throttled, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import DATES, list_answer, search_parameter
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.platform.public_url import network_of
from kelviq_server.platform.rate_limits import RateLimit
from kelviq_server.promotions.discounts.errors import (
    DiscountBlocked,
    DiscountExpired,
    DiscountInOtherCurrency,
    DiscountNotForCountry,
    DiscountNotForPlan,
    DiscountUnknown,
    DiscountUsedUp,
)
from kelviq_server.subscriptions.purchases.errors import NoTrialWithoutRenewal

# From one address, with a client key, which anybody may have: each call makes a row, as each visit to a link does.
_BROWSERS = RateLimit(1, 60)

operations = Operations("Checkout", Access.CLIENT)
session_operations = Operations("Checkout Sessions", Access.SERVER)
event_operations = Operations("Checkout Session Events", Access.SERVER)


@operations.add(
    "POST",
    "/checkout/",
    "createCheckoutSession",
    summary="Create a checkout session",
    body=CreateCheckoutSessionRequest,
    status=201,
    answer=CreateCheckoutSessionResponse,
    refuses=[
        PlanNotForSale, PlanNotEnabled, OtherProduct, PeriodNotSold, NoOneTimePrice, NoPriceInCurrency, OtherCurrency,
        CustomAmountRequired, CustomAmountNotTaken, AmountTooFine, AmountTooLarge, NoTrialWithoutRenewal,
        DiscountUnknown, DiscountExpired, DiscountUsedUp, DiscountNotForPlan, DiscountInOtherCurrency,
        DiscountNotForCountry, DiscountBlocked, CustomerUnknown, NoGatewayConfigured, PlanNotForCountry,
    ],
)  # fmt: skip
async def create(call: Call[CreateCheckoutSessionRequest]) -> Response:
    """Opens a page on which a customer can buy a plan, for 24 hours. Send the customer to `checkoutUrl`.

    A browser may call this with a client key, about once a second: `customAmount` and `trialPeriod` take a server key.
    """
    is_trusted = call.caller.access is Access.SERVER
    if not is_trusted and (wait_seconds := await _BROWSERS.take(f"checkout {network_of(call.address)}")):
        raise Throttled.for_seconds(wait_seconds)
    wanted = call.body.wanted(is_trusted=is_trusted)
    if not is_trusted:
        # Whoever asks for themselves would be wherever it is cheapest.
        wanted = replace(wanted, ip_address=call.address or None)
    return json_answer(created_answer(await create_session(call.tenant, wanted), call.base_url), 201)


@session_operations.add(
    "GET",
    "/checkout/sessions/",
    "listCheckoutSessions",
    summary="List checkout sessions",
    answer=CheckoutSessionListResponse,
    parameters=(
        search_parameter("id", "name", "email", "customerId", "product"),
        Parameter("status", {"type": "string", "enum": list(SessionStatus)}, "Only those of this status."),
        *DATES,
        *page_parameters(),
    ),
    refuses=[InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of checkout sessions, newest first."""
    page = read_page(call.query)
    wanted = SessionFilter(
        terms=terms(call.query.get("search", "")),
        status=call.choice("status", SessionStatus),
        start_date=call.date("start_date"),
        end_date=call.date("end_date"),
    )
    async with reading(call.tenant) as tx:
        listed = await store.list_sessions(tx, wanted, page)
        bought = await products.list_by_id(tx, {session.product_id for session in listed.results})
    shown = [ShownSession(session, bought[session.product_id]) for session in listed.results]
    return list_answer(call, page, listed, [session_answer(each, call.base_url) for each in shown])


@session_operations.add(
    "GET",
    "/checkout/sessions/{session_id}/",
    "retrieveCheckoutSession",
    summary="Retrieve a checkout session",
    answer=CheckoutSessionDetailResponse,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a checkout session by its id, with the order, the subscription and the payment method, if any."""
    whole = await retrieve_session(call.tenant, call.path("session_id"))
    return json_answer(whole_answer(whole, call.base_url))


@event_operations.add(
    "GET",
    "/checkout/sessions/{session_id}/events/",
    "listCheckoutSessionEvents",
    summary="List checkout session events",
    answer=CheckoutSessionEventListResponse,
    parameters=page_parameters(),
    refuses=[NotFound, InvalidPage],
)
async def list_events(call: Call[None]) -> Response:
    """Returns what happened to a checkout session, newest first."""
    page = read_page(call.query)
    async with reading(call.tenant) as tx:
        session = await store.get_session(tx, call.path("session_id"))
        listed = await store.list_events(tx, session.id, page)
    return list_answer(call, page, listed, [event_answer(event) for event in listed.results])
