"""Subscriptions by the official Python client, unchanged, against a whole server."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from kelviq_sdk import InvalidRequestError, NotFoundError
from kelviq_sdk.enums import CancellationType, ChargePeriod, ProrationBehavior

from tests.contract.merchant import buyer, merchant, save_card, sell_monthly
from tests.contract.python_client import Client
from tests.contract.server import Server

# The client itself was written for an older Pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince212")
AUTHENTICATES = "4000002500003155"
MONTHLY = {"planIdentifier": "pro", "chargePeriod": "MONTHLY"}


@pytest.fixture
async def api(server: Server, sandbox: str) -> AsyncIterator[httpx.Client]:
    """A sandbox that sells subscriptions and has buyers, by raw HTTP."""
    with merchant(server.url, sandbox) as api:
        sell_monthly(api)
        buyer(api, "ada")
        buyer(api, "bob")
        yield api


@pytest.fixture
async def client(way: str, server: Server, sandbox: str, api: httpx.Client) -> AsyncIterator[Client]:
    """The client of that sandbox."""
    client = Client(way, server.url, sandbox, "subscriptions")
    yield client
    await client.close()


def advance(api: httpx.Client, to: str) -> None:
    """Move the sandbox's clock."""
    clock = api.post("/sandbox/clock/", json={"now": to}).raise_for_status().json()
    assert (clock["status"], clock["failure"]) == ("FROZEN", None)


def taken(api: httpx.Client) -> list[float]:
    """Return what was taken, the newest first."""
    return [each["amountTotal"] for each in api.get("/transaction/").json()["results"]]


async def test_a_subscription_comes_back_as_a_model(client: Client) -> None:
    created = await client(
        "create", planIdentifier="seated", chargePeriod=ChargePeriod.MONTHLY, customerId="ada",
        successUrl="https://example.com/done", features=[{"identifier": "seats", "quantity": 8}],
        ipAddress="103.154.35.20",
    )  # fmt: skip
    assert (created.status, created.amount, created.currency) == ("active", "80.00", "USD")
    assert (created.startDate, created.endDate) == ("2031-04-01", None)
    assert (created.recurrence, created.recurrenceUnit, created.recurrenceType) == ("month", 1, "MONTH")
    assert (created.billingType, created.trialDaysRemaining, created.customerId) == ("SUBSCRIPTION", 0, "ada")
    assert created.billingPeriodStartTime == "2031-04-01T00:00:00.000000Z"
    assert created.billingPeriodEndTime == "2031-05-01T00:00:00.000000Z"
    assert (created.product.name, created.product.identifier) == ("Seated", "seated")
    assert (created.plan.name, created.plan.identifier) == ("Seated", "seated")
    assert [(each["identifier"], each["value"]) for each in created.features] == [("seats", 8)]
    assert (created.files, created.links, created.license) == ([], [], [])

    retrieved = await client("retrieve", subscriptionId=created.id)
    assert (retrieved.product, retrieved.externalSubscriptionId) == ("Seated", created.id)
    same = ("id", "amount", "status", "plan", "features", "billingPeriodEndTime", "recurrenceType", "startDate")
    assert [getattr(retrieved, name) for name in same] == [getattr(created, name) for name in same]

    tried = await client("create", planIdentifier="tried", chargePeriod="MONTHLY", customerId="ada")
    assert (tried.status, tried.trialDaysRemaining, tried.features) == ("trialing", 14, [])


async def test_a_list_is_narrowed_by_every_filter(client: Client, api: httpx.Client) -> None:
    empty = await client("list")
    assert (empty.count, empty.next, empty.previous, empty.results) == (0, None, None, [])
    april = await client("create", **MONTHLY, customerId="ada")
    advance(api, "2031-04-20T00:00:00Z")
    later = await client("create", **MONTHLY, customerId="bob")
    advance(api, "2031-05-01T12:00:00Z")
    last = await client("create", **MONTHLY, customerId="bob")

    async def listed(**filters: Any) -> list[str]:
        page = await client("list", **filters)
        assert page.count == len(page.results)
        return [each.id for each in page.results]

    assert await listed() == [last.id, later.id, april.id]
    assert await listed(customerId="bob") == [last.id, later.id]
    assert await listed(startDateAfter="2031-04-20") == [last.id, later.id]
    assert await listed(startDateBefore="2031-04-20") == [later.id, april.id]
    assert await listed(startDateAfter="2031-04-02", startDateBefore="2031-04-30") == [later.id]
    # April was renewed on the first of May.
    assert await listed(modifiedOnAfter="2031-05-01T00:00:00Z") == [last.id, april.id]
    assert await listed(modifiedOnBefore="2031-04-30") == [later.id]
    assert await listed(customerId="ada", startDateAfter="2031-04-02", modifiedOnBefore="2031-06-01") == []
    page = await client("list", customerId="bob", page=1, page_size=1)
    assert (page.count, [each.id for each in page.results]) == (2, [last.id])
    assert page.next.endswith("/subscriptions/?customer_id=bob&page_size=1&page=2")
    assert [each.id for each in (await client("list", customerId="bob", page=2, page_size=1)).results] == [later.id]


