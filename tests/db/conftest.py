"""What tests of webhooks, and of what happens at once, start from."""

from collections.abc import AsyncIterator

import pytest

from kelviq_server.platform.database import INSTANCE, transaction
from tests.api.conftest import api, app
from tests.make import Made
from tests.receiver import Receiver, receiving
from tests.webhooks import forget_deliveries

__all__ = ["api", "app"]

# In which of its slots a session tallies.
_SLOT = "pg_backend_pid() % 64"


@pytest.fixture
async def receiver(made: Made) -> AsyncIterator[Receiver]:
    """A merchant's server, and nothing on its way to any other."""
    await forget_deliveries()
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def one_slot(pool: None) -> AsyncIterator[None]:
    """Let everybody tally in one slot, as those do whose sessions share one by chance."""
    async with transaction(INSTANCE) as tx:
        functions = await tx.value(
            "SELECT array_agg(pg_get_functiondef(oid)) FROM pg_proc WHERE strpos(prosrc, %s) > 0", (_SLOT,)
        )
        assert functions
        for function in functions:
            await tx.connection.execute(function.replace(_SLOT, "0"))
    yield
    async with transaction(INSTANCE) as tx:
        for function in functions:
            await tx.connection.execute(function)
