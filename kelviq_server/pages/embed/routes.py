"""Scripts for the merchants' own pages: the banner of a promotion, and a table of prices."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER: Final = Path(__file__).parent
SCRIPTS: Final = ("promotions.js", "pricing-table.js")


def embed_routes() -> list[Route]:
    """Return the routes of the scripts, which pages of any origin may load."""
    return [Route("/js/{name}", _serve)]


def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in SCRIPTS:
        raise HTTPException(404)
    content, tag = _read(name)
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        # The address is in the merchants' pages for ever: what is new is there within five minutes.
        "Cache-Control": "public, max-age=300",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="text/javascript")


@lru_cache
def _read(name: str) -> tuple[bytes, str]:
    content = (_FOLDER / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
