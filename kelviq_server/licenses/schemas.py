"""Licences as applications and merchants spell them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from kelviq_server.billing.orders.records import BillingType
from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.licenses.records import (
    Holder,
    Instance,
    LicensedPlan,
    ListedLicense,
    NewInstance,
    Validity,
    Verdict,
    WholeLicense,
)
from kelviq_server.platform.json_body import parse
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import MAX_SMALL_INT, Between, Id, Instant
from kelviq_server.platform.wire import Answer, Body, FreeForm, Identifier, Name, Text, wire_instant
from kelviq_server.subscriptions.life.steps import recurrence_text, recurring_state

_ABSENT: Any = None
_KEY = "LIC-A8D5F89E-B46B-472C-9BED-66EE2545B85E"
_DETAILS = {
    Validity.INVALID_KEY: "License key not found.",
    Validity.INSTANCE_NOT_FOUND: "Instance ID invalid for this license.",
    Validity.EXPIRED: "This license has expired.",
    Validity.DISABLED: "This license is disabled.",
    Validity.NOT_ACTIVATED: "This license is not activated.",
}
LicenseKeyText = Annotated[Name, Field(description="The licence key.", examples=[_KEY])]


class LicenseActivation(Body):
    """A machine on which a licence is to be active."""

    license_key: LicenseKeyText
    customer_id: Identifier | None = Field(None, description="Whose it must be, by your own id; else it is not found.")
    instance_name: Text | None = Field(None, description="What the machine is called.", examples=["Geo's Workstation"])
    metadata: FreeForm = Field("{}", description="Key-value pairs of your own, which validation answers with.")

    def new(self) -> NewInstance:
        """Return where it is to be active."""
        return NewInstance(self.license_key, self.customer_id, self.instance_name or None, self.metadata)


class LicenseDeactivation(Body):
    """A machine on which a licence is to be active no longer."""

    license_key: LicenseKeyText
    instance_id: Id = Field(description="The `instanceId` that activation answered with.")


class LicenseValidate(Body):
    """A key, and the machine that it is used on."""

    license_key: LicenseKeyText
    instance_id: Id | None = Field(None, description="The `instanceId` that activation answered with.")


class LicenseUpdateRequest(Body):
    """What is to be otherwise for one licence than its plan has it."""

    activation_limit: Annotated[int, Between(1, MAX_SMALL_INT)] | None = Field(
        _ABSENT, description="On how many machines it may be active; null for any number. Those that are too many stay."
    )
    expires_on: Instant | None = Field(
        _ABSENT, description="When it expires; null for as long as the purchase holds. Renewals still make it later."
    )

    def sent(self) -> dict[str, Any]:
        """Return what was sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class LicenseCustomer(Answer):
    """Whose a licence is."""

    customer_id: str = Field(description="Your own id of the customer.")
    name: str | None
    email: str | None = Field(json_schema_extra={"format": "email"})


class LicenseProduct(Answer):
    """The product that a licence is of."""

    id: UUID
    identifier: str
    name: str
    tax_code: str
    created_on: datetime
    modified_on: datetime


class LicensePlan(Answer):
    """The plan that a licence came with."""

    identifier: str
    name: str
    description: str
    product: LicenseProduct
    version: int
    is_latest: bool


class LicenseSubscription(Answer):
    """The purchase that a licence came with."""

    id: UUID
    recurrence: str | None = Field(examples=["1 month"])
    billing_period_start_time: datetime | None
    billing_period_end_time: datetime | None
    start_date: date
    end_date: date | None
    status: str
    amount: str
    currency: str
    trial_days_remaining: int
    billing_type: BillingType
    recurrence_unit: int | None
    recurrence_type: str | None


class LicenseListEntry(keys.LicenseAnswer):
    """A licence, with whose it is, and of what."""

    customer: LicenseCustomer
    plan: LicensePlan


class LicenseDetails(LicenseListEntry):
    """A licence with everything about it."""

    subscription: LicenseSubscription | None


