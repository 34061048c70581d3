"""Partners provision organizations and read back their own, nobody else's."""

import asyncio
import re
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette

from kelviq_server.partner import store
from kelviq_server.partner.actions.create_partner import create_partner
from kelviq_server.partner.actions.revoke_partner import revoke_partner
from kelviq_server.partner.steps import list_partners
from kelviq_server.platform.database import INSTANCE, reading
from tests import make
from tests.api.conftest import Client, client_for, client_with

PATH = "/partner/organizations/"


def wish(**fields: Any) -> dict[str, Any]:
    unique = uuid4().hex
    return {
        "externalId": f"acme-{unique}",
        "email": f"{unique}@acme.example.com",
        "businessName": "Acme Corp",
        **fields,
    }


async def test_an_organization_is_provisioned_whole(app: Starlette, partner_api: Client) -> None:
    body = wish()
    answer = await partner_api.post(PATH, body)
    made = answer.json()
    assert answer.status_code == 201
    assert made["partnerExternalId"] == body["externalId"]
    assert re.fullmatch(r"acme-corp(-\d+)?", made["organizationSlug"])
    assert isinstance(made["userId"], int)
    assert re.fullmatch("sk_live_[A-Za-z0-9]{40}", made["serverKey"])
    assert re.fullmatch("ck_live_[A-Za-z0-9]{40}", made["clientKey"])
    assert (await client_for(app, made["serverKey"]).get("/customers/")).json()["count"] == 0
    assert (await client_for(app, made["clientKey"]).get("/customers/")).status_code == 403


async def test_what_was_provisioned_reads_the_same_everywhere(partner_api: Client) -> None:
    made = (await partner_api.post(PATH, wish())).json()
    assert (await partner_api.get(f"{PATH}{made['organizationIdentifier']}/")).json() == made
    assert (await partner_api.get(f"{PATH}by-external-id/{made['partnerExternalId']}/")).json() == made
    assert (await partner_api.get(PATH)).json() == {"count": 1, "next": None, "previous": None, "results": [made]}
    filtered = await partner_api.get(PATH, params={"external_id": made["partnerExternalId"]})
    assert filtered.json()["results"] == [made]
    assert (await partner_api.get(PATH, params={"external_id": "other"})).json()["count"] == 0


async def test_a_known_email_is_a_conflict_whatever_its_case(partner_api: Client) -> None:
    body = wish()
    await partner_api.post(PATH, body)
    answer = await partner_api.post(PATH, wish(email=body["email"].upper()))
    assert (answer.status_code, answer.json()) == (409, {"detail": "An account with this email already exists."})
    assert (await partner_api.get(PATH)).json()["count"] == 1


async def test_a_known_external_id_is_refused(partner_api: Client) -> None:
    body = wish()
    await partner_api.post(PATH, body)
    answer = await partner_api.post(PATH, wish(externalId=body["externalId"]))
    assert answer.status_code == 400
    assert list(answer.json()) == ["externalId"]


async def test_of_two_at_once_one_is_made(partner_api: Client) -> None:
    same_id, same_email = wish(), wish()
    rivals = [wish(externalId=same_id["externalId"]) for _ in range(5)]
    answers = await asyncio.gather(*(partner_api.post(PATH, body) for body in rivals))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]
    rivals = [wish(email=same_email["email"]) for _ in range(5)]
    answers = await asyncio.gather(*(partner_api.post(PATH, body) for body in rivals))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert (await partner_api.get(PATH)).json()["count"] == 2


async def test_two_organizations_of_one_name_have_two_slugs(partner_api: Client) -> None:
    name = f"Twin {uuid4().hex[:8]}"
    answers = [await partner_api.post(PATH, wish(businessName=name)) for _ in range(3)]
    slug = name.lower().replace(" ", "-")
    assert [answer.json()["organizationSlug"] for answer in answers] == [slug, f"{slug}-2", f"{slug}-3"]


async def test_without_a_business_name_the_external_id_names_it(partner_api: Client) -> None:
    body = wish()
    del body["businessName"]
    assert (await partner_api.post(PATH, body)).json()["organizationSlug"] == body["externalId"]


