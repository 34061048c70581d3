"""How every page is rendered: templates, headers, refusals, and files."""

import hashlib
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

# Of all pages together, from one address: nobody types cards faster, unless they look for one that works.
PAYMENTS: Final = RateLimit(1, 20)
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


class Refused(HTTPException):
    """A page is refused, for a reason of its own."""

    def __init__(self, status: int, heading: str, text: str) -> None:
        super().__init__(status, text)
        self.heading = heading


def page(template: str, values: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return a page; one with forms by `forms.form_page`."""
    text = _templates.get_template(template).render({"asset": _asset, **values})
    return Response(text, status, media_type="text/html", headers=_HEADERS)


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


def fault(
    status: int, text: Sequence[str] = (), link: tuple[str, str] | None = None, heading: str | None = None
) -> Response:
    """Return a page that says why there is no other, and where to go on, if anywhere."""
    common, usual = _FAULTS.get(status, _FAULTS[400])
    heading = heading or common
    values = {
        "title": heading, "heading": heading, "text": text or [usual], "kind": "bad", "facts": [], "link": link,
        "seller": None, "seller_email": None, "is_sandbox": False,
    }  # fmt: skip
    response = page("look/state.html", values, status=status)
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response


def guarded(view: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a view whose refusals are pages, too."""

    async def answer(request: Request) -> Response:
        try:
            return await view(request)
        except Refused as refusal:
            return fault(refusal.status_code, [refusal.detail], heading=refusal.heading)
        except HTTPException as refusal:
            return fault(refusal.status_code)

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