class LicenseInstance(Answer):
    """A machine on which a licence is active."""

    instance_id: UUID
    instance_name: str | None
    metadata: dict[str, Any]
    activated_at: datetime
    last_seen_at: datetime = Field(description="When it was last validated, to the minute.")


class LicenseWithInstances(LicenseDetails):
    """A licence, and where it is active."""

    instances: list[LicenseInstance] = Field(description="The longest active first; no more than a thousand.")


class LicenseListResponse(ListAnswer):
    """One page of the licences, newest first."""

    results: list[LicenseListEntry] = Field(description="The licences of this page.")


class LicenseActivationResponse(Answer):
    """A machine on which a licence is active from now on."""

    instance_id: UUID = Field(description="Keep it: validation and deactivation ask for it.")
    activated_at: datetime
    expires_on: datetime | None
    license: LicenseDetails


class LicenseDeactivationResponse(Answer):
    """A machine on which a licence is active no longer."""

    message: str
    deactivated_at: datetime


class LicenseValidationResponse(Answer):
    """Whether a licence is valid."""

    valid: bool
    code: Validity
    detail: str
    metadata: dict[str, Any] = Field(description="Of the instance, as activation was given it.")
    license: LicenseDetails = Field(_ABSENT, description="Left out where no licence has the key.")


def details_answer(whole: WholeLicense) -> dict[str, Any]:
    """Return a licence with everything about it, as the API answers with it."""
    each = whole.subscription
    state = recurring_state(each, whole.now) | {"recurrence": recurrence_text(each.charge_period)}
    return {**_entry(whole.license, whole.customer, whole.plan), "subscription": state}


def listed_answer(listed: ListedLicense) -> dict[str, Any]:
    """Return a licence as lists show it."""
    return _entry(listed.license, listed.customer, listed.plan)


def with_instances(whole: WholeLicense, instances: list[Instance]) -> dict[str, Any]:
    """Return a licence, and where it is active."""
    shown = [
        {
            "instanceId": str(each.id),
            "instanceName": each.name,
            "metadata": parse(bytes(each.metadata)),
            "activatedAt": wire_instant(each.activated_at),
            "lastSeenAt": wire_instant(each.last_seen_at),
        }
        for each in instances
    ]
    return {**details_answer(whole), "instances": shown}


def activated_answer(whole: WholeLicense) -> dict[str, Any]:
    """Return what activation answers with."""
    assert whole.instance is not None
    details = details_answer(whole)
    return {
        "instanceId": str(whole.instance.id),
        "activatedAt": wire_instant(whole.instance.activated_at),
        "expiresOn": details["expiresOn"],
        "license": details,
    }


def verdict_answer(verdict: Verdict) -> dict[str, Any]:
    """Return what validation answers with."""
    whole = verdict.whole
    valid = "Instance ID valid for this license." if verdict.is_of_instance else "License key valid."
    answer: dict[str, Any] = {
        "valid": verdict.validity is Validity.VALID,
        "code": verdict.validity,
        "detail": _DETAILS.get(verdict.validity, valid),
        "metadata": {},
    }
    if whole is not None:
        answer["license"] = details_answer(whole)
        if whole.instance is not None:
            answer["metadata"] = parse(bytes(whole.instance.metadata))
    return answer


def _entry(license: LicenseKey, customer: Holder, plan: LicensedPlan) -> dict[str, Any]:
    product = plan.product
    return {
        **keys.license_answer(license),
        "customer": {"customerId": customer.external_id, "name": customer.name, "email": customer.email},
        "plan": {
            "identifier": plan.identifier,
            "name": plan.name,
            "description": plan.description,
            "version": plan.version,
            "isLatest": plan.is_latest,
            "product": {
                "id": str(product.id),
                "identifier": product.identifier,
                "name": product.name,
                "taxCode": product.tax_code,
                "createdOn": wire_instant(product.created_at),
                "modifiedOn": wire_instant(product.modified_at),
            },
        },
    }
