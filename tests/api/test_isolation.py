"""Nobody reaches anything of another tenant, by whatever id, through whatever route."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from starlette.applications import Starlette

from kelviq_server.app import operations
from kelviq_server.partner.actions.create_partner import create_partner
from kelviq_server.platform.operations import Access, Operation
from tests import make
from tests.api.conftest import Client, client_for, client_with
from tests.api.ids import (
    ORDER,
    PLAN,
    PRODUCT,
    Ids,
    catalog_ids,
    customer_ids,
    entitlement_ids,
    ids_of,
    license_ids,
    money_ids,
    promotion_ids,
    webhook_ids,
)
from tests.make import Made

# A body that the operation takes, for those that want one.
BODIES: dict[str, dict[str, Any]] = {
    "updateSubscription": {"planIdentifier": "pro", "chargePeriod": "MONTHLY"},
    "previewSubscriptionUpdate": {"planIdentifier": "pro", "chargePeriod": "MONTHLY"},
    "cancelSubscription": {"cancellationType": "IMMEDIATE"},
    "updateCustomer": {"name": "Mallory"},
    "setEntitlementOverride": {"value": True, "reason": "I am Mallory"},
    "resetEntitlementUsage": {},
    "updateCatalogProduct": {"name": "Mallory"},
    "updateCatalogProductSettings": {"vpn": False},
    "updateCatalogProductImage": {"name": "Mallory"},
    "updateCatalogFeature": {"name": "Mallory"},
    "updateCatalogPlan": {"name": "Mallory"},
    "publishCatalogPlan": {},
    "restoreCatalogPlan": {"version": 1},
    "bulkSetCatalogPlanPrices": {"prices": []},
    "addCatalogPlanFeatures": {"planEntitlements": []},
    "replaceCatalogPlanFeatures": {"planEntitlements": []},
    "updateCatalogPlanFeature": {"details": {"value": False}},
    "updateCatalogPlanFile": {"name": "Mallory"},
    "updateDiscount": {"name": "Mallory"},
    "updateWebhookEndpoint": {"enabled": False},
    "replayWebhookEvents": {"start": "2026-01-01T00:00:00Z"},
    "resendWebhookEvent": {},
    "settleReservation": {"value": 1},
    "updateLicense": {"activationLimit": 99},
    "updatePromotion": {"name": "Mallory"},
    "restrictCatalogPlan": {"countries": []},
}


# What anybody may see without a key has no tenant to stay within: only what was made public is found at all.
PUBLIC = {
    "viewMediaFile": "test_media.py: a file that is not public is not found",
    "downloadCatalogPlanFile": "test_catalog_files.py: only under the plan's identifier, and while it is enabled",
}


# What has no id, because a key knows only one such.
NO_LISTS = {
    "retrieveOrganization": "test_organization.py: each environment has its own",
    "retrieveSandboxClock": "test_sandbox_clock.py: each sandbox has its own",
    "getCustomerEntitlements": "test_entitlements.py: a customer of another tenant may do nothing",
    "listCredits": "test_credits.py: a customer of another tenant is not found",
    "retrieveUsage": "below: a customer of another tenant is not found",
    "explainEntitlement": "below: a customer of another tenant is none",
    "listLicenseSigningKeys": "below: each environment has its own",
    "listPromotionGroups": "the same for everybody",
    "getPromotion": "below: a promotion of another tenant is not found",
}


def with_ids() -> list[Operation]:
    return [operation for operation in operations() if "{" in operation.path and operation.id not in PUBLIC]


def parameters(operation: Operation) -> list[str]:
    """Return the operation's path up to each of its parameters."""
    return [operation.path[: match.end()] for match in re.finditer(r"\{\w+\}", operation.path)]


def paths(operation: Operation, ids: Ids) -> Iterator[str]:
    """Yield the operation's path with every combination of these ids in it."""
    names = [prefix.rpartition("/")[2] for prefix in parameters(operation)]
    for values in product(*(ids[prefix] for prefix in parameters(operation))):
        path = operation.path
        for name, value in zip(names, values, strict=True):
            path = path.replace(name, value)
        yield path


