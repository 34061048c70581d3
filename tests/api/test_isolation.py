"""Nobody reaches anything of another tenant, by whatever id, through whatever route."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette

from kelviq_server.app import operations
from kelviq_server.billing.charges.actions.create_charge import create_charge
from kelviq_server.billing.charges.records import NewCharge
from kelviq_server.billing.refunds.actions.create_refund import create_refund
from kelviq_server.billing.refunds.records import NewRefund, RefundReason
from kelviq_server.catalog.contents.actions.add_entitlements import add_entitlements
from kelviq_server.catalog.features.actions.create_feature import create_feature
from kelviq_server.catalog.features.records import FeatureType, MeterSetup, MeterSource, NewFeature
from kelviq_server.catalog.plans.actions.create_plan import create_plan
from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.actions.set_prices import set_prices
from kelviq_server.catalog.plans.records import (
    EntitlementDetails,
    License,
    NewEntitlement,
    NewPlan,
    PlanFields,
    Rollout,
)
from kelviq_server.catalog.prices.records import NewPrice, PriceType
from kelviq_server.catalog.products.actions.create_product import create_product
from kelviq_server.catalog.products.records import NewProduct, TaxCode
from kelviq_server.checkout.sessions.actions.create_session import create_session
from kelviq_server.checkout.sessions.records import OpenSession
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.entitlements.actions.set_override import set_override
from kelviq_server.entitlements.records import NewOverride
from kelviq_server.licenses.actions.activate_license import activate_license
from kelviq_server.licenses.records import NewInstance
from kelviq_server.partner.actions.create_partner import create_partner
from kelviq_server.payments.actions.save_method import save_method
from kelviq_server.payments.records import NewCard
from kelviq_server.platform.database import Tenant
from kelviq_server.platform.operations import Access, Operation
from kelviq_server.taxes.actions.add_rate import add_rate
from kelviq_server.taxes.records import NewTaxRate
from kelviq_server.usage.reports.actions.record_report import record_report
from kelviq_server.usage.reports.records import Report
from kelviq_server.usage.reservations.actions.reserve_usage import reserve_usage
from kelviq_server.usage.reservations.records import NewReservation
from kelviq_server.webhooks.deliveries.actions.send_test_event import send_test_event
from kelviq_server.webhooks.endpoints.actions.create_endpoint import create_endpoint
from kelviq_server.webhooks.endpoints.records import NewEndpoint
from tests import make
from tests.api.conftest import Client, client_for, client_with
from tests.make import Made

# The values that a path's parameters have for somebody, as every id each of them has: by the path up to the parameter.
Ids = dict[str, list[str]]
PRODUCT, PLAN = "/catalog/products/{pk}", "/catalog/plans/{identifier}"
METHOD, ORDER = "/payment-methods/{pk}", "/orders/{id}"


async def customer_ids(tenant: Tenant) -> Ids:
    customer = await make.customer(tenant)
    return {"/customers/{customerId}": [customer.external_id, str(customer.id)]}


async def partner_ids(organization: Made, partner: Client) -> Ids:
    body = {"externalId": uuid4().hex, "email": f"{uuid4().hex}@example.com"}
    made = (await partner.post("/partner/organizations/", body)).json()
    return {
        "/partner/organizations/{identifier}": [
            made["organizationIdentifier"], str(organization.organization.identifier)
        ],
        "/partner/organizations/by-external-id/{externalId}": [made["partnerExternalId"]],
    }  # fmt: skip


async def catalog_ids(tenant: Tenant) -> Ids:
    """Make a product with an image, and a published plan with an entitlement and a file."""
    image, file = await make.upload(tenant), await make.upload(tenant, name="terms.pdf")
    suite = await create_product(tenant, NewProduct("Suite", TaxCode.SAAS), [image.upload_key])
    feature = await create_feature(tenant, NewFeature(f"SSO {uuid4().hex}", FeatureType.BOOLEAN))
    name = f"plan-{uuid4().hex}"
    plan = await create_plan(tenant, NewPlan(suite.id, PlanFields("Pro"), name), [file.upload_key])
    await add_entitlements(tenant, name, [NewEntitlement(feature.id, EntitlementDetails(True))])
    await set_prices(tenant, name, [NewPrice(price_type=PriceType.FREE, currency="USD")])
    await publish_plan(tenant, name, Rollout())
    return {
        PRODUCT: [str(suite.id)],
        "/catalog/products/{product_pk}": [str(suite.id)],
        "/catalog/products/{product_pk}/image/{pk}": [str(suite.files[0].id)],
        "/catalog/features/{pk}": [str(feature.id)],
        PLAN: [name],
        f"{PLAN}/features/{{feature_id}}": [feature.identifier],
        f"{PLAN}/file/{{pk}}": [str(plan.files[0].id)],
    }


async def webhook_ids(tenant: Tenant) -> Ids:
    """Make an endpoint, and have it tested: which makes an event and an attempt, too."""
    endpoint, _ = await create_endpoint(tenant, NewEndpoint("https://127.0.0.1:9/", ["*"], "", False))
    attempt = await send_test_event(tenant, endpoint.id)
    return {
        "/webhook/endpoints/{pk}": [str(endpoint.id)],
        "/webhook/events/{pk}": [str(attempt.event_id)],
        "/webhook/logs/{pk}": [str(attempt.id)],
    }


async def tax_ids(tenant: Tenant) -> Ids:
    rate = await add_rate(tenant, NewTaxRate("DE", None, None, Decimal(7), "VAT"))
    return {"/tax/rates/{pk}": [str(rate.id)]}


async def discount_ids(tenant: Tenant) -> Ids:
    discount = await make.discount(tenant)
    return {"/discounts/{pk}": [str(discount.id)]}


async def money_ids(tenant: Tenant) -> Ids:
    """Have a customer pay with a card, and give them a part of it back."""
    plan, product = f"plan-{uuid4().hex}", await create_product(tenant, NewProduct("Suite", TaxCode.SAAS), [])
    await create_plan(tenant, NewPlan(product.id, PlanFields("Once"), plan), [])
    await set_prices(tenant, plan, [NewPrice(price_type=PriceType.CUSTOM, currency="USD")])
    await publish_plan(tenant, plan, Rollout())
    customer = (await make.customer(tenant)).external_id
    card = NewCard("4242424242424242", exp_month=12, exp_year=2099, cvc="123")
    method = await save_method(tenant, customer, card, is_default=True)
    order = (await create_charge(tenant, NewCharge(plan, customer, custom_amount=Decimal(49)))).order
    refund = await create_refund(tenant, NewRefund(order.id, 100, None, RefundReason.OTHER, None, None))
    return {
        METHOD: [str(method.id)],
        ORDER: [order.id],
        "/invoices/{id}": [order.invoice_id],
        "/refunds/{refundId}": [str(refund.id)],
        "/subscriptions/{subscriptionId}": [str(order.subscription_id)],
    }


async def entitlement_ids(tenant: Tenant, customer: str, feature: str) -> Ids:
    """Let something else hold for a customer than what is granted to them."""
    await set_override(tenant, customer, feature, NewOverride(True, "A favour"))
    return {"/customers/{customerId}/entitlements/{featureId}": [feature]}


async def report_ids(tenant: Tenant, customer: str) -> Ids:
    """Report an event under a key of theirs, and another one, which has a key of ours."""
    key = uuid4().hex
    await record_report(tenant, Report(customer, key=key, digest=bytes(16), event_name="login"))
    other = await record_report(tenant, Report(customer, event_name="login"))
    return {"/report/event/{key}": [key, other.id.hex]}


async def checkout_ids(tenant: Tenant) -> Ids:
    """Open a session that could be paid."""
    plan, product = f"plan-{uuid4().hex}", await create_product(tenant, NewProduct("Suite", TaxCode.SAAS), [])
    await create_plan(tenant, NewPlan(product.id, PlanFields("Free"), plan), [])
    await set_prices(tenant, plan, [NewPrice(price_type=PriceType.FREE, currency="USD")])
    await publish_plan(tenant, plan, Rollout())
    session = await create_session(tenant, OpenSession(plan, ChargePeriod.ONE_TIME, is_trusted=True))
    return {"/checkout/sessions/{session_id}": [session.id]}


async def reservation_ids(tenant: Tenant) -> Ids:
    """Hold something of a meter that nothing grants."""
    setup = MeterSetup(MeterSource.PRE_AGGREGATED_USAGE, has_units=True)
    feature = await create_feature(tenant, NewFeature(f"Calls {uuid4().hex}", FeatureType.METER, setup=setup))
    customer = (await make.customer(tenant)).external_id
    reservation = await reserve_usage(tenant, NewReservation(customer, feature.identifier, 1, 60))
    return {"/usage/reservations/{pk}": [str(reservation.id)]}


async def license_ids(tenant: Tenant) -> Ids:
    """Have a customer buy something that comes with a licence, which is active on one machine."""
    plan, product = f"plan-{uuid4().hex}", await create_product(tenant, NewProduct("Suite", TaxCode.SAAS), [])
    await create_plan(tenant, NewPlan(product.id, PlanFields("Once", license=License(enabled=True)), plan), [])
    await set_prices(tenant, plan, [NewPrice(price_type=PriceType.FREE, currency="USD")])
    await publish_plan(tenant, plan, Rollout())
    customer = (await make.customer(tenant)).external_id
    [license] = (await create_charge(tenant, NewCharge(plan, customer))).licenses
    active = await activate_license(tenant, NewInstance(license.key, None, None, "{}"))
    assert active.instance is not None
    return {
        "/licenses/{pk}": [str(license.id)],
        "/licenses/{pk}/instances/{instanceId}": [str(active.instance.id)],
    }


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


async def ids_of(tenant: Tenant, organization: Made, partner: Client) -> Ids:
    found = await customer_ids(tenant) | await partner_ids(organization, partner)
    found |= await catalog_ids(tenant) | await webhook_ids(tenant)
    found |= await tax_ids(tenant) | await discount_ids(tenant) | await money_ids(tenant)
    found |= await checkout_ids(tenant) | await reservation_ids(tenant) | await license_ids(tenant)
    [feature] = found[f"{PLAN}/features/{{feature_id}}"]
    found |= await entitlement_ids(tenant, found["/customers/{customerId}"][0], feature)
    found |= await report_ids(tenant, found["/customers/{customerId}"][0])
    return {prefix: [value for value in values if value] for prefix, values in found.items()}


def not_found(operation: Operation) -> dict[str, str]:
    """Return what an operation answers where there is nothing with an id, as it is published."""
    is_subscription = operation.path.startswith("/subscriptions/")
    return {"detail": "Subscription not found." if is_subscription else "Not found."}


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
