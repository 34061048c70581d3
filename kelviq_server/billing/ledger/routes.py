"""The operations on balances and customers' credit."""

from starlette.responses import Response

from kelviq_server.billing.ledger import store
from kelviq_server.billing.ledger.actions.grant_credit import grant_credit
from kelviq_server.billing.ledger.errors import CreditTooLow
from kelviq_server.billing.ledger.records import Credit
from kelviq_server.billing.ledger.schemas import (
    BalancesResponse,
    CreditBalance,
    CreditGrantRequest,
    CreditsResponse,
    balance_answer,
    credit_answer,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.operations import Access, Call, Operations, Parameter

operations = Operations("Credit and Balances", Access.SERVER)


@operations.add(
    "GET",
    "/credits/",
    "listCredits",
    summary="Read a customer's credit",
    answer=CreditsResponse,
    parameters=(Parameter("customer_id", {"type": "string"}, "Your own id of the customer; required."),),
    refuses=[NotFound],
)
async def read_credit(call: Call[None]) -> Response:
    """Returns how much credit a customer has, by currency. Their next invoices use it before anything is charged."""
    external_id = call.text("customer_id") or ""
    async with reading(call.tenant) as tx:
        customer_id = await customers.find_customer_id(tx, external_id)
        if customer_id is None:
            raise NotFound
        credits = await store.list_credits(tx, customer_id)
    return json_answer({"results": [credit_answer(external_id, credit) for credit in credits]})


@operations.add(
    "POST",
    "/credits/",
    "grantCredit",
    summary="Grant credit to a customer",
    body=CreditGrantRequest,
    status=201,
    answer=CreditBalance,
    refuses=[CustomerUnknown, CreditTooLow],
)
async def grant(call: Call[CreditGrantRequest]) -> Response:
    """Lets a customer have credit, or takes some away; never more than there is. Answers with what they have now."""
    units = await grant_credit(call.tenant, call.body.new_credit())
    return json_answer(credit_answer(call.body.customer_id, Credit(call.body.currency_code, units)), 201)


@operations.add(
    "GET",
    "/balances/",
    "listBalances",
    summary="List balances",
    answer=BalancesResponse,
)
async def balances(call: Call[None]) -> Response:
    """Returns what every account of the journal comes to: money at the gateway, and what is owed and to whom."""
    async with reading(call.tenant) as tx:
        found = await store.list_balances(tx)
    return json_answer({"results": [balance_answer(balance) for balance in found]})