async def test_an_update_is_previewed_and_made(client: Client, api: httpx.Client) -> None:
    created = await client("create", **MONTHLY, customerId="ada")
    advance(api, "2031-04-16T00:00:00Z")
    change = {"subscriptionId": created.id, "planIdentifier": "team", "chargePeriod": ChargePeriod.MONTHLY}
    preview = await client("preview_update", **change)
    assert (preview.currency, preview.recurringAmount, preview.recurringAmountUnits) == ("USD", 200, 20_000)
    assert (preview.amountChargedImmediately, preview.amountChargedImmediatelyUnits) == (50, 5_000)
    following = preview.nextInvoice
    assert (following.amountDue, following.amountDueUnits) == (200, 20_000)
    assert following.nextPaymentAttempt == "2031-05-01T00:00:00.000000Z"
    assert [(line.description, line.amount, line.amountUnits) for line in following.lineItems] == [
        ("Team", 200, 20_000)
    ]
    later = await client("preview_update", **change, prorationBehavior=ProrationBehavior.PRORATE_NEXT_INVOICE)
    assert (later.amountChargedImmediatelyUnits, later.nextInvoice.amountDueUnits) == (0, 25_000)
    never = await client("preview_update", **change, prorationBehavior="NO_PRORATION", ipAddress="103.154.35.20")
    assert (never.amountChargedImmediatelyUnits, never.nextInvoice.amountDueUnits) == (0, 20_000)
    # Nothing has happened so far.
    assert (await client("retrieve", subscriptionId=created.id)).status == "active"
    assert taken(api) == [100]

    updated = await client("update", **change, paymentBehavior="activate_on_payment")
    record = await client("retrieve", subscriptionId=updated.subscriptionId)
    assert (record.status, record.amount, record.plan.identifier) == ("active", "200.00", "team")
    assert record.externalSubscriptionId == created.id
    assert (await client("retrieve", subscriptionId=created.id)).status == "superseded"
    assert taken(api) == [50, 100]
    # Every other parameter that the client knows.
    seats = [{"identifier": "seats", "quantity": 12}]
    seated = {**change, "subscriptionId": record.id, "planIdentifier": "seated", "features": seats}
    assert (await client("preview_update", **seated)).recurringAmountUnits == 12_000
    names = dict.fromkeys(("offeringId", "pricingTableId", "ruleId"), "0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")
    updated = await client("update", **seated, **names, ipAddress="103.154.35.20", probationBehaviour="NO_PRORATION")
    record = await client("retrieve", subscriptionId=updated.subscriptionId)
    assert (record.amount, record.features[0]["value"]) == ("120.00", 12)
    assert taken(api) == [50, 100]


async def test_a_trial_is_moved_and_ended(client: Client) -> None:
    tried = await client("create", planIdentifier="tried", chargePeriod="MONTHLY", customerId="ada")
    change = {"planIdentifier": "tried", "chargePeriod": "MONTHLY"}
    longer = await client("update", subscriptionId=tried.id, **change, trialEnd="2031-05-31 23:59:59")
    record = await client("retrieve", subscriptionId=longer.subscriptionId)
    assert (record.status, record.billingPeriodEndTime) == ("trialing", "2031-05-31T23:59:59.000000Z")
    preview = await client("preview_update", subscriptionId=record.id, **change, trialEnd="now")
    assert preview.amountChargedImmediatelyUnits == 10_000
    ended = await client("update", subscriptionId=record.id, **change, trialEnd="now")
    record = await client("retrieve", subscriptionId=ended.subscriptionId)
    assert (record.status, record.trialDaysRemaining) == ("active", 0)


async def test_a_cancellation_is_confirmed(client: Client) -> None:
    for type, date, status, end in (
        (CancellationType.IMMEDIATE, None, "canceled", "2031-04-01"),
        ("CURRENT_PERIOD_ENDS", None, "active", "2031-05-01"),
        ("SPECIFIC_DATE", "2031-06-15", "active", "2031-06-15"),
    ):
        created = await client("create", **MONTHLY, customerId="ada")
        done = await client("cancel", subscriptionId=created.id, cancellationType=type, cancellationDate=date)
        assert done.message == "Subscription cancellation processed successfully."
        now = await client("retrieve", subscriptionId=created.id)
        assert (now.status, now.endDate) == (status, end)


async def test_what_goes_wrong_is_the_error_class_of_its_status(client: Client, api: httpx.Client) -> None:
    async def refused(method: str, **arguments: Any) -> Any:
        with pytest.raises(InvalidRequestError) as error:
            await client(method, **arguments)
        assert error.value.status_code == 400
        return error.value.details

    assert await refused("create", **MONTHLY, customerId="nobody") == {"detail": "Customer does not exist."}
    unknown = {"planIdentifier": "nothing", "chargePeriod": "MONTHLY", "customerId": "ada"}
    assert await refused("create", **unknown) == {"planIdentifier": ["There is no such plan for sale."]}
    created = await client("create", **MONTHLY, customerId="ada")
    updated = await client("update", subscriptionId=created.id, planIdentifier="team", chargePeriod="MONTHLY")
    replaced = {"detail": f"The subscription was updated since. Its current id is {updated.subscriptionId}."}
    for method, arguments in (
        ("update", MONTHLY), ("preview_update", MONTHLY), ("cancel", {"cancellationType": "IMMEDIATE"}),
    ):  # fmt: skip
        assert await refused(method, subscriptionId=created.id, **arguments) == replaced
        with pytest.raises(NotFoundError):
            await client(method, subscriptionId="7c2f3a91-2d4e-4a8b-9b1c-6f0a2e5d9c11", **arguments)
    with pytest.raises(NotFoundError):
        await client("retrieve", subscriptionId="no-id-at-all")

    # A payment that its customer has to authenticate is no error: it is waited for.
    save_card(api, "bob", AUTHENTICATES)
    waiting = await client("create", **MONTHLY, customerId="bob")
    assert waiting.status == "incomplete"
    assert [each.status for each in (await client("list", customerId="bob")).results] == ["incomplete"]
