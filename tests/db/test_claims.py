"""A request with an Idempotency-Key survives what kills it: nothing is done twice, and nothing is made up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from psycopg import OperationalError
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount

from kelviq_server.app import key_owner
from kelviq_server.platform import claims
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.authentication import Authentication, KeyMemory
from kelviq_server.platform.database import INSTANCE, Tenant, current_pool, reading, transaction
from kelviq_server.platform.http import Api
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.worker import sweep
from tests import make
from tests.db.at_once import somebody_waits_for
from tests.make import Made

UNDER_WAY = "The first request with this Idempotency-Key is still in progress."
UNKNOWN = "The outcome of the first request with this key is not known; look at what it did before you use another key."


async def go_on() -> None:
    """Nothing happens."""


@dataclass
class Workshop:
    """An API of two writes that each make a customer, and of one that only looks; with what happens meanwhile."""

    tenant: Tenant
    runs: list[UUID | None] = field(default_factory=list[UUID | None])
    before: Callable[[], Awaitable[None]] = go_on
    after: Callable[[], Awaitable[None]] = go_on
    answer: Response | None = None

    async def work(self, call: Call[None]) -> Response:
        """Makes a customer."""
        self.runs.append(call.claim_id)
        await self.before()
        await make.customer(call.tenant)
        await self.after()
        return self.answer or json_answer({"run": len(self.runs)})

    async def look(self, call: Call[None]) -> Response:
        """Looks whether there are customers."""
        self.runs.append(call.claim_id)
        async with transaction(call.tenant) as tx:
            await tx.value("SELECT count(*) FROM customers WHERE tenant_id = %s", (tx.tenant_id,))
        await self.after()
        return json_answer({"run": len(self.runs)})

    async def made(self) -> int:
        """Return how many customers there are."""
        async with reading(self.tenant) as tx:
            return await tx.value("SELECT count(*) FROM customers WHERE tenant_id = %s", (tx.tenant_id,))


@pytest.fixture
def workshop(made: Made) -> Workshop:
    return Workshop(made.sandbox)


@pytest.fixture
def client(made: Made, workshop: Workshop) -> httpx.AsyncClient:
    operations = Operations("Work", Access.SERVER)
    operations.add("POST", "/work/", "work", summary="Work")(workshop.work)
    operations.add("POST", "/resumed/", "resumed", summary="Work", resumes=True)(workshop.work)
    operations.add("POST", "/look/", "look", summary="Look")(workshop.look)
    open_operations = Operations("Open work", Access.CLIENT)
    open_operations.add("POST", "/open/", "open", summary="Work")(workshop.work)
    keys = KeyMemory(key_owner)
    api = Api([*operations.all, *open_operations.all], Authentication(keys, keys))
    app = Starlette(routes=[Mount("/api/v1", api)])
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://t/api/v1",
        headers={"Authorization": f"Bearer {made.keys.sandbox.server.plain}", "Idempotency-Key": uuid4().hex},
    )


class Pause:
    """Where a request stands still until it is let go, or dies."""

    def __init__(self) -> None:
        self.reached, self.let_go = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        async with asyncio.timeout(10):
            await self.let_go.wait()


async def die_at(pause: Pause, request: Awaitable[httpx.Response]) -> None:
    """Send a request and let it die where it stands still."""
    task = asyncio.ensure_future(request)
    await pause.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def end_leases() -> None:
    """Let so much machine time pass."""
    async with transaction(INSTANCE) as tx:
        await tx.execute("UPDATE idempotency_claims SET leased_until = 'epoch' WHERE sealed_answer IS NULL")


async def test_what_died_before_it_did_anything_is_run_again_when_its_lease_ends(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    workshop.before = pause = Pause()
    await die_at(pause, client.post("/work/"))
    workshop.before = go_on
    refused = await client.post("/work/")
    assert (refused.status_code, refused.json(), refused.headers["retry-after"]) == (409, {"detail": UNDER_WAY}, "1")
    await end_leases()
    assert (await client.post("/work/")).json() == {"run": 2}
    assert await workshop.made() == 1
    assert workshop.runs[0] == workshop.runs[1] is not None


async def test_a_transaction_that_wrote_nothing_is_no_effect(workshop: Workshop, client: httpx.AsyncClient) -> None:
    workshop.after = pause = Pause()
    await die_at(pause, client.post("/look/"))
    workshop.after = go_on
    await end_leases()
    assert (await client.post("/look/")).json() == {"run": 2}


async def test_what_died_after_it_did_something_is_not_run_again(workshop: Workshop, client: httpx.AsyncClient) -> None:
    workshop.after = pause = Pause()
    await die_at(pause, client.post("/work/"))
    workshop.after = go_on
    assert (await client.post("/work/")).json() == {"detail": UNDER_WAY}
    await end_leases()
    for _ in range(2):
        refused = await client.post("/work/")
        assert (refused.status_code, refused.json()) == (409, {"detail": UNKNOWN})
    assert (await workshop.made(), len(workshop.runs)) == (1, 1)


async def test_an_operation_that_resumes_is_run_again_and_finds_what_it_did_by_the_claims_id(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    workshop.after = pause = Pause()
    await die_at(pause, client.post("/resumed/"))
    workshop.after = go_on
    await end_leases()
    assert (await client.post("/resumed/")).json() == {"run": 2}
    assert workshop.runs[0] == workshop.runs[1] is not None
    assert (await client.post("/resumed/")).headers["idempotent-replayed"] == "true"
    assert len(workshop.runs) == 2


async def fail() -> None:
    raise RuntimeError("the bench broke")


async def lose_the_database() -> None:
    raise OperationalError("the connection is lost")


@pytest.mark.parametrize(("fault", "status"), [(fail, 500), (lose_the_database, 503)])
async def test_a_fault_before_any_effect_frees_the_key_at_once(
    workshop: Workshop, client: httpx.AsyncClient, fault: Callable[[], Awaitable[None]], status: int
) -> None:
    workshop.before = fault
    assert (await client.post("/work/")).status_code == status
    workshop.before = go_on
    assert (await client.post("/look/")).json() == {"run": 2}, "for another request, too"


@pytest.mark.parametrize(("fault", "status"), [(fail, 500), (lose_the_database, 503)])
async def test_a_fault_after_an_effect_leaves_the_outcome_unknown_at_once(
    workshop: Workshop, client: httpx.AsyncClient, fault: Callable[[], Awaitable[None]], status: int
) -> None:
    workshop.after = fault
    assert (await client.post("/work/")).status_code == status
    workshop.after = go_on
    refused = await client.post("/work/")
    assert (refused.status_code, refused.json()) == (409, {"detail": UNKNOWN})
    assert await workshop.made() == 1


async def test_a_fault_of_an_operation_that_resumes_is_run_again_at_once(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    workshop.after = fail
    assert (await client.post("/resumed/")).status_code == 500
    workshop.after = go_on
    assert (await client.post("/resumed/")).json() == {"run": 2}


@pytest.mark.parametrize("status", [429, 503])
async def test_an_answer_that_says_come_later_is_not_kept(
    workshop: Workshop, client: httpx.AsyncClient, status: int
) -> None:
    workshop.answer = json_answer({"detail": "Later."}, status)
    assert (await client.post("/resumed/")).status_code == status
    workshop.answer = None
    assert (await client.post("/resumed/")).json() == {"run": 2}


async def test_the_key_of_a_dead_run_is_not_free_for_another_request(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    workshop.before = pause = Pause()
    await die_at(pause, client.post("/work/"))
    workshop.before = go_on
    await end_leases()
    assert (await client.post("/look/")).status_code == 409
    assert (await client.post("/work/")).json() == {"run": 2}


async def test_who_has_only_a_client_key_uses_up_no_key_of_the_merchants(
    made: Made, workshop: Workshop, client: httpx.AsyncClient
) -> None:
    visitor = {"Authorization": f"Bearer {made.keys.sandbox.client.plain}"}
    assert (await client.post("/open/", headers=visitor)).json() == {"run": 1}
    assert (await client.post("/open/")).json() == {"run": 2}
    assert (await client.post("/open/", headers=visitor)).json() == {"run": 1}


async def test_a_page_may_send_a_key_and_see_that_an_answer_was_given_before(
    made: Made, client: httpx.AsyncClient
) -> None:
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    allowed = (await client.options("/open/", headers=preflight)).headers["access-control-allow-headers"]
    assert "Idempotency-Key" in allowed
    exposed = (await client.post("/open/")).headers["access-control-expose-headers"]
    assert "Idempotent-Replayed" in exposed


async def test_of_two_at_once_one_runs_and_the_other_is_told_so(workshop: Workshop, client: httpx.AsyncClient) -> None:
    workshop.before = pause = Pause()
    first = asyncio.ensure_future(client.post("/work/"))
    await pause.reached.wait()
    second = await client.post("/work/")
    assert (second.status_code, second.json()) == (409, {"detail": UNDER_WAY})
    pause.let_go.set()
    assert (await first).json() == {"run": 1}
    assert (await client.post("/work/")).json() == {"run": 1}


async def test_of_twenty_at_once_exactly_one_runs(workshop: Workshop, client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post("/work/") for _ in range(20)))
    ran = [answer for answer in answers if answer.status_code == 200 and "idempotent-replayed" not in answer.headers]
    assert (len(ran), len(workshop.runs), await workshop.made()) == (1, 1, 1)
    assert {answer.status_code for answer in answers} <= {200, 409}


async def test_of_twenty_that_find_a_dead_run_exactly_one_follows_it(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    workshop.before = pause = Pause()
    await die_at(pause, client.post("/work/"))
    workshop.before = go_on
    await end_leases()
    await asyncio.gather(*(client.post("/work/") for _ in range(20)))
    assert (len(workshop.runs), await workshop.made()) == (2, 1)


async def test_a_run_that_was_only_slow_commits_nothing_once_another_has_taken_over(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    workshop.before = pause = Pause()
    slow = asyncio.ensure_future(client.post("/work/"))
    await pause.reached.wait()
    workshop.before = go_on
    await end_leases()
    assert (await client.post("/work/")).json() == {"run": 2}
    pause.let_go.set()
    assert (await slow).json() == {"detail": UNDER_WAY}
    assert await workshop.made() == 1
    assert (await client.post("/work/")).json() == {"run": 2}, "its answer stands"


async def test_nobody_takes_over_between_an_effect_and_its_commit(made: Made) -> None:
    request = claims.KeyedRequest("server-0", uuid4().hex, bytes(32), resumes=False)
    async with transaction(INSTANCE) as tx:
        claim = await claims.take(tx.connection, request, tx.machine_now)
    assert claim is not None
    await end_leases()

    async def follow() -> claims.Claim | None:
        async with current_pool().connection() as connection:
            return await claims.take(connection, request, tx.machine_now)

    token = claims.current.set(claim)
    async with current_pool().connection() as connection, connection.transaction():
        await connection.execute("UPDATE clocks SET frozen_at = NULL WHERE tenant_id = %s", (made.sandbox.id,))
        await claims.mark_effects(connection)
        follower = asyncio.ensure_future(follow())
        await somebody_waits_for(connection.info.backend_pid)
    claims.current.reset(token)
    assert await follower is None


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    async def cut_all_connections() -> None:
        with suppress(OperationalError):
            async with reading(INSTANCE) as tx:
                await tx.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'kelviq-server'"
                    " AND pid <> pg_backend_pid()"
                )
                await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    workshop.after = cut_all_connections
    answer = await client.post("/work/")
    await current_pool().check()
    assert answer.json() == {"run": 1}
    assert (await client.post("/work/")).json() == {"detail": UNDER_WAY}


async def test_claims_are_swept_a_week_after_their_last_run_and_not_before(
    workshop: Workshop, client: httpx.AsyncClient
) -> None:
    async def let_pass(time: timedelta) -> None:
        async with transaction(INSTANCE) as tx:
            await tx.execute("UPDATE idempotency_claims SET leased_until = %s", (tx.machine_now - time,))

    await client.post("/resumed/")
    await let_pass(timedelta(days=6, hours=23))
    await sweep()
    assert (await client.post("/resumed/")).json() == {"run": 1}
    await let_pass(timedelta(days=7, seconds=1))
    await sweep()
    assert (await client.post("/resumed/")).json() == {"run": 2}


async def test_a_sweep_of_claims_goes_on_until_nothing_old_is_left(made: Made) -> None:
    async with transaction(INSTANCE) as tx:
        await tx.execute(
            "INSERT INTO idempotency_claims (scope, key, id, request_digest, leased_until)"
            " SELECT 'old', n::text, gen_random_uuid(), decode(repeat('00', 32), 'hex'), 'epoch'"
            " FROM generate_series(1, %s) n",
            (2 * claims.SWEEP_BATCH + 1,),
        )
    await sweep()
    async with reading(INSTANCE) as tx:
        assert await tx.value("SELECT count(*) FROM idempotency_claims WHERE scope = 'old'") == 0
