"""Nobody reaches anything of another tenant, by whatever id, through whatever route."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette

from kelviq_server.app import operations
from kelviq_server.partner.actions.create_partner import create_partner
from kelviq_server.platform.operations import Access, Operation
from tests import make
from tests.api.conftest import Client, client_for, client_with
from tests.make import Made

# What fills a path parameter: for each name, how the victim comes to have one, as every id it has.
Ids = Callable[[Made, Client], Awaitable[list[str]]]


async def customer_ids(victim: Made, partner: Client) -> list[str]:
    customer = await make.customer(victim.sandbox)
    return [customer.external_id, str(customer.id)]


async def organization_ids(victim: Made, partner: Client) -> list[str]:
    body = {"externalId": uuid4().hex, "email": f"{uuid4().hex}@example.com"}
    made = (await partner.post("/partner/organizations/", body)).json()
    return [made["organizationIdentifier"], str(victim.organization.identifier)]


async def external_ids(victim: Made, partner: Client) -> list[str]:
    body = {"externalId": uuid4().hex, "email": f"{uuid4().hex}@example.com"}
    return [(await partner.post("/partner/organizations/", body)).json()["partnerExternalId"]]


IDS: dict[str, Ids] = {
    "customerId": customer_ids,
    "identifier": organization_ids,
    "externalId": external_ids,
}
# A body that the operation takes, for those that want one.
BODIES: dict[str, dict[str, Any]] = {"updateCustomer": {"name": "Mallory"}}


# What anybody may see without a key has no tenant to stay within: only what was made public is found at all.
PUBLIC = {"viewMediaFile": "test_media.py: a file that is not public is not found"}


def with_ids() -> list[Operation]:
    return [operation for operation in operations() if "{" in operation.path and operation.id not in PUBLIC]


def parameter(operation: Operation) -> str:
    return operation.path.split("{")[1].split("}")[0]


def test_every_route_with_an_id_is_walked() -> None:
    missing = {f"{operation.method} {operation.path}" for operation in with_ids() if parameter(operation) not in IDS}
    assert missing == set(), "say in IDS how a foreign tenant comes to have such an id"
    assert {operation.id for operation in operations() if operation.access is Access.PUBLIC} == set(PUBLIC)
    unsent = {operation.id for operation in with_ids() if operation.body is not None} - BODIES.keys()
    assert unsent == set(), "say in BODIES what the operation takes"


async def test_an_id_of_another_tenant_is_not_found(
    app: Starlette, api: Client, made: Made, partner_api: Client
) -> None:
    victim = await make.organization()
    stranger = client_with(app, {"X-Kelviq-Partner-Key": await create_partner("Stranger")})
    same_organization = client_for(app, made.keys.production.server.plain)
    own = await customer_ids(made, partner_api)
    for operation in with_ids():
        name = parameter(operation)
        callers = [stranger] if operation.access is Access.PARTNER else [api]
        foreign = await IDS[name](victim, partner_api)
        for caller, ids in [(callers[0], foreign), *([(same_organization, own)] if callers[0] is api else [])]:
            for id in ids:
                path = operation.path.replace(f"{{{name}}}", id)
                answer = await caller.request(operation.method, path, json=BODIES.get(operation.id))
                assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."}), f"{operation.id} {id}"


async def test_lists_show_only_ones_own(app: Starlette, api: Client, partner_api: Client) -> None:
    victim = await make.organization()
    await customer_ids(victim, partner_api)
    await external_ids(victim, partner_api)
    stranger = client_with(app, {"X-Kelviq-Partner-Key": await create_partner("Stranger")})
    for operation in operations():
        if operation.method == "GET" and "{" not in operation.path:
            caller = stranger if operation.access is Access.PARTNER else api
            for query in ("", "?search=customer", "?page=last"):
                assert (await caller.get(operation.path + query)).json()["count"] == 0, operation.id
