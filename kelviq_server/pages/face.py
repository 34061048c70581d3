"""How every page is rendered and guarded: templates, headers, the token against forged forms, and files."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kelviq_server.platform.public_url import PublicUrl, network_of
from kelviq_server.platform.rate_limits import RateLimit
from kelviq_server.platform.vault import current_vault

COOKIE: Final = "kelviq_page"
TOKEN_FIELD: Final = "csrf_token"  # noqa: S105 - the name of a field
# Of all pages together, from one address: nobody types cards faster, unless they look for one that works.
PAYMENTS: Final = RateLimit(1, 20)
# What a form of ours comes to at the most.
MAX_FORM_BYTES: Final = 64 * 1024
_FOLDER: Final = Path(__file__).parent
_ASSETS: Final = {
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "checkout.js": "text/javascript; charset=utf-8",
}
_FAULTS: Final = {
    400: ("This does not work", "Ask whoever sent you here."),
    403: ("This page is out of date", "Go back, load the page anew, and try again."),
    404: ("There is nothing here", "Check the address, or ask whoever sent you here."),
    413: ("This is too much", "What was sent is larger than what the page asks for."),
    429: ("Too many attempts", "Wait a minute, and try again."),
}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_templates = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)

_public_url = PublicUrl(None, [])


def use_public_url(public_url: PublicUrl) -> None:
    """Let pages of this process know under which address they are reached."""
    global _public_url
    _public_url = public_url


def page(request: Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return a page. Its forms lead to pages of ours alone."""
    nonce = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
    text = _templates.get_template(template).render(
        {"asset": _asset, "csrf_token": _token(nonce, request.url.path), "token_field": TOKEN_FIELD, **values}
    )
    response = Response(text, status, media_type="text/html", headers=_HEADERS)
    if COOKIE not in request.cookies:
        response.set_cookie(COOKIE, nonce, httponly=True, samesite="lax", secure=is_secure(request))
    return response


def see(address: str) -> Response:
    """Return that the answer to a form stands elsewhere, to be fetched anew: a reload then posts nothing twice."""
    return Response(status_code=303, headers={"Location": _escaped(address), **_HEADERS})


def onward(address: str) -> str:
    """Return the `refresh` of a page that goes on to an address at once, elsewhere too, and without JavaScript.

    A form whose answer leads elsewhere by redirects would be stopped by browsers that hold each of them against
    `form-action`: nobody knows where an address of the merchant's leads in the end.
    """
    return f"0;url={_escaped(address)}"


def _escaped(address: str) -> str:
    """Escape what a header cannot hold, as browsers do; what is escaped already stays."""
    return quote(address, safe=":/%#?=@[]!$&'()*+,;~")


async def form_of(request: Request) -> dict[str, str]:
    """Return the texts of a form that one of our own pages sent; raises HTTPException (403, 413) otherwise."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM_BYTES:
        raise HTTPException(413)
    form = await request.form(max_files=0, max_fields=200)
    texts = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    nonce, sent = request.cookies.get(COOKIE, ""), texts.pop(TOKEN_FIELD, "")
    if not nonce or not hmac.compare_digest(sent.encode(), _token(nonce, request.url.path).encode()):
        raise HTTPException(403)
    # What no text of ours holds, and the database could not even take.
    return {name: value.replace("\x00", "").strip() for name, value in texts.items()}


def fault(
    request: Request,
    status: int,
    text: Sequence[str] = (),
    link: tuple[str, str] | None = None,
    heading: str | None = None,
) -> Response:
    """Return a page that says why there is no other, and where to go on, if anywhere."""
    common, usual = _FAULTS.get(status, _FAULTS[400])
    heading = heading or common
    values = {
        "title": heading, "heading": heading, "text": text or [usual], "kind": "bad", "facts": [], "link": link,
        "seller": None, "seller_email": None, "is_sandbox": False,
    }  # fmt: skip
    response = page(request, "look/state.html", values, status=status)
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response


def guarded(view: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a view whose refusals are pages, too."""

    async def answer(request: Request) -> Response:
        try:
            return await view(request)
        except HTTPException as refusal:
            return fault(request, refusal.status_code)

    return answer


async def limit(request: Request, rate: RateLimit, what: str) -> None:
    """Count that somebody does something that costs us; raises HTTPException (429) for too much from one address."""
    if await rate.take(f"{what} {network_of(client_of(request))}"):
        raise HTTPException(429)


def client_of(request: Request) -> str:
    """Return the address that a request comes from."""
    return _public_url.client_of(request)


def address_of(request: Request) -> str:
    """Return the address under which the request reached us, without a closing slash."""
    return _public_url.of(request)


def asset_routes() -> list[Route]:
    """Return the routes of the files that pages refer to; nothing else of the folder is reachable."""
    return [Route("/pages/{digest}/{name}", _serve_asset)]


def _token(nonce: str, path: str) -> str:
    """Return what a form on a page, or below it, is known by."""
    subject = "/".join(path.split("/")[:3])
    key = current_vault().derive("forged forms")
    return hmac.new(key, f"{nonce} {subject}".encode(), hashlib.sha256).hexdigest()


def is_secure(request: Request) -> bool:
    """Say whether a cookie may be kept for encrypted connections alone."""
    return _public_url.of(request).startswith("https:")


@lru_cache
def _read(name: str) -> tuple[bytes, str]:
    content = (_FOLDER / "look" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


def _asset(name: str) -> str:
    """Return the address of a file, another one for other contents."""
    return f"/pages/{_read(name)[1]}/{name}"


def _serve_asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS or _read(name)[1] != request.path_params["digest"]:
        raise HTTPException(404)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Type": _ASSETS[name],
        "X-Content-Type-Options": "nosniff",
    }
    return Response(_read(name)[0], headers=headers)
