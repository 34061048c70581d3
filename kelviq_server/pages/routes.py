"""All pages, and the files that they refer to."""

from starlette.routing import Route

from kelviq_server.pages.checkout.links import link_routes
from kelviq_server.pages.checkout.routes import checkout_routes
from kelviq_server.pages.embed.routes import embed_routes
from kelviq_server.pages.face import asset_routes, use_public_url
from kelviq_server.pages.payment.routes import payment_routes
from kelviq_server.pages.pictures import picture_routes
from kelviq_server.pages.portal.routes import portal_routes
from kelviq_server.platform.public_url import PublicUrl


def page_routes(public_url: PublicUrl) -> list[Route]:
    """Return the routes of all pages, which are reached under this address."""
    use_public_url(public_url)
    # Pictures first: the path of a file with a digest would fit theirs, too.
    return [
        *picture_routes(), *asset_routes(), *embed_routes(), *payment_routes(), *portal_routes(), *checkout_routes(),
        *link_routes(),
    ]  # fmt: skip
