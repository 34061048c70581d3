"""The operations on features."""

from starlette.responses import Response

from kelviq_server.catalog.features import store
from kelviq_server.catalog.features.actions.archive_feature import archive_feature
from kelviq_server.catalog.features.actions.create_feature import create_feature
from kelviq_server.catalog.features.actions.update_feature import update_feature
from kelviq_server.catalog.features.errors import FeatureArchived, FeatureExists
from kelviq_server.catalog.features.schemas import (
    CatalogFeature,
    FeatureCreateRequest,
    FeatureUpdateRequest,
    PaginatedFeatures,
    feature_answer,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import SearchTooLong, terms
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import PAGE_SIZE, list_answer, search_parameter
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Features", Access.SERVER)


@operations.add(
    "GET",
    "/catalog/features/",
    "listCatalogFeatures",
    summary="List features",
    answer=PaginatedFeatures,
    parameters=(search_parameter("name", "identifier", "description"), *page_parameters(PAGE_SIZE, PAGE_SIZE)),
    refuses=[InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of features, newest first. Archived features are left out."""
    page = read_page(call.query, default_size=PAGE_SIZE, maximum_size=PAGE_SIZE)
    async with reading(call.tenant) as tx:
        listed = await store.list_features(tx, terms(call.query.get("search", "")), page)
    return list_answer(call, page, listed, [feature_answer(feature) for feature in listed.results])


@operations.add(
    "POST",
    "/catalog/features/",
    "createCatalogFeature",
    summary="Create a feature",
    body=FeatureCreateRequest,
    status=201,
    answer=CatalogFeature,
    refuses=[FeatureExists],
)
async def create(call: Call[FeatureCreateRequest]) -> Response:
    """Creates a feature. `identifier`, `featureType`, `featureDetails` and `meter` stay as they are for ever."""
    return json_answer(feature_answer(await create_feature(call.tenant, call.body.new_feature())), 201)


@operations.add(
    "GET",
    "/catalog/features/{pk}/",
    "retrieveCatalogFeature",
    summary="Retrieve a feature",
    answer=CatalogFeature,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a feature, an archived one too."""
    async with reading(call.tenant) as tx:
        feature = await store.get_feature(tx, call.uuid("pk"))
    return json_answer(feature_answer(feature))


@operations.add(
    "PATCH",
    "/catalog/features/{pk}/",
    "updateCatalogFeature",
    summary="Update a feature",
    body=FeatureUpdateRequest,
    answer=CatalogFeature,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, FeatureArchived],
)
async def update(call: Call[FeatureUpdateRequest]) -> Response:
    """Changes the fields that are sent; those that are fixed after creation are ignored."""
    return json_answer(feature_answer(await update_feature(call.tenant, call.uuid("pk"), call.body.sent())))


@operations.add(
    "DELETE",
    "/catalog/features/{pk}/",
    "deleteCatalogFeature",
    summary="Archive a feature",
    status=204,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, FeatureArchived],
)
async def archive(call: Call[None]) -> Response:
    """Takes the feature out of the list. Plans that grant it, and their customers, keep it."""
    await archive_feature(call.tenant, call.uuid("pk"))
    return empty_answer()
