"""Pictures of products on pages of ours, from our own origin wherever the file store is.

A page's policy lets its pictures come from no other host, and browsers hold against it where an address leads, too.
"""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from kelviq_server.catalog.products import steps as products
from kelviq_server.catalog.products.records import Product
from kelviq_server.core.errors import NotFound
from kelviq_server.media.actions.open_picture import open_picture
from kelviq_server.pages.face import guarded
from kelviq_server.platform.file_store import HARMLESS, content_disposition

_PATH: Final = "/pages/pictures/"
# A picture never changes under its address; one that was deleted is gone from everywhere after this.
_CACHE_SECONDS: Final = 3600


def picture_routes() -> list[Route]:
    """Return the route of all pictures."""
    return [Route(_PATH + "{id}", guarded(_show), methods=["GET"])]


def picture_of(product: Product) -> str | None:
    """Return the path of the picture that stands for a product, or None."""
    picture = products.picture_of(product)
    return None if picture is None else f"{_PATH}{picture.id}"


async def _show(request: Request) -> Response:
    try:
        file, content = await open_picture(UUID(request.path_params["id"]))
    except (ValueError, NotFound):
        raise HTTPException(404) from None
    headers = {
        **HARMLESS,
        "Cache-Control": f"public, max-age={_CACHE_SECONDS}",
        "Content-Disposition": content_disposition(file.file_name, inline=True),
        "Content-Length": str(file.size_bytes),
        "Content-Type": file.content_type,
    }
    return StreamingResponse(content, headers=headers)
