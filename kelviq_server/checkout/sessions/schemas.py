"""Checkout sessions as the wire spells them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from kelviq_server.billing.charges.steps import ChargeFeature, IpAddress
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import BillingType, BoughtFeature, EventStatus, OrderStatus, WholeOrder
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.catalog.products import steps as products
from kelviq_server.checkout.sessions.records import OpenSession, Session, SessionEvent, ShownSession, WholeSession
from kelviq_server.checkout.sessions.rules import identifiers
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.money import to_amount
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import (
    Amount,
    Between,
    BillingAddress,
    Currency,
    Flag,
    WebAddress,
    currency_exponents,
)
from kelviq_server.platform.wire import (
    Answer,
    Body,
    Country,
    FreeForm,
    Identifier,
    InvalidFields,
    Text,
    read_body,
    wire_instant,
)
from kelviq_server.subscriptions.life import steps as subscriptions

MAX_TRIAL_DAYS = 730
# What only the merchant's server may decide.
_OF_SERVERS = ("customAmount", "trialPeriod")


class CreateCheckoutSessionRequest(Body):
    """What somebody is to buy on the hosted page."""

    plan_identifier: Identifier = Field(description="The plan that is chosen at first.", examples=["plan-pro-monthly"])
    success_url: WebAddress = Field(
        description="Where the customer goes once they have bought.", examples=["https://example.com/welcome"]
    )
    charge_period: ChargePeriod = Field(
        description="How often it is charged, as it is chosen at first; of no effect where the plan is free.",
        examples=["MONTHLY"],
    )
    customer_id: Identifier | None = Field(
        None,
        description="Your own id of the customer. One that is not known yet is created when they first pay, or try"
        " to; without an id, one is made up.",
        examples=["cust_789"],
    )
    features: Annotated[list[ChargeFeature], Field(max_length=100)] | None = Field(
        None, description="How many of each feature that is sold by its quantity; its least quantity, or 1, if missing."
    )
    ip_address: IpAddress | None = Field(
        None,
        description="Where the customer is: decides about the currency as long as nothing says otherwise. With a client"
        " key it is where the call comes from.",
    )
    cancel_url: WebAddress | None = Field(
        None, description="Where the page's way back leads.", examples=["https://example.com/pricing"]
    )
    plans_enabled: Text | None = Field(
        None,
        max_length=5000,
        description="Identifiers of the plans that the customer may choose from, separated by commas; all of the"
        " product if missing.",
        examples=["plan-pro-monthly,plan-pro-yearly"],
    )
    currency_code: Currency | None = Field(
        None,
        description="Must be the customer's, if they have paid before. Without it: the customer's, else that of"
        " `defaultBillingCountry` or their address, where the plan has such a price, else that of its first price.",
        examples=["USD"],
    )
    custom_amount: Amount | None = Field(
        None,
        description="What was agreed on in place of the plan's price, in the currency's major unit. Takes a server key,"
        " `currencyCode` and `taxBehavior`; nothing but this plan, period and `features` can be bought then.",
        examples=[2999],
    )
    tax_behavior: Literal["INCLUSIVE", "EXCLUSIVE"] | None = Field(
        None, description="Whether the tax is in `customAmount`; of no effect without one.", examples=["EXCLUSIVE"]
    )
    discounts_enabled: Flag | None = Field(
        None, description="Whether a discount code can be typed in; true if missing.", examples=[False]
    )
    discount_code: Text | None = Field(
        None, description="A discount that is taken off from the start.", examples=["WELCOME20"]
    )
    lock_email: Flag | None = Field(
        None,
        description="Whether the customer's e-mail address, if they have one, cannot be changed; false if missing.",
        examples=[True],
    )
    default_billing_country: Country | None = Field(
        None, description="The country that the page is filled in with.", examples=["US"]
    )
    metadata: FreeForm | None = Field(
        None,
        description="Key-value pairs of your own, up to 64 KiB of JSON, which `checkout.completed` gives back.",
        examples=[{"order_ref": "ABC-123", "source": "pricing_page"}],
    )
    trial_period: Annotated[int, Between(1, MAX_TRIAL_DAYS)] | None = Field(
        None, description="Days of trial in place of this plan's; others keep theirs. Takes a server key.", examples=[7]
    )
    offering_id: Text | None = Field(None, description="Read, and of no effect.")
    pricing_table_id: Text | None = Field(None, description="Read, and of no effect.")
    rule_id: Text | None = Field(None, description="Read, and of no effect.")

    def wanted(self, *, is_trusted: bool) -> OpenSession:
        """Return the session to open; raises InvalidFields for what does not go together, or needs a server key."""
        if not is_trusted and (faults := self._beyond_clients()):
            raise InvalidFields(faults)
        if self.custom_amount is not None:
            needed = {"taxBehavior": self.tax_behavior, "currencyCode": self.currency_code}
            if missing := {name: ["This field is required."] for name, value in needed.items() if value is None}:
                raise InvalidFields(missing)
        return OpenSession(
            plan=self.plan_identifier,
            period=self.charge_period,
            is_trusted=is_trusted,
            customer=self.customer_id,
            features=[BoughtFeature(feature.identifier, feature.quantity) for feature in self.features or []],
            plans=identifiers("plansEnabled", self.plans_enabled),
            currency=self.currency_code,
            custom_amount=self.custom_amount,
            tax_behavior=None if self.custom_amount is None else TaxBehavior(self.tax_behavior or ""),
            trial_days=self.trial_period,
            takes_discounts=self.discounts_enabled is not False,
            discount_code=self.discount_code or None,
            locks_email=self.lock_email is True,
            default_country=self.default_billing_country,
            success_url=self.success_url,
            cancel_url=self.cancel_url,
            ip_address=self.ip_address,
            metadata=self.metadata or "{}",
        )

    def _beyond_clients(self) -> dict[str, list[str]]:
        decided = dict(zip(_OF_SERVERS, (self.custom_amount, self.trial_period), strict=True))
        return {name: ["This needs a server key."] for name, value in decided.items() if value is not None}


class LinkParameters(Body):
    """What a link to a product says besides."""

    enabled: Annotated[Text, Field(max_length=5000)] | None = None
    plan_identifier: Identifier | None = None
    charge_period: ChargePeriod | None = None
    discounts_enabled: Annotated[Literal["true", "false"], BeforeValidator(str.casefold)] | None = None
    discount_code: Text | None = None
    customer_id: Identifier | None = None
    success_url: WebAddress | None = None

    def wanted(self, product_id: UUID, ip_address: str | None, referer: str | None) -> OpenSession:
        """Return the session to open."""
        return OpenSession(
            plan=self.plan_identifier,
            period=self.charge_period,
            is_trusted=False,
            product_id=product_id,
            customer=self.customer_id,
            plans=identifiers("enabled", self.enabled),
            takes_discounts=self.discounts_enabled != "false",
            discount_code=self.discount_code,
            success_url=self.success_url,
            ip_address=ip_address,
            referer=referer,
        )


def link_parameters(query: Mapping[str, str]) -> LinkParameters:
    """Return what a link says, by the names that links have; those of the API mean nothing there, like any other.

    Raises InvalidFields, which spells the names as links do.
    """
    names = {field.alias or name: name for name, field in LinkParameters.model_fields.items()}
    said = {name: text for name in names.values() if (text := query.get(name, "").strip())}
    try:
        return read_body(LinkParameters, said)
    except InvalidFields as faults:
        raise InvalidFields({names.get(name, name): messages for name, messages in faults.errors.items()}) from None


class CreateCheckoutSessionResponse(Answer):
    """The page on which somebody can buy."""

    checkout_url: str = Field(description="Where to send the customer.", json_schema_extra={"format": "uri"})
    checkout_session_id: str = Field(description="The session's id.")


class CheckoutSessionResponse(Answer):
    """A checkout session."""

    id: str
    customer: orders.OrderCustomer = Field(description="Who buys, as far as they have said.")
    product: products.ProductAnswer
    billing_address: BillingAddress | None
    discount_code: str | None
    tax_id: str | None
    currency: str | None
    currency_symbol: str = Field(examples=["$"])
    status: str = Field(
        description="`open`, `processing` while a payment is on its way, `failed` while another one may be tried,"
        " `success`, or `expired` after 24 hours."
    )
    created_on: datetime
    selected_data: dict[str, Any] = Field(description="What is chosen: plan, charge period and quantities.")
    offering_data: dict[str, Any] = Field(description="What could be chosen from when the session was opened.")
    data: dict[str, Any] = Field(description="What the session was created with, and who buys.")
    custom_fields_data: dict[str, Any] = Field(description="Always empty: there are no fields of your own.")
    metadata: dict[str, Any] = Field(description="Your own key-value pairs.")
    customization: dict[str, Any] = Field(description="Always empty.")
    trial_period: int = Field(description="Length of the trial in days that the session was created with; 0 if none.")


class CheckoutSessionListResponse(ListAnswer):
    """One page of the checkout sessions, newest first."""

    results: list[CheckoutSessionResponse] = Field(description="The sessions of this page.")


class CheckoutSessionOrder(Answer):
    """The order that a session's last payment was for."""

    id: str
    status: OrderStatus
    paid_at: datetime | None
    created_on: datetime
    billing_type: BillingType | None
    is_trial: bool
    amount_subtotal: str | None
    amount_discount: str
    amount_tax: str | None
    amount_total: str | None
    sale_currency: str
    sale_currency_symbol: str
    invoice_id: str | None