def not_found(operation: Operation) -> dict[str, str]:
    """Return what an operation answers where there is nothing with an id, as it is published."""
    if operation.id == "getProductOffering":
        return {"status": "Not found", "message": "Product does not exist"}
    kind = operation.path.split("/")[1]
    return {
        "detail": {"subscriptions": "Subscription not found.", "promotions": "Promotion not found."}.get(
            kind, "Not found."
        )
    }


async def test_every_route_with_an_id_is_walked(made: Made, partner_api: Client) -> None:
    known = await ids_of(made.sandbox, made, partner_api)
    missing = {prefix for operation in with_ids() for prefix in parameters(operation)} - known.keys()
    assert missing == set(), "say how a foreign tenant comes to have such an id"
    assert {operation.id for operation in operations() if operation.access is Access.PUBLIC} == set(PUBLIC)
    unsent = {operation.id for operation in with_ids() if operation.body is not None} - BODIES.keys()
    assert unsent == set(), "say in BODIES what the operation takes"


async def test_an_id_of_another_tenant_is_not_found(
    app: Starlette, api: Client, made: Made, partner_api: Client
) -> None:
    victim = await make.organization()
    stranger = client_with(app, {"X-Kelviq-Partner-Key": await create_partner("Stranger")})
    same_organization = client_for(app, made.keys.production.server.plain)
    foreign = await ids_of(victim.sandbox, victim, partner_api)
    own = await ids_of(made.sandbox, made, partner_api)
    # What the attacker itself has, mixed with what the victim has below it.
    mixed = foreign | {path: own[path] for path in (PLAN, "/catalog/products/{product_pk}", "/customers/{customerId}")}
    for operation in with_ids():
        attempts = [(stranger, foreign)]
        if operation.access is not Access.PARTNER:
            attempts = [(api, foreign), (same_organization, own)]
            if len(parameters(operation)) > 1:
                attempts.append((api, mixed))
        for caller, ids in attempts:
            for path in paths(operation, ids):
                answer = await caller.request(operation.method, path, json=BODIES.get(operation.id))
                assert (answer.status_code, answer.json()) == (404, not_found(operation)), f"{operation.id} {path}"


async def test_a_foreign_id_in_a_body_is_as_good_as_none(api: Client, made: Made) -> None:
    victim = await make.organization()
    theirs, ours = await catalog_ids(victim.sandbox), await catalog_ids(made.sandbox)
    plan, feature = f"/catalog/plans/{ours[PLAN][0]}/", theirs["/catalog/features/{pk}"][0]
    upload = await make.upload(victim.sandbox)
    foreign, own = await webhook_ids(victim.sandbox), await webhook_ids(made.sandbox)
    endpoint = foreign["/webhook/endpoints/{pk}"][0]
    charged = {"feature": feature, "charges": [{"chargePeriod": "MONTHLY", "priceData": {"amount": 1}}]}
    discount = {"name": "x", "type": "PERCENTAGE", "percentage": 10}
    refused = [
        await api.post("/discounts/", {**discount, "restrictions": [{"product": theirs[PRODUCT][0]}]}),
        await api.post(
            "/discounts/", {**discount, "restrictions": [{"product": ours[PRODUCT][0], "plan": theirs[PLAN][0]}]}
        ),
        await api.post("/catalog/plans/", {"name": "Mine", "product": theirs[PRODUCT][0]}),
        await api.post(plan + "features/", {"planEntitlements": [{"feature": feature, "details": {"value": True}}]}),
        await api.request("PUT", plan + "features/", json={"planEntitlements": [], "basePlan": theirs[PLAN][0]}),
        await api.post(plan + "prices/bulk/", {"prices": [{"priceType": "PAID", "chargeCatalogPrice": [charged]}]}),
        await api.post("/catalog/products/", {"name": "x", "taxCode": "saas", "imageKeys": [upload.upload_key]}),
        await api.patch(plan, {"fileKeys": [upload.upload_key]}),
        await api.post(f"/webhook/events/{own['/webhook/events/{pk}'][0]}/resend/", {"endpoint": endpoint}),
        await api.get(f"/webhook/events/?after={foreign['/webhook/events/{pk}'][0]}"),
    ]
    assert [answer.status_code for answer in refused] == [400] * len(refused)


