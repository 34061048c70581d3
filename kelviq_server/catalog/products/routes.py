"""The operations on products, their settings and images."""

from starlette.responses import Response

from kelviq_server.catalog.products import store
from kelviq_server.catalog.products.actions.archive_product import archive_product
from kelviq_server.catalog.products.actions.create_product import create_product
from kelviq_server.catalog.products.actions.delete_image import delete_image
from kelviq_server.catalog.products.actions.update_image import update_image
from kelviq_server.catalog.products.actions.update_product import update_product
from kelviq_server.catalog.products.actions.update_settings import update_settings
from kelviq_server.catalog.products.errors import ProductArchived, ProductExists
from kelviq_server.catalog.products.schemas import (
    PaginatedProducts,
    ProductAnswer,
    ProductCreateRequest,
    ProductImage,
    ProductImageUpdateRequest,
    ProductRetrieve,
    ProductSettingsAnswer,
    ProductSettingsUpdateRequest,
    ProductUpdateRequest,
    image_answer,
    product_answer,
    settings_answer,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import SearchTooLong, terms
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import PAGE_SIZE, list_answer, search_parameter
from kelviq_server.platform.operations import UUID_IN_PATH, UUID_SCHEMA, Access, Call, Operations
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Products", Access.SERVER)
settings_operations = Operations("Product Settings", Access.SERVER)
file_operations = Operations("Product Files", Access.SERVER)
_IMAGE = "/catalog/products/{product_pk}/image/{pk}/"
_IMAGE_IN_PATH = {"product_pk": UUID_SCHEMA, "pk": UUID_SCHEMA}


@operations.add(
    "GET",
    "/catalog/products/",
    "listCatalogProducts",
    summary="List products",
    answer=PaginatedProducts,
    parameters=(search_parameter("name", "identifier", "description"), *page_parameters(PAGE_SIZE, PAGE_SIZE)),
    refuses=[InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of the products, newest first. Archived products are left out."""
    page = read_page(call.query, default_size=PAGE_SIZE, maximum_size=PAGE_SIZE)
    async with reading(call.tenant) as tx:
        listed = await store.list_products(tx, terms(call.query.get("search", "")), page)
    return list_answer(call, page, listed, [product_answer(product, call.base_url) for product in listed.results])


@operations.add(
    "POST",
    "/catalog/products/",
    "createCatalogProduct",
    summary="Create a product",
    body=ProductCreateRequest,
    status=201,
    answer=ProductAnswer,
    refuses=[ProductExists],
)
async def create(call: Call[ProductCreateRequest]) -> Response:
    """Creates a product, with the uploads under `imageKeys` as its images."""
    product = await create_product(call.tenant, call.body.new_product(), call.body.image_keys)
    return json_answer(product_answer(product, call.base_url), 201)


@operations.add(
    "GET",
    "/catalog/products/{pk}/",
    "retrieveCatalogProduct",
    summary="Retrieve a product",
    answer=ProductRetrieve,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a product, an archived one too, with the identifiers of its published plans."""
    async with reading(call.tenant) as tx:
        product = await store.get_product(tx, call.uuid("pk"))
        plans = await store.list_published_plans(tx, product.id)
    return json_answer({**product_answer(product, call.base_url), "plans": plans})


@operations.add(
    "PATCH",
    "/catalog/products/{pk}/",
    "updateCatalogProduct",
    summary="Update a product",
    body=ProductUpdateRequest,
    answer=ProductAnswer,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, ProductArchived],
)
async def update(call: Call[ProductUpdateRequest]) -> Response:
    """Changes the fields that are sent, and adds the uploads under `imageKeys` and `fileKeys`."""
    body = call.body
    product = await update_product(call.tenant, call.uuid("pk"), body.sent(), body.image_keys, body.file_keys)
    return json_answer(product_answer(product, call.base_url))


@operations.add(
    "DELETE",
    "/catalog/products/{pk}/",
    "deleteCatalogProduct",
    summary="Archive a product",
    status=204,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, ProductArchived],
)
async def archive(call: Call[None]) -> Response:
    """Takes the product and its plans out of every list. Who bought one keeps it."""
    await archive_product(call.tenant, call.uuid("pk"))
    return empty_answer()


@settings_operations.add(
    "GET",
    "/catalog/products/{pk}/settings/",
    "getCatalogProductSettings",
    summary="Retrieve product settings",
    answer=ProductSettingsAnswer,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve_settings(call: Call[None]) -> Response:
    """Retrieves how a product is shown, and to whom. Every product has settings from the start."""
    async with reading(call.tenant) as tx:
        settings = await store.get_settings(tx, call.uuid("pk"))
    return json_answer(settings_answer(settings))


@settings_operations.add(
    "PATCH",
    "/catalog/products/{pk}/settings/",
    "updateCatalogProductSettings",
    summary="Update product settings",
    body=ProductSettingsUpdateRequest,
    answer=ProductSettingsAnswer,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, ProductArchived],
)
async def change_settings(call: Call[ProductSettingsUpdateRequest]) -> Response:
    """Changes the settings that are sent. Changing `currency` offers prices in it again that were disabled."""
    return json_answer(settings_answer(await update_settings(call.tenant, call.uuid("pk"), call.body.sent())))


@file_operations.add(
    "PATCH",
    _IMAGE,
    "updateCatalogProductImage",
    summary="Update a product image",
    body=ProductImageUpdateRequest,
    answer=ProductImage,
    path_schemas=_IMAGE_IN_PATH,
    refuses=[NotFound, ProductArchived],
)
async def change_image(call: Call[ProductImageUpdateRequest]) -> Response:
    """Changes what is shown of an image. `thumbnail: true` takes the flag from the product's other images."""
    image = await update_image(call.tenant, call.uuid("product_pk"), call.uuid("pk"), call.body.sent())
    return json_answer(image_answer(image, call.base_url))


@file_operations.add(
    "DELETE",
    _IMAGE,
    "deleteCatalogProductImage",
    summary="Delete a product image",
    status=204,
    path_schemas=_IMAGE_IN_PATH,
    refuses=[NotFound, ProductArchived],
)
async def remove_image(call: Call[None]) -> Response:
    """Deletes an image for good."""
    await delete_image(call.tenant, call.uuid("product_pk"), call.uuid("pk"))
    return empty_answer()
