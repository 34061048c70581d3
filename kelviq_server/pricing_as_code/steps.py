"""The door: a catalog is read from a text, and pushed to whatever server a client calls, in process too."""

import httpx

from kelviq_server.pricing_as_code import push
from kelviq_server.pricing_as_code.catalog_file import read_catalog, write_catalog
from kelviq_server.pricing_as_code.difference import Difference, difference
from kelviq_server.pricing_as_code.pull import pull_catalog
from kelviq_server.pricing_as_code.records import Catalog
from kelviq_server.pricing_as_code.server import Server, connect

__all__ = ["Catalog", "connect", "push_catalog", "read_catalog", "write_catalog"]


async def push_catalog(
    client: httpx.AsyncClient,
    wanted: Catalog,
    *,
    publish: bool,
    migrate_features: bool = False,
    migrate_pricing: bool = False,
    tell: push.Tell = lambda line: None,
) -> Difference:
    """Make the server's catalog the wanted one, and return what it lacked. Nobody is asked.

    The client is as `connect` makes it: based at `/api/v1`, with a server key. Raises CatalogFault.
    """
    server = Server(client)
    found = await pull_catalog(server)
    asked = difference(wanted, found)
    await push.apply(server, found, asked, tell)
    if publish:
        await push.publish(
            server, asked.unpublished, tell, migrate_features=migrate_features, migrate_pricing=migrate_pricing
        )
    return asked