async def test_money_moves_for_ones_own_alone(api: Client, made: Made) -> None:
    victim = await make.organization()
    theirs, ours = await catalog_ids(victim.sandbox), await catalog_ids(made.sandbox)
    foreign = await money_ids(victim.sandbox)
    customer, stranger = await make.customer(made.sandbox), await make.customer(victim.sandbox)
    once = {"chargePeriod": "ONE_TIME"}
    for path, body in (
        ("/charges/", {**once, "planIdentifier": theirs[PLAN][0], "customerId": customer.external_id}),
        ("/charges/", {**once, "planIdentifier": ours[PLAN][0], "customerId": stranger.external_id}),
        ("/payment-methods/", {"customerId": stranger.external_id, "cardNumber": "4242424242424242"}),
        ("/credits/", {"customerId": stranger.external_id, "currencyCode": "USD", "amountUnits": 1}),
    ):
        assert (await api.post(path, body)).status_code == 400, body
    refund = await api.post("/refunds/", {"orderId": foreign[ORDER][0]})
    assert (refund.status_code, refund.json()) == (404, {"detail": "Not found."})
    for query in (f"/payment-methods/?customer_id={stranger.external_id}", f"/invoices/?order_id={foreign[ORDER][0]}"):
        assert (await api.get(query)).json()["results"] == []


async def test_lists_show_only_ones_own(app: Starlette, api: Client, partner_api: Client) -> None:
    victim = await make.organization()
    stranger = client_with(app, {"X-Kelviq-Partner-Key": await create_partner("Stranger")})
    packaged = (await api.get("/tax/rates/")).json()["count"]
    await ids_of(victim.sandbox, victim, partner_api)
    for operation in operations():
        if operation.method == "GET" and "{" not in operation.path and operation.id not in NO_LISTS:
            caller = stranger if operation.access is Access.PARTNER else api
            for query in ("", "?search=s", "?page=last"):
                answer = (await caller.get(operation.path + query)).json()
                if operation.id == "listTaxRates":
                    assert all(rate["packaged"] for rate in answer["results"])
                    assert answer["count"] == packaged
                    continue
                assert answer["results"] == [], operation.id
                # The log is too long to be counted.
                assert answer.get("count", 0) == 0, operation.id


async def test_a_promotion_of_another_tenant_is_not_found(api: Client) -> None:
    victim = await make.organization()
    theirs = await promotion_ids(victim.sandbox, (await catalog_ids(victim.sandbox))[PRODUCT][0])
    answer = await api.get(f"/promotions?promotion_id={theirs['/promotions/manage/{pk}'][0]}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Promotion not found."})


async def test_a_licence_of_another_tenant_is_none(app: Starlette, api: Client, made: Made) -> None:
    victim = await make.organization()
    theirs = client_for(app, victim.keys.sandbox.server.plain)
    ids = await license_ids(victim.sandbox)
    license = (await theirs.get(f"/licenses/{ids['/licenses/{pk}'][0]}/")).json()
    body = {"licenseKey": license["licenseKey"], "instanceId": license["instances"][0]["instanceId"]}
    for path in ("/license/activate/", "/license/validate/", "/license/deactivate/", "/licenses/document/"):
        assert (await api.post(path, body)).status_code == 404, path
    assert (await theirs.get("/licenses/keys/")).json() != (await api.get("/licenses/keys/")).json()


async def test_nobody_is_told_what_a_customer_of_another_tenant_may_do(api: Client) -> None:
    victim = await make.organization()
    theirs = await catalog_ids(victim.sandbox) | await customer_ids(victim.sandbox)
    [feature] = theirs[f"{PLAN}/features/{{feature_id}}"]
    for customer in theirs["/customers/{customerId}"]:
        await entitlement_ids(victim.sandbox, theirs["/customers/{customerId}"][0], feature)
        named = {"customer_id": customer, "feature_id": feature}
        assert (await api.get("/entitlements/", params=named)).json()["entitlements"] == []
        explained = (await api.get("/entitlements/explain/", params=named)).json()
        assert (explained["rule"], explained["override"]) == ("There is no customer with this id.", None)
        assert (await api.get("/usage/", params=named)).status_code == 404
