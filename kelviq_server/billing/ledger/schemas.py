"""Balances and customers' credit as the wire spells them."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from kelviq_server.billing.ledger.records import Account, Balance, Credit, NewCredit
from kelviq_server.core.money import to_amount
from kelviq_server.platform.values import Between, Currency, currency_exponents
from kelviq_server.platform.wire import Answer, Body, Description, Identifier

MAX_CREDIT_UNITS = 10**15


def _not_zero(value: int) -> int:
    if value == 0:
        raise PydanticCustomError("zero", "Ensure this value is not 0.")
    return value


class CreditGrantRequest(Body):
    """Credit for a customer, which their next invoices use; negative takes some away."""

    customer_id: Identifier = Field(description="Your own id of the customer.", examples=["cust_789"])
    currency_code: Currency = Field(examples=["USD"])
    amount_units: Annotated[int, Between(-MAX_CREDIT_UNITS, MAX_CREDIT_UNITS), AfterValidator(_not_zero)] = Field(
        description="In the currency's minor unit.", examples=[500]
    )
    note: Description | None = Field(None, description="Why, for yourself.")

    def new_credit(self) -> NewCredit:
        """Return what is to be granted."""
        return NewCredit(self.customer_id, self.currency_code, self.amount_units, self.note)


class CreditBalance(Answer):
    """How much credit a customer has."""

    customer_id: str
    currency: str
    amount: str = Field(examples=["5.00"])
    amount_units: int


class CreditsResponse(Answer):
    """A customer's credit in every currency."""

    results: list[CreditBalance]


class AccountBalance(Answer):
    """What an account comes to. What the instance has is positive, what it owes or has earned is negative."""

    account: Account
    currency: str
    amount: str
    amount_units: int


class BalancesResponse(Answer):
    """Every account of the journal; in each currency they come to zero together."""

    results: list[AccountBalance]


def credit_answer(customer_id: str, credit: Credit) -> dict[str, Any]:
    """Return a customer's credit as the API answers with it."""
    return {"customerId": customer_id, **_amount(credit.currency, credit.amount_units)}


def balance_answer(balance: Balance) -> dict[str, Any]:
    """Return an account's balance as the API answers with it."""
    return {"account": balance.account, **_amount(balance.currency, balance.amount_units)}


def _amount(currency: str, units: int) -> dict[str, Any]:
    return {
        "currency": currency,
        "amount": str(to_amount(units, currency_exponents()[currency])),
        "amountUnits": units,
    }