class CheckoutSessionSubscription(Answer):
    """The subscription that was bought, as it now is."""

    id: str = Field(json_schema_extra={"format": "uuid"})
    recurrence: str | None
    billing_period_start_time: datetime | None
    billing_period_end_time: datetime | None
    start_date: str = Field(json_schema_extra={"format": "date"})
    end_date: str | None = Field(json_schema_extra={"format": "date"})
    status: str
    amount: str | None
    currency: str | None
    trial_days_remaining: int
    billing_type: BillingType
    recurrence_unit: int | None
    recurrence_type: str | None


class CheckoutSessionDetailResponse(CheckoutSessionResponse):
    """A checkout session with what came of it."""

    order: CheckoutSessionOrder | None = Field(description="Null until a payment has ended.")
    subscription: CheckoutSessionSubscription | None = Field(description="Null until it is bought.")
    payment_method: orders.OrderPaymentMethod | None = Field(description="Null until something was paid with.")


class CheckoutSessionEventResponse(Answer):
    """Something that happened to a session."""

    id: int
    title: str
    code: str = Field(description="What happened, for programs.", examples=["checkout_session.created"])
    status: EventStatus
    timestamp: datetime
    metadata: dict[str, Any] = Field(description="Details, which depend on `code`.")


class CheckoutSessionEventListResponse(ListAnswer):
    """One page of what happened, newest first."""

    results: list[CheckoutSessionEventResponse] = Field(description="The events of this page.")


