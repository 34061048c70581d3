"""The operations on plans: versions, publishing, prices."""

from collections.abc import Sequence

from starlette.responses import Response

from kelviq_server.catalog.contents.schemas import feature_answers
from kelviq_server.catalog.plans import store
from kelviq_server.catalog.plans.actions.archive_plan import archive_plan
from kelviq_server.catalog.plans.actions.create_plan import create_plan
from kelviq_server.catalog.plans.actions.discard_draft import discard_draft
from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.actions.restore_plan import restore_plan
from kelviq_server.catalog.plans.actions.restrict_plan import restrict_plan
from kelviq_server.catalog.plans.actions.set_prices import set_prices
from kelviq_server.catalog.plans.actions.update_plan import update_plan
from kelviq_server.catalog.plans.errors import (
    BaseNotPublished,
    CurrencyMissing,
    NoGateway,
    PlanArchived,
    PlanExists,
    PlanIsBase,
    PlanNotArchived,
    PlanPublished,
    PlanWithoutPrice,
    PriceWithoutCharges,
    VersionFixed,
)
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.plans.schemas import (
    VERSION,
    CatalogPlan,
    PaginatedPlans,
    PlanCountriesRequest,
    PlanCreateRequest,
    PlanPublishRequest,
    PlanPublishResponse,
    PlanRestoreRequest,
    PlanUpdateRequest,
    PlanVersionsResponse,
    plan_answer,
)
from kelviq_server.catalog.plans.steps import features_of
from kelviq_server.catalog.prices.schemas import (
    PaginatedPlanPrices,
    PlanPriceBulkRequest,
    PlanPriceBulkResponse,
    price_answer,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import Tx, reading
from kelviq_server.platform.listing import PAGE_SIZE, list_answer, listed_of
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Plans", Access.SERVER)
PLAN = "/catalog/plans/{identifier}/"
_INCLUDE = Parameter(
    "include",
    {"type": "string", "examples": ["prices,entitlements"]},
    "What to answer besides, separated by commas: `prices`, `entitlements`.",
)
_PAGE = page_parameters(PAGE_SIZE, PAGE_SIZE)


async def _answers(call: Call[None], tx: Tx, versions: Sequence[PlanVersion]) -> list[dict[str, object]]:
    """Return the versions with what was asked for besides, in one statement for all."""
    wanted = {name.strip() for name in call.query.get("include", "").split(",")}
    features = None
    if "entitlements" in wanted:
        granted = [each for version in versions for each in version.granted]
        features = feature_answers(await features_of(tx, granted))
    return [plan_answer(version, call.api_url, features, prices="prices" in wanted) for version in versions]


@operations.add(
    "GET",
    "/catalog/plans/",
    "listCatalogPlans",
    summary="List plans",
    answer=PaginatedPlans,
    parameters=(*_PAGE, _INCLUDE),
    refuses=[InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns the plans, newest first, each in its newest version. Archived plans and products are left out."""
    page = read_page(call.query, default_size=PAGE_SIZE, maximum_size=PAGE_SIZE)
    async with reading(call.tenant) as tx:
        listed = await store.list_plans(tx, page, whole=bool(call.query.get("include")))
        results = await _answers(call, tx, listed.results)
    return list_answer(call, page, listed, results)


@operations.add(
    "POST",
    "/catalog/plans/",
    "createCatalogPlan",
    summary="Create a plan",
    body=PlanCreateRequest,
    status=201,
    answer=CatalogPlan,
    refuses=[PlanExists],
)
async def create(call: Call[PlanCreateRequest]) -> Response:
    """Creates a plan of a product, as a draft: it can be bought once it is published."""
    version = await create_plan(call.tenant, call.body.new_plan(), call.body.file_keys)
    return json_answer(plan_answer(version, call.api_url), 201)


@operations.add(
    "GET",
    PLAN,
    "retrieveCatalogPlan",
    summary="Retrieve a plan",
    answer=CatalogPlan,
    parameters=(VERSION, _INCLUDE),
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a plan, an archived one too: its newest version, or the one that `version` names."""
    async with reading(call.tenant) as tx:
        version = await store.get_version(tx, call.path("identifier"), call.number("version"))
        [answer] = await _answers(call, tx, [version])
    return json_answer(answer)


@operations.add(
    "PATCH",
    PLAN,
    "updateCatalogPlan",
    summary="Update a plan",
    body=PlanUpdateRequest,
    answer=CatalogPlan,
    parameters=(VERSION,),
    refuses=[NotFound, PlanArchived, VersionFixed],
)
async def update(call: Call[PlanUpdateRequest]) -> Response:
    """Changes the fields that are sent, in the draft. A published plan gets a draft, which is its next version."""
    version = await update_plan(
        call.tenant, call.path("identifier"), call.number("version"), call.body.sent(), call.body.file_keys
    )
    return json_answer(plan_answer(version, call.api_url))


@operations.add(
    "DELETE",
    PLAN,
    "deleteCatalogPlan",
    summary="Archive a plan",
    status=204,
    parameters=(VERSION,),
    refuses=[NotFound, PlanArchived],
)
async def archive(call: Call[None]) -> Response:
    """Takes all versions of the plan out of the list, whichever is named. Who bought one keeps it."""
    call.number("version")
    await archive_plan(call.tenant, call.path("identifier"))
    return empty_answer()


@operations.add(
    "PUT",
    PLAN + "countries/",
    "restrictCatalogPlan",
    summary="Restrict a plan to countries",
    body=PlanCountriesRequest,
    answer=CatalogPlan,
    refuses=[NotFound, PlanArchived],
)
async def restrict(call: Call[PlanCountriesRequest]) -> Response:
    """Lets the plan be bought in these countries alone, in all versions and at once. Who has it keeps it."""
    version = await restrict_plan(call.tenant, call.path("identifier"), call.body.countries)
    return json_answer(plan_answer(version, call.api_url))


@operations.add(
    "GET",
    PLAN + "versions/",
    "listCatalogPlanVersions",
    summary="List plan versions",
    answer=PlanVersionsResponse,
    parameters=_PAGE,
    refuses=[NotFound, InvalidPage],
)
async def list_versions(call: Call[None]) -> Response:
    """Returns every version of the plan, newest first."""
    page = read_page(call.query, default_size=PAGE_SIZE, maximum_size=PAGE_SIZE)
    async with reading(call.tenant) as tx:
        listed = await store.list_versions(tx, call.path("identifier"), page)
    if not listed.count:
        raise NotFound
    return list_answer(call, page, listed, [plan_answer(version, call.api_url) for version in listed.results])


@operations.add(
    "POST",
    PLAN + "publish/",
    "publishCatalogPlan",
    summary="Publish a plan",
    body=PlanPublishRequest,
    answer=PlanPublishResponse,
    is_body_required=False,
    refuses=[
        NotFound, PlanArchived, PlanPublished, PlanWithoutPrice, PriceWithoutCharges, CurrencyMissing,
        BaseNotPublished, NoGateway,
    ],
)  # fmt: skip
async def publish(call: Call[PlanPublishRequest]) -> Response:
    """Puts the draft on sale instead of the version that was. Who bought that keeps it, unless the body says more."""
    await publish_plan(call.tenant, call.path("identifier"), call.body.rollout())
    return json_answer({"status": "published"})


@operations.add(
    "DELETE",
    PLAN + "discard/",
    "discardCatalogPlanDraft",
    summary="Discard draft plan",
    status=204,
    refuses=[NotFound, PlanPublished, PlanIsBase],
)
async def discard(call: Call[None]) -> Response:
    """Deletes the draft for good; the published version stays. A plan that was never published is gone then."""
    await discard_draft(call.tenant, call.path("identifier"))
    return empty_answer()


@operations.add(
    "POST",
    PLAN + "restore/",
    "restoreCatalogPlan",
    summary="Restore a plan",
    body=PlanRestoreRequest,
    answer=CatalogPlan,
    is_body_required=False,
    refuses=[NotFound, PlanArchived, PlanNotArchived],
)
async def restore(call: Call[PlanRestoreRequest]) -> Response:
    """Brings back an archived plan, or the published version in place of the draft, or an earlier version as one."""
    version = await restore_plan(call.tenant, call.path("identifier"), call.body.version)
    return json_answer(plan_answer(version, call.api_url))


@operations.add(
    "GET",
    PLAN + "prices/",
    "listCatalogPlanPrices",
    summary="List plan prices",
    answer=PaginatedPlanPrices,
    parameters=(VERSION, *_PAGE),
    refuses=[NotFound, InvalidPage],
)
async def list_prices(call: Call[None]) -> Response:
    """Returns the plan's prices, one for each currency, the base price first."""
    page = read_page(call.query, default_size=PAGE_SIZE, maximum_size=PAGE_SIZE)
    async with reading(call.tenant) as tx:
        version = await store.get_version(tx, call.path("identifier"), call.number("version"))
    prices = listed_of(version.prices, page)
    return list_answer(call, page, prices, [price_answer(price) for price in prices.results])


@operations.add(
    "POST",
    PLAN + "prices/bulk/",
    "bulkSetCatalogPlanPrices",
    summary="Update plan prices",
    body=PlanPriceBulkRequest,
    answer=PlanPriceBulkResponse,
    refuses=[NotFound, PlanArchived],
)
async def replace_prices(call: Call[PlanPriceBulkRequest]) -> Response:
    """Replaces the plan's prices by these, all or none, in the draft. A published plan gets a draft for it."""
    prices = [price.new_price() for price in call.body.prices]
    now = await set_prices(call.tenant, call.path("identifier"), prices)
    return json_answer({"prices": [price_answer(price) for price in now]})
