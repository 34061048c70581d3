"""What somebody has that has an id, and the ids that its paths are made of."""

from decimal import Decimal
from uuid import UUID, uuid4

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
from kelviq_server.payments.actions.save_method import save_method
from kelviq_server.payments.records import NewCard
from kelviq_server.platform.database import Tenant
from kelviq_server.promotions.by_country.actions.create_promotion import create_promotion
from kelviq_server.promotions.discounts.records import NamedRestriction
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
from tests.api.conftest import Client
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
        "/monetization/product-offering/{product_id}": [str(suite.id)],
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


async def promotion_ids(tenant: Tenant, product: str) -> Ids:
    restrictions = [NamedRestriction(UUID(product))]
    promotion = await create_promotion(tenant, {"name": "PPP", "restrictions": restrictions})
    return {"/promotions/manage/{pk}": [str(promotion.id)]}


async def ids_of(tenant: Tenant, organization: Made, partner: Client) -> Ids:
    found = await customer_ids(tenant) | await partner_ids(organization, partner)
    found |= await catalog_ids(tenant) | await webhook_ids(tenant)
    found |= await tax_ids(tenant) | await discount_ids(tenant) | await money_ids(tenant)
    found |= await checkout_ids(tenant) | await reservation_ids(tenant) | await license_ids(tenant)
    found |= await promotion_ids(tenant, found[PRODUCT][0])
    [feature] = found[f"{PLAN}/features/{{feature_id}}"]
    found |= await entitlement_ids(tenant, found["/customers/{customerId}"][0], feature)
    found |= await report_ids(tenant, found["/customers/{customerId}"][0])
    return {prefix: [value for value in values if value] for prefix, values in found.items()}
