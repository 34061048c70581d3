"""What a transaction promises, and what it refuses."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from kelviq_server.customers import store
from kelviq_server.customers.actions.create_customer import create_customer
from kelviq_server.customers.events import CustomerCreated
from kelviq_server.platform.database import INSTANCE, reading, transaction
from kelviq_server.platform.mail import Mail, Mailbox
from kelviq_server.platform.outgoing import Outgoing
from tests import make
from tests.make import Made


async def test_a_transaction_inside_another_is_refused(made: Made) -> None:
    async with transaction(made.sandbox):
        with pytest.raises(RuntimeError, match="not inside a transaction"):
            await create_customer(made.sandbox, make.new_customer())
    await create_customer(made.sandbox, make.new_customer())


async def test_no_mail_is_sent_inside_a_transaction(made: Made, tmp_path: Path) -> None:
    async with transaction(made.sandbox):
        with pytest.raises(RuntimeError, match="not inside a transaction"):
            await Mailbox(tmp_path, "us@example.com").send(Mail("key", "you@example.com", "Hello", "text"))


async def test_no_request_is_sent_inside_a_transaction(made: Made) -> None:
    async with transaction(made.sandbox):
        with pytest.raises(RuntimeError, match="not inside a transaction"):
            await Outgoing().post("https://shop.example/", {}, b"{}")


async def test_what_fails_leaves_nothing_not_even_its_event(made: Made) -> None:
    async def fail() -> None:
        async with transaction(made.sandbox) as tx:
            [customer] = await store.insert_customers(tx, [make.new_customer()])
            tx.announce(CustomerCreated(customer, made.sandbox.organization))
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await fail()
    assert await make.events(made.sandbox) == []
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT count(*) FROM customers WHERE tenant_id = %s", (made.sandbox.id,)) == 0


async def test_time_stands_still_within_a_transaction_and_goes_by_the_tenants_clock(made: Made) -> None:
    at = datetime(2031, 5, 31, 12, tzinfo=UTC)
    await make.freeze_clock(made.sandbox, at)
    async with transaction(made.sandbox) as tx:
        assert tx.now == tx.now == at
    async with transaction(made.production) as tx:
        assert abs((tx.now - datetime.now(UTC)).total_seconds()) < 5


async def test_a_short_read_has_no_instant_and_announces_nothing(made: Made) -> None:
    customer = await make.customer(made.sandbox)
    async with reading(made.sandbox) as tx:
        with pytest.raises(RuntimeError, match="no instant"):
            _ = tx.now
        with pytest.raises(RuntimeError, match="announces nothing"):
            tx.announce(CustomerCreated(customer, None))


async def test_the_instance_is_no_tenant(made: Made) -> None:
    async with reading(INSTANCE) as tx:
        with pytest.raises(RuntimeError, match="not a tenant"):
            _ = tx.tenant_id


async def test_the_database_refuses_a_reference_across_tenants(made: Made) -> None:
    async with reading(made.sandbox) as tx:
        references = await tx.value(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confrelid = 'customers'::regclass"
            " AND NOT conkey @> (SELECT array_agg(attnum) FROM pg_attribute"
            " WHERE attrelid = conrelid AND attname = 'tenant_id')"
        )
    assert references == 0


class _Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class _Thing:
    colour: _Colour
    other: _Colour | None
    name: str


async def test_texts_of_a_row_come_out_as_the_enums_that_the_record_has(made: Made) -> None:
    async with transaction(made.sandbox) as tx:
        thing = await tx.row(_Thing, "SELECT 'red' AS colour, NULL AS other, 'red' AS name")
        others = await tx.rows(_Thing, "SELECT 'red' AS colour, 'red' AS other, 'x' AS name")
    assert thing is not None
    assert (thing.colour is _Colour.RED, thing.other, type(thing.name)) == (True, None, str)
    assert [other.other is _Colour.RED for other in others] == [True]
