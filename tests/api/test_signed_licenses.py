"""An application relies on a licence without a network: it checks a signed document with a public key."""

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kelviq_server.platform.json_body import parse
from tests.api import licenses
from tests.api import subscriptions as subs
from tests.api.conftest import Client


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def checked(document: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the claims of a document, as an application reads it that has these keys built in."""
    head, claims, signature = document.split(".")
    header = parse(decoded(head))
    assert header["alg"] == "EdDSA"
    [key] = [key for key in keys if key["kid"] == header["kid"]]
    Ed25519PublicKey.from_public_bytes(decoded(key["x"])).verify(decoded(signature), f"{head}.{claims}".encode())
    return parse(decoded(claims))


async def signed(api: Client, license: dict[str, Any], instance: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"licenseKey": license["licenseKey"], "instanceId": instance["instanceId"], **fields}
    answer = await api.post("/licenses/document/", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def built_in(api: Client) -> list[dict[str, Any]]:
    return (await api.get("/licenses/keys/")).json()["keys"]


async def test_a_document_says_what_holds_and_until_when(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued, metadata={"os": "macOS"})
    keys = await built_in(api)
    answer = await signed(api, issued, active)
    assert answer["expiresOn"] == "2031-03-02T09:30:00.000000Z"
    claims = checked(answer["document"], keys)
    assert claims == {
        "sub": issued["id"], "iat": 1927618200, "nbf": 1927618200, "exp": 1927618200 + 30 * 86400,
        "licenseKey": issued["licenseKey"], "instanceId": active["instanceId"], "customerId": "ada",
        "plan": "lifetime", "product": "suite", "metadata": {"os": "macOS"},
    }  # fmt: skip


async def test_it_holds_no_longer_than_the_licence(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    assert (await signed(api, issued, active, days=366))["expiresOn"] == issued["expiresOn"]


async def test_what_is_altered_is_noticed(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    head, claims, signature = (await signed(api, issued, active))["document"].split(".")
    altered = claims[:20] + ("A" if claims[20] != "A" else "B") + claims[21:]
    with pytest.raises(InvalidSignature):
        checked(f"{head}.{altered}.{signature}", await built_in(api))


async def test_a_new_key_signs_and_the_old_one_still_checks(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    before = await signed(api, issued, active)
    keys = (await api.post("/licenses/keys/")).json()["keys"]
    after = await signed(api, issued, active)
    assert [before["keyId"], after["keyId"]] == [keys[1]["kid"], keys[0]["kid"]]
    for document in (before, after):
        assert checked(document["document"], keys)["licenseKey"] == issued["licenseKey"]


async def test_a_new_key_waits_until_applications_have_it(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    [now, later] = (await api.post("/licenses/keys/", {"inDays": 30})).json()["keys"]
    assert (await signed(api, issued, active))["keyId"] == now["kid"]
    await subs.advance(api, "2031-03-02T09:30:00Z")
    assert (await signed(api, issued, active))["keyId"] == later["kid"]
    assert await built_in(api) == [later, now]


async def test_nothing_is_signed_of_a_licence_that_does_not_hold(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    body = {"licenseKey": issued["licenseKey"], "instanceId": active["instanceId"]}
    unknown = (404, {"error": "Invalid license key or instance ID."})
    assert await licenses.refused(api, "/licenses/document/", {**body, "licenseKey": "LIC-other"}) == unknown
    assert await licenses.refused(api, "/licenses/document/", {**body, "instanceId": issued["id"]}) == unknown
    assert await licenses.refused(api, "/licenses/document/", {**body, "days": 367}) == (
        400, {"days": ["Ensure this value is less than or equal to 366."]},
    )  # fmt: skip
    await subs.advance(api, "2032-02-01T00:00:00Z")
    expired = (403, {"error": "This license has expired."})
    assert await licenses.refused(api, "/licenses/document/", body) == expired