async def test_what_is_wrong_is_named_all_at_once(partner_api: Client) -> None:
    answer = await partner_api.post(PATH, {"external_id": "x" * 129, "email": "no", "business_name": "n" * 201})
    assert answer.status_code == 400
    assert answer.json() == {
        "externalId": ["Ensure this field has no more than 128 characters."],
        "email": ["Enter a valid email address."],
        "businessName": ["Ensure this field has no more than 200 characters."],
    }


async def test_another_partners_organization_is_not_there(app: Starlette, partner_api: Client) -> None:

    made = (await partner_api.post(PATH, wish())).json()
    stranger = client_with(app, {"X-Kelviq-Partner-Key": await create_partner("Stranger")})
    for path in (f"{made['organizationIdentifier']}/", f"by-external-id/{made['partnerExternalId']}/", "nonsense/"):
        answer = await stranger.get(PATH + path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert (await stranger.get(PATH)).json()["count"] == 0


async def test_the_list_has_pages(partner_api: Client) -> None:
    made = [(await partner_api.post(PATH, wish())).json() for _ in range(3)]
    page = (await partner_api.get(PATH, params={"page_size": 2})).json()
    assert (page["count"], page["results"]) == (3, made[:0:-1])
    assert page["next"].endswith("page_size=2&page=2")
    last = (await partner_api.get(PATH, params={"page_size": 2, "page": "last"})).json()
    assert last["results"] == made[:1]
    assert (await partner_api.get(PATH, params={"page_size": 2, "page": 3})).status_code == 404


async def test_keys_are_kept_only_as_far_as_they_must_be(partner_api: Client) -> None:
    made = (await partner_api.post(PATH, wish())).json()
    async with reading(INSTANCE) as tx:
        everything = await tx.value("SELECT string_agg(api_keys::text, ' ') FROM api_keys")
        partners = await tx.value("SELECT string_agg(partners::text, ' ') FROM partners")
    assert made["serverKey"] not in everything
    assert partner_api.http.headers["x-kelviq-partner-key"] not in partners


async def test_the_owner_is_to_be_welcomed(partner_api: Client) -> None:
    body = wish()
    made = (await partner_api.post(PATH, body)).json()
    welcome = [event for event in await make.events(INSTANCE) if event["data"].get("email") == body["email"]]
    assert [event["type"] for event in welcome] == ["organization.provisioned"]
    assert welcome[0]["data"]["organization"] == made["organizationIdentifier"]


async def test_a_name_on_two_lines_becomes_one(partner_api: Client) -> None:
    body = wish(businessName=f"Acme\r\n  {uuid4().hex}\n")
    made = await partner_api.post(PATH, body)
    assert made.status_code == 201
    [name] = [
        event["data"]["name"] for event in await make.events(INSTANCE) if event["data"].get("email") == body["email"]
    ]
    assert name == " ".join(body["businessName"].split())


async def test_a_page_after_the_last_still_knows_how_many_there_are(partner_api: Client) -> None:
    for _ in range(2):
        await partner_api.post(PATH, wish())
    async with reading(INSTANCE) as tx:
        partner_id = await _id_of(partner_api)
        beyond = await store.list_organizations(tx, partner_id, None, 10, 10)
        last = await store.list_organizations(tx, partner_id, None, None, 1)
        none = await store.list_organizations(tx, -1, None, None, 10)
    assert (beyond.count, beyond.organizations) == (2, [])
    assert (last.count, len(last.organizations)) == (2, 1)
    assert (none.count, none.organizations) == (0, [])


async def test_a_revoked_partner_key_opens_nothing_from_then_on(partner_api: Client) -> None:
    assert (await partner_api.get(PATH)).status_code == 200
    partner_id = await _id_of(partner_api)
    assert await revoke_partner(partner_id)
    # The news travels through the database; every process listens.
    while (answer := await partner_api.get(PATH)).status_code == 200:
        pass
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid API key."})
    assert not await revoke_partner(partner_id), "it is revoked already"
    async with reading(INSTANCE) as tx:
        [revoked_at] = [partner.revoked_at for partner in await list_partners(tx) if partner.id == partner_id]
    assert revoked_at is not None


async def _id_of(client: Client) -> int:
    shown = client.http.headers["x-kelviq-partner-key"][:12]
    async with reading(INSTANCE) as tx:
        return next(partner.id for partner in await list_partners(tx) if partner.key_shown == shown)
