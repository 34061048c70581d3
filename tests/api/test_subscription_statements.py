"""What subscriptions cost the database: so many statements, however many there are."""

import pytest

from kelviq_server.platform.due import DueWorks, use_due_works
from kelviq_server.subscriptions.cycles.jobs import SUBSCRIPTIONS
from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made
from tests.statements import counting


@pytest.fixture(autouse=True)
async def subscribers(api: Client) -> None:
    """Ada and Bo, who subscribe to the same plan."""
    await subs.freeze(api)
    await subs.recurring(api)
    for customer in ("ada", "bo"):
        await money.customer(api, customer_id=customer)
        await subs.subscribed(api, customer_id=customer)
    await subs.advance(api, "2031-03-01T00:00:00Z")


async def test_nobody_adds_a_statement_to_a_renewal_unnoticed(api: Client, made: Made) -> None:
    use_due_works(DueWorks(()))
    await api.post("/sandbox/clock/", {"now": "2031-03-31T09:30:00Z"})
    async with counting() as ran:
        assert await SUBSCRIPTIONS.carry_out(made.sandbox) == 2
        statements = len(ran)
    assert await subs.paid(api) == [10_000] * 6
    # Two statements take them, five of each are the gateway's, and one asks whether another payment is in hand.
    assert statements == 2 + 2 * 40, ran


@pytest.mark.parametrize("path", ["/subscriptions/", "/subscriptions/?status=active", "/subscriptions/?customer_id=bo"])
async def test_a_list_takes_as_many_statements_whatever_it_holds(api: Client, path: str) -> None:
    async with counting() as ran:
        answer = await api.get(path)
        # The clock, how the list is planned, the list, its products, plans, customers, licences and features.
        assert len(ran) == 8, ran
    assert answer.json()["count"] == (1 if "customer" in path else 2)
