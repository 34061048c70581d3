"""Events are handled after their cause, at least once, and one that fails stops no other."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import uuid4

import pytest

from kelviq_server.core.events import Event
from kelviq_server.platform import outbox
from kelviq_server.platform.database import INSTANCE, current_pool, reading, transaction
from kelviq_server.platform.outbox import Announced, Happening
from kelviq_server.worker import sweep
from tests import make
from tests.make import Made


@dataclass(frozen=True)
class Rang(Event):
    """A bell rang."""

    type: ClassVar[str] = "bell.rang"
    bell: str

    @classmethod
    def example(cls) -> Self:
        return cls("great")

    def data(self) -> dict[str, Any]:
        return {"bell": self.bell}


@pytest.fixture
async def bell(made: Made) -> str:
    """A bell that nobody else rings, on an outbox with nothing else due."""
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE outbox SET due_at = NULL, relayed_at = created_at")
    return uuid4().hex


async def ring(made: Made, *bells: str) -> None:
    async with transaction(made.sandbox) as tx:
        tx.announce_all([Rang(bell) for bell in bells])


async def relay() -> list[Announced]:
    async with transaction(INSTANCE) as tx:
        return await outbox.relay(tx.connection, [Rang.type, Weighed.type], limit=100)


async def handle(*handlers: outbox.Handler) -> int:
    await relay()
    async with current_pool().connection() as connection:
        return await outbox.handle_due(connection, {Rang.type: handlers})


@dataclass(frozen=True)
class Weighed(Event):
    """A bell was weighed."""

    type: ClassVar[str] = "bell.weighed"
    weight: Decimal

    @classmethod
    def example(cls) -> Self:
        return cls(Decimal("7.250"))

    def data(self) -> dict[str, Any]:
        return {"weight": self.weight}


async def test_a_number_reaches_its_handler_digit_for_digit(made: Made, bell: str) -> None:
    weight = Decimal("12345678901234567890.100000000000000000001")
    async with transaction(made.sandbox) as tx:
        tx.announce(Weighed(weight))
    await relay()
    async with current_pool().connection() as connection:
        [taken] = await outbox.take_due(connection)
    assert str(taken.payload["data"]["weight"]) == str(weight)


async def make_due(made: Made) -> None:
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE outbox SET due_at = created_at WHERE due_at IS NOT NULL")


async def test_events_are_relayed_once_in_order_word_for_word_and_only_if_that_commits(made: Made, bell: str) -> None:
    await ring(made, f"{bell}-0", f"{bell}-1")
    customer = await make.customer(made.sandbox, metadata='{"big":12345678901234567890.10,"é":"☃"}')
    async with transaction(INSTANCE) as tx:
        # Wherever the rows stand, the order is that in which they were written.
        await tx.execute("UPDATE outbox SET failure = NULL WHERE type = 'bell.rang' AND relayed_at IS NULL")
    try:
        async with transaction(INSTANCE) as tx:
            assert len(await outbox.relay(tx.connection, [], limit=100)) == 3
            raise KeyError
    except KeyError:
        pass
    async with transaction(INSTANCE) as tx:
        first = await outbox.relay(tx.connection, [Rang.type], limit=2)
        rest = await outbox.relay(tx.connection, [Rang.type], limit=100)
    assert [event.type for event in [*first, *rest]] == ["bell.rang", "bell.rang", "customer.created"]
    assert [f"{bell}-{number}" in event.body for number, event in enumerate(first)] == [True, True]
    assert (rest[0].customer_id, first[0].customer_id) == (customer.id, None)
    assert '"metadata":{"big":12345678901234567890.10,"é":"☃"},' in rest[0].body
    assert rest[0].body.startswith(f'{{"id":"{rest[0].id}","type":"customer.created","created_at":"')
    async with reading(made.sandbox) as tx:
        due = await tx.value("SELECT array_agg(type ORDER BY seq) FROM outbox WHERE due_at IS NOT NULL")
    assert due == ["bell.rang", "bell.rang"], "what nobody handles is done with"


async def test_events_are_handled_once_in_the_order_in_which_they_happened(made: Made, bell: str) -> None:
    heard: list[Any] = []

    async def hear(happening: Happening) -> None:
        heard.append((happening.tenant_id, happening.payload["data"]["bell"]))

    await ring(made, *(f"{bell}-{number}" for number in range(10)))
    assert await handle(hear) == 10
    assert await handle(hear) == 0
    assert heard == [(made.sandbox.id, f"{bell}-{number}") for number in range(10)]


async def test_an_event_that_nobody_handles_is_done_with(made: Made, bell: str) -> None:
    await ring(made, bell)
    assert await handle() == 1
    assert await handle() == 0


async def test_a_failure_is_tried_again_later_and_stops_no_other(made: Made, bell: str) -> None:
    heard: list[str] = []
    deaf = [f"{bell}-0"]

    async def hear(happening: Happening) -> None:
        if happening.payload["data"]["bell"] in deaf:
            raise ConnectionError
        heard.append(happening.payload["data"]["bell"])

    await ring(made, f"{bell}-0", f"{bell}-1")
    await handle(hear)
    assert heard == [f"{bell}-1"]
    assert await handle(hear) == 0, "not at once"
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT failure FROM outbox WHERE due_at IS NOT NULL") == "ConnectionError"
    deaf.clear()
    await make_due(made)
    await handle(hear)
    assert heard == [f"{bell}-1", f"{bell}-0"]


async def test_what_a_dead_worker_took_is_due_again_when_its_lease_ends(made: Made, bell: str) -> None:
    await ring(made, bell)
    await relay()
    async with current_pool().connection() as connection:
        assert len(await outbox.take_due(connection)) == 1
        assert await outbox.take_due(connection) == []
        await make_due(made)
        [taken] = await outbox.take_due(connection)
    assert taken.attempts == 2


async def test_a_failure_is_given_up_at_last_and_kept_for_a_person(made: Made, bell: str) -> None:
    async def refuse(happening: Happening) -> None:
        raise ConnectionError

    await ring(made, bell)
    await relay()
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE outbox SET attempts = %s WHERE due_at IS NOT NULL", (outbox.MAX_ATTEMPTS - 1,))
    await handle(refuse)
    await make_due(made)
    assert await handle(refuse) == 0


async def test_old_handled_events_are_swept_and_others_are_not(made: Made, bell: str) -> None:
    await ring(made, bell, bell)
    await handle()
    async with transaction(made.sandbox) as tx:
        await tx.execute(
            "UPDATE outbox SET handled_at = created_at - interval '31 days'"
            " WHERE seq = (SELECT max(seq) FROM outbox WHERE tenant_id = %s)",
            (made.sandbox.id,),
        )
    async with current_pool().connection() as connection:
        await outbox.sweep_handled(connection)
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT count(*) FROM outbox WHERE tenant_id = %s", (made.sandbox.id,)) == 1


async def test_a_sweep_goes_on_until_nothing_old_is_left(made: Made, bell: str) -> None:
    async with transaction(made.sandbox) as tx:
        await tx.execute(
            "INSERT INTO outbox (id, tenant_id, type, payload, created_at, relayed_at, handled_at)"
            " SELECT gen_random_uuid(), %s, 'bell.rang', '{}', %s, %s, %s FROM generate_series(1, %s)",
            (made.sandbox.id, tx.now, tx.now, tx.now - timedelta(days=31), 2 * outbox.SWEEP_BATCH + 1),
        )
    await sweep()
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT count(*) FROM outbox WHERE tenant_id = %s", (made.sandbox.id,)) == 0
