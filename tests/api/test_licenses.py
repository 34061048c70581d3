"""A purchase comes with a licence key, which is active on as many machines as it may be, for as long as it holds."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api import catalog, licenses, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.statements import counting

MONTH = {"enabled": True, "hasExpiry": True, "durationUnit": "MONTH", "durationValue": 1}


async def test_whoever_buys_has_a_key_in_the_first_answer(api: Client) -> None:
    await subs.freeze(api)
    await licenses.once(api)
    await money.customer(api)
    charge = await money.charged(api)
    [issued] = charge["license"]
    assert issued["licenseKey"].startswith("LIC-")
    assert str(UUID(issued["licenseKey"].removeprefix("LIC-"))).upper() == issued["licenseKey"].removeprefix("LIC-")
    assert issued == {
        "id": issued["id"], "licenseKey": issued["licenseKey"], "activatedOn": None,
        "expiresOn": "2032-01-31T09:30:00.000000Z", "activationUsage": 0, "activationLimit": 3, "enabled": True,
    }  # fmt: skip
    assert (await money.order_of(api, charge))["license"] == [issued]
    [listed] = (await api.get("/licenses/", params={"customer_id": "ada"})).json()["results"]
    assert listed["licenseKey"] == issued["licenseKey"]
    assert (await api.get("/licenses/", params={"license_key": "LIC-other"})).json()["count"] == 0
    told = await subs.told(api, "license.created")
    assert [data["object"]["license_key"] for _, data in told] == [issued["licenseKey"]]


async def test_each_purchase_has_a_key_of_its_own_and_none_without_a_licence(api: Client) -> None:
    await licenses.once(api)
    await money.once(api, "plain")
    await money.customer(api)
    keys = {(await money.charged(api))["license"][0]["licenseKey"] for _ in range(2)}
    assert len(keys) == 2
    assert (await money.charged(api, "plain"))["license"] == []


async def test_a_subscription_shows_its_key_and_without_a_limit_a_number(api: Client) -> None:
    await licenses.monthly(api)
    await money.customer(api)
    subscription = await subs.subscribed(api)
    [issued] = subscription["license"]
    assert (issued["activationLimit"], issued["expiresOn"]) == (2147483647, None)
    assert (await subs.shown(api, subscription))["license"] == [issued]
    assert (await subs.orders(api))[0]["license"] == [issued]


async def test_it_is_activated_validated_and_deactivated(api: Client) -> None:
    issued = await licenses.bought(api)
    assert await licenses.code(api, issued) == "NOT_ACTIVATED"
    macs = {"os": "macOS", "deep": {"snake_case": [1]}}
    active = await licenses.activate(
        api, issued, instanceName="Geo's Workstation", metadata=macs, customerId="ada"
    )  # fmt: skip
    assert (active["activatedAt"], active["expiresOn"]) == ("2031-01-31T09:30:00.000000Z", issued["expiresOn"])
    license = active["license"]
    assert (license["activationUsage"], license["activatedOn"]) == (1, "2031-01-31T09:30:00.000000Z")
    assert license["customer"] == {"customerId": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}
    assert (license["plan"]["identifier"], license["plan"]["version"], license["plan"]["isLatest"]) == (
        "lifetime", 1, True,
    )  # fmt: skip
    assert license["subscription"]["billingType"] == "ONE_TIME"
    valid = await licenses.validate(api, issued, active)
    assert (valid["valid"], valid["code"], valid["detail"]) == (True, "VALID", "Instance ID valid for this license.")
    assert (valid["metadata"], valid["license"]) == (macs, license)
    assert (await licenses.validate(api, issued))["detail"] == "License key valid."
    gone = await api.post(
        "/license/deactivate/", {"license_key": issued["licenseKey"], "instance_id": active["instanceId"]}
    )
    assert gone.json() == {
        "message": "License instance deactivated successfully.", "deactivatedAt": "2031-01-31T09:30:00.000000Z",
    }  # fmt: skip
    assert await licenses.code(api, issued, active) == "INSTANCE_NOT_FOUND"
    assert await licenses.code(api, issued) == "NOT_ACTIVATED"
    told = await subs.told(api, "license.activated", "license.deactivated")
    assert [(kind, data["object"]["activation_usage"]) for kind, data in told] == [
        ("license.activated", 1), ("license.deactivated", 0),
    ]  # fmt: skip
    assert told[0][1]["object"]["instance"]["metadata"] == macs


async def test_what_is_wrong_is_said_as_published(api: Client) -> None:
    issued = await licenses.bought(api, {**licenses.THREE_FOR_A_YEAR, "activationLimit": 1})
    key = issued["licenseKey"]
    assert await licenses.refused(api, "/license/activate/", {}) == (400, {"licenseKey": ["This field is required."]})
    for body in ({"licenseKey": "LIC-other"}, {"licenseKey": key, "customerId": "bo"}):
        unknown = (404, {"error": "Invalid license key or customer ID."})
        assert await licenses.refused(api, "/license/activate/", body) == unknown
    unknown = {"valid": False, "code": "INVALID_KEY", "detail": "License key not found.", "metadata": {}}
    assert await licenses.refused(api, "/license/validate/", {"licenseKey": "LIC-other"}) == (404, unknown)
    await licenses.activate(api, issued)
    reached = (403, {"error": "Activation limit reached (1/1)."})
    assert await licenses.refused(api, "/license/activate/", {"licenseKey": key}) == reached
    nowhere = {"licenseKey": key, "instanceId": str(uuid4())}
    status, body = await licenses.refused(api, "/license/validate/", nowhere)
    assert (status, body["code"], body["detail"]) == (
        404,
        "INSTANCE_NOT_FOUND",
        "Instance ID invalid for this license.",
    )
    unknown = (404, {"error": "Invalid license key or instance ID."})
    assert await licenses.refused(api, "/license/deactivate/", nowhere) == unknown
    missing = {name: ["This field is required."] for name in ("licenseKey", "instanceId")}
    assert await licenses.refused(api, "/license/deactivate/", {}) == (400, missing)
    await subs.advance(api, "2032-01-31T09:30:00Z")
    expired = (403, {"error": "This license has expired."})
    assert await licenses.refused(api, "/license/activate/", {"licenseKey": key}) == expired
    assert await licenses.code(api, issued) == "EXPIRED"


async def test_of_many_activations_at_once_as_many_succeed_as_may(api: Client) -> None:
    issued = await licenses.bought(api, {**licenses.THREE_FOR_A_YEAR, "activationLimit": 5})
    body = {"licenseKey": issued["licenseKey"]}
    answers = await asyncio.gather(*(api.post("/license/activate/", body) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [403] * 15
    whole = await licenses.shown(api, issued)
    made = {answer.json()["instanceId"] for answer in answers if answer.status_code == 201}
    assert (whole["activationUsage"], {each["instanceId"] for each in whole["instances"]}) == (5, made)


async def test_deactivations_at_once_free_one_place_each(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    body = {"licenseKey": issued["licenseKey"], "instanceId": active["instanceId"]}
    answers = await asyncio.gather(*(api.post("/license/deactivate/", body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 4
    assert (await licenses.shown(api, issued))["activationUsage"] == 0


async def test_validation_is_one_statement_and_says_when_a_machine_was_seen(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    await subs.advance(api, "2031-02-01T00:00:00Z")
    async with counting() as ran:
        assert await licenses.code(api, issued, active) == "VALID"
        assert len(ran) == 1, ran
    [seen] = (await licenses.shown(api, issued))["instances"]
    assert seen["lastSeenAt"] == "2031-02-01T00:00:00.000000Z"


async def test_each_renewal_makes_the_expiry_later_and_the_end_ends_it(api: Client) -> None:
    await subs.freeze(api)
    await licenses.monthly(api, license=MONTH)
    await money.customer(api)
    subscription = await subs.subscribed(api)
    [issued] = subscription["license"]
    active = await licenses.activate(api, issued)
    ends = []
    for month in ("2031-02-28", "2031-03-31", "2031-04-30"):
        ends.append((await licenses.shown(api, issued))["expiresOn"][:10])
        await subs.advance(api, f"{month}T09:30:00Z")
        assert await licenses.code(api, issued, active) == "VALID"
    assert ends == ["2031-02-28", "2031-03-31", "2031-04-30"]
    await subs.cancelled(api, subscription, "CURRENT_PERIOD_ENDS")
    assert await licenses.code(api, issued, active) == "VALID"
    await subs.advance(api, "2031-05-31T09:30:00Z")
    assert await licenses.code(api, issued, active) == "EXPIRED"


async def test_it_goes_with_the_subscription_though_it_would_never_expire(api: Client) -> None:
    await subs.freeze(api)
    await licenses.monthly(api)
    await money.customer(api)
    subscription = await subs.subscribed(api)
    [issued] = subscription["license"]
    await licenses.activate(api, issued)
    await subs.cancelled(api, subscription)
    assert await licenses.code(api, issued) == "EXPIRED"


async def test_another_plan_keeps_the_key_and_brings_its_own_limit(api: Client) -> None:
    await subs.freeze(api)
    product = (await catalog.product(api))["id"]
    await licenses.monthly(api, "pro", licenses.THREE_FOR_A_YEAR, product)
    await licenses.monthly(api, "team", {**licenses.THREE_FOR_A_YEAR, "activationLimit": 10}, product, 200)
    await subs.recurring(api, "plain", product_id=product)
    await money.customer(api)
    pro = await subs.subscribed(api)
    team = await subs.updated(api, pro, "team")
    [issued], [changed] = pro["license"], team["license"]
    assert changed == issued | {"activationLimit": 10}
    plain = await subs.updated(api, team, "plain")
    assert await licenses.code(api, issued) == "EXPIRED"
    back = await subs.updated(api, plain, "pro")
    assert back["license"] == [issued]


async def test_a_merchant_changes_limit_and_expiry_and_the_plan_does_not_change_them_back(api: Client) -> None:
    await subs.freeze(api)
    product = (await catalog.product(api))["id"]
    await licenses.monthly(api, "pro", licenses.THREE_FOR_A_YEAR, product)
    await licenses.monthly(api, "team", licenses.THREE_FOR_A_YEAR, product, 200)
    await money.customer(api)
    pro = await subs.subscribed(api)
    [issued] = pro["license"]
    path = f"/licenses/{issued['id']}/"
    changed = (await api.patch(path, {"activationLimit": 7, "expiresOn": "2040-01-01T00:00:00Z"})).json()
    assert (changed["activationLimit"], changed["expiresOn"]) == (7, "2040-01-01T00:00:00.000000Z")
    [after] = (await subs.updated(api, pro, "team"))["license"]
    assert (after["activationLimit"], after["expiresOn"]) == (7, "2040-01-01T00:00:00.000000Z")
    never = (await api.patch(path, {"activationLimit": None, "expiresOn": None})).json()
    assert (never["activationLimit"], never["expiresOn"]) == (2147483647, None)
    assert (await api.patch(path, {"activationLimit": 0})).status_code == 400
    assert len(await subs.told(api, "license.updated")) == 3


async def test_an_expiry_that_was_set_is_later_once_another_period_is_paid(api: Client) -> None:
    await subs.freeze(api)
    await licenses.monthly(api, "pro", MONTH)
    await money.customer(api)
    pro = await subs.subscribed(api)
    [issued] = pro["license"]
    await api.patch(f"/licenses/{issued['id']}/", {"expiresOn": "2031-03-05T00:00:00Z"})
    await api.patch("/catalog/plans/pro/", {"name": "Pro 2"})
    await catalog.publish(api, "pro", updateFeatures=True)
    assert (await licenses.shown(api, issued))["expiresOn"][:10] == "2031-03-05"
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert (await licenses.shown(api, issued))["expiresOn"][:10] == "2031-03-31"


async def test_what_becomes_a_one_time_purchase_counts_from_then(api: Client) -> None:
    await subs.freeze(api)
    product = (await catalog.product(api))["id"]
    await licenses.monthly(api, "pro", product_id=product)
    await catalog.plan(api, "lifetime", product, license=licenses.THREE_FOR_A_YEAR)
    await catalog.set_prices(api, "lifetime", catalog.price(catalog.entry(catalog.charge("ONE_TIME", 490))))
    await catalog.publish(api, "lifetime")
    await money.customer(api)
    pro = await subs.subscribed(api)
    await subs.advance(api, "2031-06-10T00:00:00Z")
    [issued] = (await subs.updated(api, pro, "lifetime", "ONE_TIME"))["license"]
    assert issued["expiresOn"] == "2032-06-10T00:00:00.000000Z"


async def test_a_plan_without_a_licence_ends_it_once(api: Client) -> None:
    await subs.freeze(api)
    product = (await catalog.product(api))["id"]
    await licenses.monthly(api, "pro", MONTH, product)
    await subs.recurring(api, "plain", product_id=product)
    await money.customer(api)
    pro = await subs.subscribed(api)
    [issued] = pro["license"]
    plain = await subs.updated(api, pro, "plain")
    told = len(await subs.told(api, "license.updated"))
    ended = await licenses.shown(api, issued)
    await subs.advance(api, "2031-04-30T09:30:00Z")
    await subs.cancelled(api, plain)
    assert await licenses.shown(api, issued) == ended
    assert len(await subs.told(api, "license.updated")) == told


async def test_a_new_key_takes_the_place_of_the_old_one_everywhere(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    renewed = (await api.post(f"/licenses/{issued['id']}/regenerate/")).json()
    assert (renewed["id"], renewed["activationUsage"]) == (issued["id"], 0)
    assert await licenses.code(api, issued) == "INVALID_KEY"
    assert await licenses.code(api, renewed, active) == "INSTANCE_NOT_FOUND"
    await licenses.activate(api, renewed)


async def test_a_disabled_licence_is_so_for_good(api: Client) -> None:
    issued = await licenses.bought(api)
    active = await licenses.activate(api, issued)
    path = f"/licenses/{issued['id']}/"
    for _ in range(2):
        assert (await api.post(path + "disable/")).json()["enabled"] is False
    assert await licenses.code(api, issued, active) == "DISABLED"
    body = {"licenseKey": issued["licenseKey"]}
    assert await licenses.refused(api, "/license/activate/", body) == (403, {"error": "This license is disabled."})
    assert (await api.post(path + "regenerate/")).status_code == 400
    assert (await api.patch(path, {"activationLimit": 9})).status_code == 400
    assert len(await subs.told(api, "license.updated")) == 1


async def test_a_machine_is_revoked(api: Client) -> None:
    issued = await licenses.bought(api, {**licenses.THREE_FOR_A_YEAR, "activationLimit": 1})
    active = await licenses.activate(api, issued)
    path = f"/licenses/{issued['id']}/instances/{active['instanceId']}/"
    assert [(await api.delete(path)).status_code for _ in range(2)] == [204, 404]
    await licenses.activate(api, issued)


async def test_whoever_is_archived_has_no_licence(api: Client) -> None:
    issued = await licenses.bought(api)
    await licenses.activate(api, issued)
    assert (await api.delete("/customers/ada/")).status_code == 204
    assert await licenses.code(api, issued) == "DISABLED"


@pytest.mark.parametrize("metadata", [{"a": "x" * 70_000}, [], "text"])
async def test_metadata_is_an_object_of_a_good_size(api: Client, metadata: Any) -> None:
    status, body = await licenses.refused(api, "/license/activate/", {"licenseKey": "LIC", "metadata": metadata})
    assert (status, list(body)) == (400, ["metadata"])
