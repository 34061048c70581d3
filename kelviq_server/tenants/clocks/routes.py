"""The operations on a sandbox's clock."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.due import current_due_works
from kelviq_server.platform.operations import Access, Call, Operations, Other
from kelviq_server.tenants.clocks import rules, store
from kelviq_server.tenants.clocks.actions.advance_clock import advance_clock
from kelviq_server.tenants.clocks.actions.move_clock import move_clock
from kelviq_server.tenants.clocks.errors import ClockAdvancing, DueWorkFailed
from kelviq_server.tenants.clocks.records import ClockStatus
from kelviq_server.tenants.clocks.schemas import SandboxClock, SandboxClockRequest, clock_answer

operations = Operations("Sandbox", Access.SERVER)


@operations.add(
    "GET",
    "/sandbox/clock/",
    "retrieveSandboxClock",
    summary="Retrieve the sandbox's clock",
    answer=SandboxClock,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves the clock, and how far it has come while it is advanced. Production has no clock of its own: 404."""
    async with reading(call.tenant) as tx:
        clock = await store.get_clock(tx)
    return json_answer(clock_answer(clock))


@operations.add(
    "POST",
    "/sandbox/clock/",
    "moveSandboxClock",
    summary="Freeze, advance or release the sandbox's clock",
    body=SandboxClockRequest,
    answer=SandboxClock,
    also={202: Other("It goes on: this is how far it has come.")},
    refuses=[NotFound, ClockAdvancing, DueWorkFailed],
)
async def move(call: Call[SandboxClockRequest]) -> Response:
    """Lets the clock stand still, advances it, or lets it run on. It is never put back.

    `{"frozen": true}` alone ends an advance that is under way where the clock stands.

    On its way to a later instant the clock stops wherever something is due, and that is carried out, in order, at just
    that instant. All of it is done when the answer comes; after five seconds it comes anyway, as 202 with the status
    ADVANCING. The rest is then done in the background, and `GET /sandbox/clock/` tells how far it has come.
    """
    clock = await move_clock(call.tenant, call.body.move())
    if clock.target is not None and clock.advance_id is not None:
        clock = await advance_clock(call.tenant, clock.advance_id, current_due_works())
        rules.refuse_failure(clock)
    return json_answer(clock_answer(clock), 202 if clock.status is ClockStatus.ADVANCING else 200)
