"""Links to a product: each visit opens a checkout session and leads to its page."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kelviq_server.checkout.sessions.actions.open_link import open_link
from kelviq_server.core.errors import NotFound, Refusal
from kelviq_server.pages.face import client_of, fault, guarded, limit, see
from kelviq_server.platform.rate_limits import RateLimit
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.tenants.records import EnvironmentName

# From one address: each visit makes a row, and who follows links mechanically makes many.
_VISITS = RateLimit(1, 60)
_DISCOUNT = "discount_code"


def link_routes() -> list[Route]:
    """Return the routes of links, of both environments."""
    prefixes = (("", EnvironmentName.PRODUCTION), ("/sandbox", EnvironmentName.SANDBOX))
    return [
        Route(f"{prefix}/buy/{{product_id}}{end}", guarded(_opening(environment)), methods=["GET"])
        for prefix, environment in prefixes
        for end in ("/", "")
    ]


def _opening(environment: EnvironmentName) -> Callable[[Request], Awaitable[Response]]:
    async def visit(request: Request) -> Response:
        if request.method == "HEAD":
            # Whoever only looks whether there is something buys nothing.
            return Response()
        await limit(request, _VISITS, "link")
        try:
            session = await open_link(
                environment,
                UUID(request.path_params["product_id"]),
                dict(request.query_params),
                ip_address=client_of(request) or None,
                referer=_referer(request),
            )
        except (ValueError, NotFound):
            raise HTTPException(404) from None
        except InvalidFields as faults:
            return fault(400, list(_sentences(faults.errors)))
        except Refusal as refusal:
            return fault(400, [refusal.text], _without_discount(request, refusal))
        return see(f"/checkout/{session.id}/")

    return visit


def _referer(request: Request) -> str | None:
    referer = request.headers.get("referer", "")[:2000]
    return referer if referer.isascii() and referer.isprintable() and referer else None


def _without_discount(request: Request, refusal: Refusal) -> tuple[str, str] | None:
    """Return a way on for whoever was sent with a code that does not hold."""
    if refusal.field != "discountCode" or _DISCOUNT not in request.query_params:
        return None
    others = urlencode([(name, value) for name, value in request.query_params.items() if name != _DISCOUNT])
    return "Go on without the discount", f"{request.url.path}?{others}"


def _sentences(errors: dict[str, Any]) -> Iterator[str]:
    for name, messages in errors.items():
        for message in cast("list[Any]", messages if isinstance(messages, list) else []):
            yield f"{name}: {message}"
