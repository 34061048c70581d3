"""The page /docs: the API reference, from files this server carries itself."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER: Final = Path(__file__).parent / "docs"
_PAGE: Final = "index.html"
_TYPES: Final = {
    _PAGE: "text/html; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class _File(NamedTuple):
    plain: bytes
    packed: bytes
    digest: str


@lru_cache(maxsize=len(_TYPES))
def _read(name: str) -> _File:
    """Return the file, also compressed; read once, since an installed file does not change."""
    plain = (_FOLDER / name).read_bytes()
    return _File(plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:32])


def _takes_gzip(request: Request) -> bool:
    for offer in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = offer.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" or weight == ""
    return False


def _has_copy(request: Request, tag: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    return tag in known or "*" in known


def _serve(request: Request) -> Response:
    """Answer with an allowed file; a plain function, so that compressing runs in a worker thread."""
    name = request.path_params.get("file", _PAGE)
    if name not in _TYPES:
        raise HTTPException(404)
    file, packed = _read(name), _takes_gzip(request)
    tag = f'"{file.digest}{"-gz" if packed else ""}"'  # one tag for each form of the bytes
    headers = {
        "Cache-Control": "no-cache",  # keep it, but ask: the tag makes asking cheap and an upgrade visible
        "Content-Security-Policy": _POLICY,
        "ETag": tag,
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if _has_copy(request, tag):
        return Response(status_code=304, headers=headers)
    headers |= {"Content-Type": _TYPES[name]} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(file.packed if packed else file.plain, headers=headers)


def docs_routes() -> list[Route]:
    """Return the routes of the page and its files; nothing else under /docs is reachable."""
    return [Route("/docs", _serve), Route("/docs/", _serve), Route("/docs/{file}", _serve)]
