"""The operations that show subscriptions."""

from datetime import UTC, date, datetime, time, timedelta

from starlette.responses import Response

from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import UUID_SCHEMA, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.platform.wire import InvalidFields, not_a_choice
from kelviq_server.subscriptions.life.actions.list_subscriptions import list_subscriptions
from kelviq_server.subscriptions.life.actions.show_subscription import show_subscription
from kelviq_server.subscriptions.life.errors import SubscriptionUnknown
from kelviq_server.subscriptions.life.records import SubscriptionFilter, SubscriptionStatus
from kelviq_server.subscriptions.life.schemas import (
    SubscriptionListResponse,
    SubscriptionResponse,
    subscription_answer,
)

operations = Operations("Subscriptions", Access.SERVER)
BY_ID = {"subscriptionId": UUID_SCHEMA}
_INSTANT = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
_FILTERS = (
    Parameter("customer_id", {"type": "string"}, "Only those of this customer, named by your own id."),
    Parameter(
        "status",
        {"type": "string", "example": "active,trialing"},
        "Only records of these statuses, separated by commas; those that ended or were replaced, too. Without it there"
        " is one entry for each subscription: as it now is, unless it has ended.",
    ),
    Parameter("start_date_after", _INSTANT, "Only those that began on this day, or at this instant, or later."),
    Parameter("start_date_before", _INSTANT, "Only those that began on this day, or before this instant, or earlier."),
    Parameter("modified_on_after", _INSTANT, "Only those that changed on this day, or at this instant, or later."),
    Parameter("modified_on_before", _INSTANT, "Only those that last changed on this day, or before this instant."),
)


@operations.add(
    "GET",
    "/subscriptions/",
    "listSubscriptions",
    summary="List subscriptions",
    answer=SubscriptionListResponse,
    parameters=(*_FILTERS, *page_parameters()),
    refuses=[InvalidFields, InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a page of the subscriptions, newest first."""
    page = read_page(call.query)
    wanted = SubscriptionFilter(
        customer=call.text("customer_id"),
        statuses=_statuses(call.query.get("status", "")),
        started_after=_instant(call, "start_date_after"),
        started_before=_instant(call, "start_date_before", is_upper=True),
        modified_after=_instant(call, "modified_on_after"),
        modified_before=_instant(call, "modified_on_before", is_upper=True),
    )
    listed, now = await list_subscriptions(call.tenant, wanted, page)
    return list_answer(call, page, listed, [subscription_answer(whole, now, call.api_url) for whole in listed.results])


@operations.add(
    "GET",
    "/subscriptions/{subscriptionId}/",
    "retrieveSubscription",
    summary="Retrieve a subscription",
    answer=SubscriptionResponse,
    path_schemas=BY_ID,
    refuses=[SubscriptionUnknown],
)
async def retrieve(call: Call[None]) -> Response:
    """Returns one record of a subscription, also one that was replaced or has ended."""
    whole, now = await show_subscription(call.tenant, call.uuid("subscriptionId"))
    return json_answer(subscription_answer(whole, now, call.api_url))


def _statuses(text: str) -> tuple[SubscriptionStatus, ...]:
    found: dict[SubscriptionStatus, None] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        try:
            found[SubscriptionStatus(name)] = None
        except ValueError:
            raise InvalidFields({"status": [not_a_choice(name)]}) from None
    return tuple(found)


def _instant(call: Call[None], name: str, *, is_upper: bool = False) -> datetime | None:
    """Return a query parameter that is a day or an instant, without a zone in UTC.

    Of a day that is an upper bound, its end.
    """
    text = call.query.get(name)
    if text is None:
        return None
    try:
        if len(text) == len("2025-01-31"):
            midnight = datetime.combine(date.fromisoformat(text), time(), UTC)
            return midnight + timedelta(days=1) if is_upper else midnight
        at = datetime.fromisoformat(text.replace(" ", "+") if " " in text[11:] else text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidFields({name: ["Enter a valid date."]}) from None