def created_answer(session: Session, base_url: str) -> dict[str, Any]:
    """Return where a session's page is."""
    return {"checkoutUrl": page_url(session.id, base_url), "checkoutSessionId": session.id}


def page_url(id: str, base_url: str) -> str:
    """Return the address of a session's page."""
    return f"{base_url}/checkout/{id}/"


def session_answer(shown: ShownSession, base_url: str) -> dict[str, Any]:
    """Return a session as the API answers with it."""
    session, details, selection = shown.session, shown.session.details, shown.session.selection
    return {
        "id": session.id,
        "customer": {"customerId": session.external_id, "name": details.name, "email": details.email},
        "product": products.product_answer(shown.product, base_url),
        "billingAddress": details.address(),
        "discountCode": selection.discount_code,
        "taxId": details.tax_id,
        "currency": session.options.currency,
        "currencySymbol": orders.currency_symbol(session.options.currency),
        "status": session.status,
        "createdOn": wire_instant(session.created_at),
        "selectedData": {
            "planIdentifier": selection.plan,
            "chargePeriod": selection.period,
            "features": [
                {"identifier": feature.identifier, "quantity": feature.quantity} for feature in selection.features
            ],
        },
        "offeringData": session.offering,
        "data": _data(session),
        "customFieldsData": {},
        "metadata": session.metadata,
        "customization": {},
        "trialPeriod": session.options.trial_days or 0,
    }


def _data(session: Session) -> dict[str, Any]:
    options, amount = session.options, session.options.custom_amount
    return {
        "name": session.details.name,
        "email": session.details.email,
        "referer": options.referer,
        "ipAddress": options.ip_address,
        "cancelUrl": options.cancel_url,
        "successUrl": options.success_url,
        "plansEnabled": ",".join(options.plans) or None,
        "customAmount": None if amount is None else str(amount),
        "taxBehavior": options.tax_behavior,
        "discountsEnabled": options.takes_discounts,
        "lockEmail": options.locks_email,
        "defaultBillingCountry": options.default_country,
    }


def whole_answer(whole: WholeSession, base_url: str) -> dict[str, Any]:
    """Return a session with what came of it."""
    # An order whose payment is on its way is nobody's business.
    order = whole.order if whole.order and whole.order.order.status is not OrderStatus.PENDING else None
    subscription = whole.subscription
    is_paid = order is not None and order.order.status is not OrderStatus.FAILED
    state = None if subscription is None else subscriptions.recurring_state(subscription, whole.now)
    return {
        **session_answer(whole, base_url),
        "order": None if order is None else _order(order),
        "subscription": state,
        "paymentMethod": orders.method_answer(order.order.payment_method) if order is not None and is_paid else None,
    }


def _order(whole: WholeOrder) -> dict[str, Any]:
    order = whole.order
    exponent = currency_exponents()[order.currency]
    return {
        "id": order.id,
        "status": order.status,
        "paidAt": None if order.paid_at is None else wire_instant(order.paid_at),
        "createdOn": wire_instant(order.created_at),
        "billingType": order.billing_type,
        "isTrial": order.is_trial,
        "amountSubtotal": str(to_amount(order.subtotal_units, exponent)),
        "amountDiscount": str(to_amount(order.discount_units, exponent)),
        "amountTax": str(to_amount(order.tax_units, exponent)),
        "amountTotal": str(to_amount(order.total_units, exponent)),
        "saleCurrency": order.currency,
        "saleCurrencySymbol": orders.currency_symbol(order.currency),
        "invoiceId": None if order.status is OrderStatus.FAILED else order.invoice_id,
    }


def event_answer(event: SessionEvent) -> dict[str, Any]:
    """Return an entry of a timeline as the API answers with it."""
    return {
        "id": event.id,
        "title": event.title,
        "code": event.code,
        "status": event.status,
        "timestamp": wire_instant(event.happened_at),
        "metadata": event.metadata,
    }
