"""The operations on what a plan holds besides prices: entitlements and files."""

from starlette.responses import Response

from kelviq_server.catalog.contents import store
from kelviq_server.catalog.contents.actions.add_entitlements import add_entitlements
from kelviq_server.catalog.contents.actions.delete_file import delete_file
from kelviq_server.catalog.contents.actions.remove_entitlement import remove_entitlement
from kelviq_server.catalog.contents.actions.replace_entitlements import replace_entitlements
from kelviq_server.catalog.contents.actions.update_entitlement import update_entitlement
from kelviq_server.catalog.contents.actions.update_file import update_file
from kelviq_server.catalog.contents.schemas import (
    PaginatedPlanFeatureEntitlements,
    PlanFeatureEntitlement,
    PlanFeaturePatchRequest,
    PlanFeaturesBulkUpdateRequest,
    PlanFeaturesCreateRequest,
    PlanFileAnswer,
    PlanFileUpdateRequest,
    entitlement_answer,
    feature_answers,
    plan_file_answer,
)
from kelviq_server.catalog.plans import store as plans
from kelviq_server.catalog.plans.errors import EntitlementExists, EntitlementInherited, PlanArchived
from kelviq_server.catalog.plans.schemas import VERSION, CatalogPlan, plan_answer
from kelviq_server.catalog.plans.steps import features_of
from kelviq_server.core.errors import NotFound
from kelviq_server.media import steps as media
from kelviq_server.platform.answers import empty_answer, json_answer, redirect_answer
from kelviq_server.platform.database import INSTANCE, Tenant, reading
from kelviq_server.platform.file_store import current_file_store
from kelviq_server.platform.listing import PAGE_SIZE, list_answer, listed_of
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Plan Entitlements", Access.SERVER)
file_operations = Operations("Plan Files", Access.SERVER)
download_operations = Operations("Plan Files", Access.PUBLIC)
_ALL = "/catalog/plans/{identifier}/features/"
_FILE = "/catalog/plans/{identifier}/file/{pk}/"


@operations.add(
    "GET",
    _ALL,
    "listCatalogPlanFeatures",
    summary="List plan entitlements",
    answer=PaginatedPlanFeatureEntitlements,
    parameters=(VERSION, *page_parameters(PAGE_SIZE, PAGE_SIZE)),
    refuses=[NotFound, InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns what the plan grants: what its base plan grants first, then what is its own."""
    page = read_page(call.query, default_size=PAGE_SIZE, maximum_size=PAGE_SIZE)
    async with reading(call.tenant) as tx:
        version = await plans.get_version(tx, call.path("identifier"), call.number("version"))
        granted = listed_of(version.granted, page)
        features = feature_answers(await features_of(tx, granted.results))
    results = [entitlement_answer(each, features) for each in granted.results]
    return list_answer(call, page, granted, results)


@operations.add(
    "POST",
    _ALL,
    "addCatalogPlanFeatures",
    summary="Add plan entitlements",
    body=PlanFeaturesCreateRequest,
    status=201,
    answer=CatalogPlan,
    parameters=(VERSION,),
    refuses=[NotFound, PlanArchived, EntitlementExists],
)
async def add(call: Call[PlanFeaturesCreateRequest]) -> Response:
    """Lets the plan grant further features, in the draft. A published plan gets a draft for it."""
    # Published, but said to be for listing only.
    call.number("version")
    version = await add_entitlements(call.tenant, call.path("identifier"), call.body.entitlements())
    return json_answer(plan_answer(version, call.api_url), 201)


@operations.add(
    "PUT",
    _ALL,
    "replaceCatalogPlanFeatures",
    summary="Replace plan entitlements",
    body=PlanFeaturesBulkUpdateRequest,
    answer=CatalogPlan,
    refuses=[NotFound, PlanArchived],
)
async def replace_all(call: Call[PlanFeaturesBulkUpdateRequest]) -> Response:
    """Replaces all that the plan grants, and its base plan if one is sent, in the draft."""
    body = call.body
    version = await replace_entitlements(
        call.tenant,
        call.path("identifier"),
        body.entitlements(),
        body.base_plan,
        keeps_base="base_plan" not in body.model_fields_set,
    )
    return json_answer(plan_answer(version, call.api_url))


@operations.add(
    "PATCH",
    _ALL + "{feature_id}/",
    "updateCatalogPlanFeature",
    summary="Update plan entitlement",
    body=PlanFeaturePatchRequest,
    answer=PlanFeatureEntitlement,
    refuses=[NotFound, PlanArchived],
)
async def update(call: Call[PlanFeaturePatchRequest]) -> Response:
    """Changes the terms that are sent, in the draft. One that the base plan grants is overridden."""
    entitlement, feature = await update_entitlement(
        call.tenant, call.path("identifier"), call.path("feature_id"), call.body.details.over
    )
    return json_answer(entitlement_answer(entitlement, feature_answers({feature.id: feature})))


@operations.add(
    "DELETE",
    _ALL + "{feature_id}/",
    "deleteCatalogPlanFeature",
    summary="Delete plan entitlement",
    status=204,
    refuses=[NotFound, PlanArchived, EntitlementInherited],
)
async def remove(call: Call[None]) -> Response:
    """Takes an entitlement from the draft. Where it overrode the base plan, that holds again."""
    await remove_entitlement(call.tenant, call.path("identifier"), call.path("feature_id"))
    return empty_answer()


@file_operations.add(
    "PATCH",
    _FILE,
    "updateCatalogPlanFile",
    summary="Update a plan file",
    body=PlanFileUpdateRequest,
    answer=PlanFileAnswer,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, PlanArchived],
)
async def change_file(call: Call[PlanFileUpdateRequest]) -> Response:
    """Changes what is shown of a file, in the draft. A published plan gets a draft for it."""
    file = await update_file(call.tenant, call.path("identifier"), call.uuid("pk"), call.body.sent())
    return json_answer(plan_file_answer(file, call.path("identifier"), call.api_url))


@file_operations.add(
    "DELETE",
    _FILE,
    "deleteCatalogPlanFile",
    summary="Delete a plan file",
    status=204,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, PlanArchived],
)
async def remove_file(call: Call[None]) -> Response:
    """Takes a file from the draft. Who bought an earlier version keeps it."""
    await delete_file(call.tenant, call.path("identifier"), call.uuid("pk"))
    return empty_answer()


@download_operations.add(
    "GET",
    _FILE + "download/",
    "downloadCatalogPlanFile",
    summary="Download a plan file",
    status=302,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def download(call: Call[None]) -> Response:
    """Leads whoever knows the file's id to a short-lived address from which it is downloaded."""
    id = call.uuid("pk")
    async with reading(INSTANCE) as tx:
        tenant_id = await store.find_downloadable(tx, call.path("identifier"), id)
    if tenant_id is None:
        raise NotFound
    async with reading(Tenant(tenant_id, None)) as tx:
        file = await media.get_file(tx, id)
    address = current_file_store().download_url(
        file.file_key, file_name=file.file_name, content_type=file.content_type, base_url=call.base_url
    )
    return redirect_answer(address)
