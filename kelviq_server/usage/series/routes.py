"""The operation that says what was used as time went by."""

from datetime import date

from starlette.responses import Response

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import current_time, reading
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.usage.meters.steps import find_feature
from kelviq_server.usage.reports.errors import NoMeter
from kelviq_server.usage.series import rules, store
from kelviq_server.usage.series.errors import EndsBeforeItBegins, TooManyPoints
from kelviq_server.usage.series.records import Granularity
from kelviq_server.usage.series.schemas import UsageSeriesResponse, series_answer

operations = Operations("Reporting", Access.SERVER)
_TEXT, _DAY = {"type": "string", "minLength": 1}, {"type": "string", "format": "date"}
# With what is around them, within what dates can say.
_FIRST_YEAR, _LAST_YEAR = 1900, 9998


@operations.add(
    "GET",
    "/usage/",
    "retrieveUsage",
    summary="Retrieve usage as time went by",
    answer=UsageSeriesResponse,
    parameters=(
        Parameter("customer_id", _TEXT, "Your own id of the customer. Also read as `customerId`.", is_required=True),
        Parameter("feature_id", _TEXT, "The identifier of a METER. Also read as `featureId`.", is_required=True),
        Parameter("from", _DAY, "A day of the first point; if missing, that of 30 points."),
        Parameter("to", _DAY, "A day of the last point; today if missing."),
        Parameter(
            "granularity",
            {"type": "string", "enum": [*Granularity], "default": Granularity.DAY},
            "How long a point is: a day, a week from Monday, or a month, all in UTC. No more than 400 points at once.",
        ),
    ),
    refuses=[NotFound, InvalidFields, NoMeter, EndsBeforeItBegins, TooManyPoints],
)
async def retrieve(call: Call[None]) -> Response:
    """Says what a customer used of a METER, day by day, week by week or month by month, for charts.

    Usage stands where it happened, however late it was reported, by whichever subscription, and though it was reset.
    """
    customer, feature = call.required("customer_id"), call.required("feature_id")
    granularity = call.choice("granularity", Granularity) or Granularity.DAY
    first, last = _day(call, "from"), _day(call, "to") or (await current_time(call.tenant)).date()
    stretch = rules.stretch(first, last, granularity)
    async with reading(call.tenant) as tx:
        customer_id, meter = await customers.find_customer_id(tx, customer), await find_feature(tx, feature)
        if customer_id is None or meter is None:
            raise NotFound
        if meter.feature_type is not FeatureType.METER:
            raise NoMeter
        used = await store.list_used(tx, customer_id, meter.id, stretch, meter.aggregation)
    points = rules.points(stretch, used, meter.aggregation)
    return json_answer(series_answer(customer, feature, meter.aggregation, granularity, points))


def _day(call: Call[None], name: str) -> date | None:
    day = call.date(name)
    if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise InvalidFields({name: ["Enter a valid date."]})
    return day
