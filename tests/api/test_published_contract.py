"""Our document says what the published ones say: nothing of theirs is missing here, or of another type."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from kelviq_server.app import openapi_document
from kelviq_server.platform.database import transaction
from tests.api.conftest import BASE, Client
from tests.api.contract_comparison import Comparison, Document, operations
from tests.make import Made

SPEC = Path(__file__).parents[2].parent / "shared/spec"

# What we do otherwise, and why. An entry that no longer differs has to go.
VERBATIM = "a caller's own object is kept and returned as it came, whatever its values"
DECIDED = {
    "listCustomers query page_size: type": "anything but a positive number is the default, never a refusal",
    "listCustomers query page: type": "`last` is a page too",
    "BillingAddress.country: enum": "it must be an ISO 3166-1 code",
    "CustomerResponse.metadata.*: type": VERBATIM,
    "CustomerCreateRequest.metadata.*: type": VERBATIM,
    "CustomerUpdateRequest.metadata.*: type": VERBATIM,
}
NULL = "null says no more than leaving it out, and is taken for that"
SPELLING = "its spellings are known, and others refused"
PERIODS = "the periods of the checkout schema, which QUARTERLY is another word for; EVERY_WEEK stands in the guides"
_DETAILS = ("PlanChargeCatalogPrice", "PlanEntitlementDetails")
DECIDED |= {
    f"list{kind} query {name}: type": DECIDED[f"listCustomers query {name}: type"]
    for kind in ("CatalogProducts", "CatalogFeatures", "CatalogPlans", "WebhookEventLogs")
    for name in ("page", "page_size")
}
DECIDED |= {f"{kind}.{name}: nullable": NULL for kind in _DETAILS for name in ("reset", "rollover", "usageAlerts")}
DECIDED |= {
    f"{name}: nullable": NULL
    for name in (
        "PlanCharge.tiers[].flatAmount", "PlanCharge.tiers[].unitAmount", "PlanCreateRequest.ordering",
        "PlanPriceCreateRequest.currency", "ProductSettingsUpdateRequest.productUrl",
    )
}  # fmt: skip
DECIDED |= {
    f"{operation} 204": "DELETE answers 204 without a body"
    for operation in (
        "deleteCatalogFeature", "deleteCatalogPlan", "deleteCatalogPlanFeature", "deleteCatalogProduct",
        "discardCatalogPlanDraft",
    )
}  # fmt: skip
DECIDED |= {f"{kind}.reset: enum": PERIODS for kind in _DETAILS} | {"PlanCharge.chargePeriod: enum": PERIODS}
DECIDED |= {f"{kind}.resetTime: enum": SPELLING for kind in _DETAILS}
DECIDED |= {
    "PlanPriceCreateRequest.currency: enum": "it must be an ISO 4217 code",
    "ProductSettingsUpdateRequest.currency: enum": "it must be an ISO 4217 code",
    "PlanEntitlementDetails.value: type": "published without a type: a boolean or a number, as its description says",
    "PlanEntitlementDetails.value: nullable": "an unlimited meter has no value",
    "PlanCharge.chargePeriod": "a charge without a period is charged never",
    "PlanCharge.tiers[].upTo: nullable": 'answers spell an endless tier "inf", and take null for it',
    "PlanCharge.tiers[].upTo": "a tier without a bound says so with null",
    "PlanLink.name": "the guide on links: each requires both a name and a URL",
    "PlanLink.url": "the guide on links: each requires both a name and a URL",
}
DECIDED |= {
    f"list{kind} query {name}: type": DECIDED[f"listCustomers query {name}: type"]
    for kind in ("Orders", "OrderEvents", "PaymentMethods", "Refunds", "Subscriptions", "Transactions")
    for name in ("page", "page_size")
}
DECIDED |= {
    f"list{kind} query {name}: type": DECIDED[f"listCustomers query {name}: type"]
    for kind in ("CheckoutSessions", "CheckoutSessionEvents")
    for name in ("page", "page_size")
} | {
    "CreateCheckoutSessionRequest.currencyCode: enum": "it must be an ISO 4217 code",
    "CreateCheckoutSessionRequest.defaultBillingCountry: enum": DECIDED["BillingAddress.country: enum"],
    "listCheckoutSessions query status: enum": SPELLING,
}
DECIDED |= {f"RefundCreateRequest.{name}: nullable": NULL for name in ("amount", "amountUnits", "reason")}
DECIDED |= {
    "CreateChargeRequest.currencyCode: enum": "it must be an ISO 4217 code",
    "CreateChargeResponse.features[]: type": "published without a type: which quantities were bought",
    "MorFeeBreakdownComponent.name: enum": "nothing is converted, and no fee is raised to a processor's",
    "PaymentMethodResponse.createdOn: format": "it is an instant, like all others",
    "PaymentMethodResponse.modifiedOn: format": "it is an instant, like all others",
    "listPaymentMethods query customer_email: format": "an address that is none finds nothing",
}
_ONCE = "what is bought once has no billing periods"
DECIDED |= {
    f"{kind}.billingPeriod{end}Time: nullable": _ONCE
    for kind in ("Subscription", "CreateSubscriptionResponse")
    for end in ("Start", "End")
} | {
    "CreateSubscriptionRequest.customerId: nullable": "nobody is not subscribed to anything",
    "CreateSubscriptionResponse.features[]: type": "published without a type: the same as of a subscription",
    "SubscriptionFeatureDetail.featureType: enum": SPELLING,
    "SubscriptionFeatureDetail.featureDetails.units": "a feature's own object; other types than METER have no units",
    "SubscriptionFeatureDetail.value: nullable": "an unlimited meter has no value",
    "UpdateSubscriptionRequest.paymentBehavior: enum": "the one that there is",
    "UpdateSubscriptionResponse.subscriptionId: format": "all ids of subscriptions are UUIDs",
}
DECIDED |= {
    "ProductPlan.basePlan: type": "published without a type: an identifier, as of plans",
    "ProductPlan.features[]: type": "published without a type: what the plan grants",
    "Charge.chargePeriod: enum": "published without its values",
    "Charge.tiers[]: type": "published without a type: the same as of plans",
    "Charge.featureQuantityPrice: nullable": "tiers have no price of a smallest quantity",
}
_THERE = "a licence has it, and the clients insist on it"
DECIDED |= {
    f"SubscriptionLicense.{name}: nullable": _THERE
    for name in ("id", "licenseKey", "activationUsage", "activationLimit", "enabled")
} | {
    "LicenseActivation.customerId: nullable": NULL,
    "LicenseActivation.instanceName: nullable": NULL,
    "LicenseValidate.instanceId: nullable": NULL,
    "LicenseDetails.customer.name: nullable": "a customer need not have one",
    "LicenseDetails.customer.email: nullable": "a customer need not have one",
    "LicenseDetails.subscription.status: nullable": "every purchase has one",
    "LicenseDetails.subscription.amount: nullable": "every purchase has one",
    "LicenseDetails.subscription.currency: nullable": "every purchase has one",
    "LicenseValidationResponse.code: enum": "published without its values; the contract spells them",
}
# What the official clients call although it is not published; the contract's list of surfaces has each.
OURS = {
    "GET /customers/{customerId}/",
    "DELETE /customers/{customerId}/",
    "PATCH /catalog/features/{pk}/",
    "PUT /catalog/plans/{identifier}/features/",
    "GET /catalog/plans/{identifier}/versions/",
}

# What nobody published and no client calls by itself, and why it is there.
OURS |= {"POST /report/event/"}
DECIDED |= {
    "EntitlementDetail.featureType: enum": "published without its values; the contract spells them",
    "EntitlementDetail.resetAt: nullable": "what never begins again has no such instant",
}
BEYOND = {
    "GET /media/{id}/{fileName}": "the address of a product's image has to last, and a signed one does not",
    "POST /catalog/plans/{identifier}/restore/": "the dashboard restores published versions and archived plans",
}
_DETAILS_OF_ITS_OWN = "the hosted product has it in its dashboard, or as the seller of everything"
BEYOND |= {
    "GET /organization/": _DETAILS_OF_ITS_OWN,
    "PATCH /organization/": _DETAILS_OF_ITS_OWN,
    "GET /tax/rates/": _DETAILS_OF_ITS_OWN,
    "POST /tax/rates/": _DETAILS_OF_ITS_OWN,
    "GET /tax/rates/{pk}/": _DETAILS_OF_ITS_OWN,
    "DELETE /tax/rates/{pk}/": _DETAILS_OF_ITS_OWN,
}
_DASHBOARD = "the hosted product has it in its dashboard alone"
BEYOND |= {
    "GET /discounts/": _DASHBOARD,
    "POST /discounts/": _DASHBOARD,
    "GET /discounts/{pk}/": _DASHBOARD,
    "PATCH /discounts/{pk}/": _DASHBOARD,
    "DELETE /discounts/{pk}/": _DASHBOARD,
    "GET /discounts/{pk}/redemptions/": "who redeemed a discount, which its count alone does not say",
    "GET /webhook/endpoints/": _DASHBOARD,
    "POST /webhook/endpoints/": _DASHBOARD,
    "GET /webhook/endpoints/{pk}/": _DASHBOARD,
    "PATCH /webhook/endpoints/{pk}/": _DASHBOARD,
    "DELETE /webhook/endpoints/{pk}/": _DASHBOARD,
    "POST /webhook/endpoints/{pk}/rotate-secret/": _DASHBOARD,
    "POST /webhook/events/{pk}/resend/": _DASHBOARD,
    "GET /webhook/logs/{pk}/": "the answer to a delivery, which the dashboard shows and the published list does not",
    "POST /webhook/endpoints/{pk}/test/": "whoever sets up an endpoint wants to see it work",
    "POST /webhook/endpoints/{pk}/replay/": "an endpoint that was away wants what it missed",
    "GET /webhook/events/": "some would rather fetch events than be told",
    "GET /webhook/events/{pk}/": "an event by the id that every delivery of it bears",
    "GET /sandbox/clock/": "a year of a subscription is tried out in seconds",
    "POST /sandbox/clock/": "a year of a subscription is tried out in seconds",
}


BEYOND |= {
    "POST /subscriptions/{subscriptionId}/update/preview/": "the Python client calls it",
    "POST /subscriptions/{subscriptionId}/resume/": "who has cancelled may think better of it before it takes effect",
    "POST /payment-methods/": "a sandbox has no page on which a card could be saved",
    "GET /payment-methods/{pk}/": "the hosted product has it in its portal alone",
    "DELETE /payment-methods/{pk}/": "the hosted product has it in its portal alone",
    "POST /payment-methods/{pk}/default/": "the hosted product has it in its portal alone",
    "GET /invoices/": "whoever keeps the books himself needs the documents",
    "GET /invoices/{id}/": "whoever keeps the books himself needs the documents",
    "GET /credits/": "credit that nobody can see or give helps no customer",
    "POST /credits/": "credit that nobody can see or give helps no customer",
    "POST /report/usage/batch/": "a server that serves many has many reports",
    "POST /report/event/batch/": "a server that serves many has many reports",
    "POST /usage/reservations/": "what is used later must be there then, and costs nothing until it is used",
    "GET /usage/reservations/{pk}/": "whoever reserves wants to see what became of it",
    "POST /usage/reservations/{pk}/settle/": "how much was used is known only afterwards",
    "POST /usage/reservations/{pk}/release/": "what was not used after all is free again at once",
    "GET /balances/": "whether the books balance, anybody may see",
}
_ONE_CUSTOMER = "one customer is given what no plan grants, or their quota again, without a plan of their own"
BEYOND |= {
    "PUT /customers/{customerId}/entitlements/{featureId}/": _ONE_CUSTOMER,
    "DELETE /customers/{customerId}/entitlements/{featureId}/": _ONE_CUSTOMER,
    "POST /customers/{customerId}/entitlements/{featureId}/reset/": _ONE_CUSTOMER,
    "GET /usage/": "a chart of what was used has to come from somewhere",
    "GET /report/event/{key}/": "whoever misses something that he reported wants to know what became of it",
    "GET /entitlements/explain/": "whoever is asked why somebody has no access wants to know it at once",
}
BEYOND |= {
    "GET /promotions/manage/": _DASHBOARD,
    "POST /promotions/manage/": _DASHBOARD,
    "GET /promotions/manage/{pk}/": _DASHBOARD,
    "PATCH /promotions/manage/{pk}/": _DASHBOARD,
    "DELETE /promotions/manage/{pk}/": _DASHBOARD,
    "GET /promotions/groups/": _DASHBOARD,
    "PUT /catalog/plans/{identifier}/countries/": _DASHBOARD,
}
_MACHINES = "the hosted product has it on its pages of orders and licences alone"
_OFFLINE = "an application has to work without a network, too"
BEYOND |= {
    "GET /licenses/": _MACHINES,
    "GET /licenses/{pk}/": _MACHINES,
    "PATCH /licenses/{pk}/": _MACHINES,
    "POST /licenses/{pk}/regenerate/": _MACHINES,
    "POST /licenses/{pk}/disable/": _MACHINES,
    "DELETE /licenses/{pk}/instances/{instanceId}/": _MACHINES,
    "POST /licenses/document/": _OFFLINE,
    "GET /licenses/keys/": _OFFLINE,
    "POST /licenses/keys/": _OFFLINE,
}


def _spec(name: str) -> str:
    if not (SPEC / name).is_file():
        pytest.skip(f"NOT COMPARED WITH THE PUBLISHED CONTRACT: there is no {SPEC / name}")
    return (SPEC / name).read_text()


def _differences(published: Document, ours: Document) -> dict[str, set[str]]:
    comparison, our_operations = Comparison(published, ours), operations(ours)
    found: dict[str, set[str]] = {}
    for name, operation in operations(published).items():
        if name in our_operations:
            for label, text in comparison.operation(operation, our_operations[name]):
                found.setdefault(label, set()).add(text)
    return found


def _parameter(document: Document, name: str) -> dict[str, Any]:
    parameters = operations(document)["GET /customers/"]["parameters"]
    return next(parameter for parameter in parameters if parameter["name"] == name)


@pytest.fixture
def published() -> Document:
    """The published contract of the whole API."""
    return json.loads(_spec("openapi.json"))


@pytest.fixture
def page() -> Document:
    """The page on listing customers, which has the last word."""
    _, _, rest = _spec("list-customers.md").partition("````yaml")
    _, _, text = rest.partition("\n")
    return yaml.safe_load(text.partition("````")[0])


def test_what_is_published_is_here_and_of_the_same_type(published: Document) -> None:
    found = _differences(published, openapi_document())
    undecided = {label: text for label, text in found.items() if label not in DECIDED}
    assert undecided == {}
    assert set(DECIDED) - set(found) == set(), "decided, but no longer different"


def test_the_page_on_listing_customers_is_kept(page: Document) -> None:
    assert set(operations(page)) == {"GET /customers/"}
    found = _differences(page, openapi_document())
    assert {label: text for label, text in found.items() if label not in DECIDED} == {}


def test_the_document_states_the_page_sizes_of_the_page(page: Document) -> None:
    stated = _parameter(page, "page_size")["description"]
    assert "Defaults to 1000, maximum 10000" in stated
    ours = _parameter(openapi_document(), "page_size")
    assert "Defaults to 1000, maximum 10000" in ours["description"]
    assert ours["schema"]["default"] == 1000


async def test_a_page_has_a_thousand_customers_and_ten_thousand_at_the_most(api: Client, made: Made) -> None:
    async with transaction(made.sandbox) as tx:
        await tx.execute(
            "INSERT INTO customers (tenant_id, id, external_id, created_at, modified_at)"
            " SELECT %s, gen_random_uuid(), 'c-' || n, %s, %s FROM generate_series(1, 10001) n",
            (tx.tenant_id, tx.now, tx.now),
        )
    for asked, given in (("", 1000), ("?page_size=10000", 10_000), ("?page_size=10001", 10_000)):
        # Not by way of the checking client: checking ten thousand customers takes long.
        answer = (await api.http.get(f"{BASE}/customers/{asked}")).json()
        assert (answer["count"], len(answer["results"])) == (10_001, given)


def test_every_published_operation_is_served(published: Document) -> None:
    assert set(operations(published)) - set(operations(openapi_document())) == set()
    assert len(operations(published)) == 64


def test_an_operation_that_is_not_published_is_on_the_contracts_list_of_surfaces(published: Document) -> None:
    assert set(operations(openapi_document())) - set(operations(published)) == OURS | set(BEYOND)
    contract = _spec("contract.md")
    assert [operation for operation in OURS if f"`{operation}`" not in contract] == []


def test_our_document_is_valid_openapi_and_its_schemas_are_valid_json_schema() -> None:
    document: Any = openapi_document()
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert referred == set(schemas), "a schema is missing, or nothing refers to it"


def test_operation_ids_are_unique_and_every_parameter_of_a_path_is_described() -> None:
    ours = operations(openapi_document())
    ids = [operation["operationId"] for operation in ours.values()]
    assert len(ids) == len(set(ids))
    for name, operation in ours.items():
        described = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
        assert described == re.findall(r"\{(\w+)\}", name)


def test_the_examples_in_our_document_fit_their_schemas() -> None:
    document: Any = openapi_document()
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            validator = Draft202012Validator(
                {**described, "components": document["components"]}, format_checker=FormatChecker()
            )
            for example in described.get("examples", []):
                assert validator.is_valid(example), f"{name}.{field}: {example}"
