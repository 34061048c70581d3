"""Pages with forms, and that nobody else sends those: a token that is bound to a cookie and to the page."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kelviq_server.pages.face import Refused, is_secure, page
from kelviq_server.platform.vault import current_vault

TOKEN_FIELD: Final = "csrf_token"  # noqa: S105 - the name of a field
# What a form of ours comes to at the most.
MAX_FORM_BYTES: Final = 64 * 1024
# What cookies begin with. Each has a name of its own: of two that a page sets at once, none takes the other's place.
_COOKIE: Final = "kelviq_page_"


def form_page(request: Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return a page with forms, which are sent to it, or below it."""
    path, known = _page_of(request), _nonces(request)
    nonce = known[0] if known else secrets.token_urlsafe(24)
    token = {"csrf_token": _token(nonce, path), "token_field": TOKEN_FIELD}
    response = page(template, {**token, **values}, status=status)
    if not known:
        response.set_cookie(
            _COOKIE + secrets.token_hex(4), nonce, path=path, httponly=True, samesite="lax", secure=is_secure(request)
        )
    return response


async def form_of(request: Request) -> dict[str, str]:
    """Return the texts of a form that one of our own pages sent; raises HTTPException (403, 413) otherwise."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM_BYTES:
        raise HTTPException(413)
    form = await request.form(max_files=0, max_fields=200)
    texts = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    path, nonces, sent = _page_of(request), _nonces(request), texts.pop(TOKEN_FIELD, "").encode()
    if not nonces:
        text = "Nothing was charged. Allow cookies for this site, load the page anew, and try again."
        raise Refused(403, "Your browser sent no cookie", text)
    if not any(hmac.compare_digest(sent, _token(nonce, path).encode()) for nonce in nonces):
        raise HTTPException(403)
    # What no text of ours holds, and the database could not even take.
    return {name: value.replace("\x00", "").strip() for name, value in texts.items()}


def _nonces(request: Request) -> list[str]:
    """Return what the cookies of a page hold: one, or several where several tabs opened it at once."""
    return [value for name, value in request.cookies.items() if name.startswith(_COOKIE)]


def _page_of(request: Request) -> str:
    """Return the path of a page, also for what is below it."""
    return "/".join(request.url.path.split("/")[:3])


def _token(nonce: str, path: str) -> str:
    key = current_vault().derive("forged forms")
    return hmac.new(key, f"{nonce} {path}".encode(), hashlib.sha256).hexdigest()
