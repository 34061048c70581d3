"""What tests of webhooks start from."""

from collections.abc import AsyncIterator

import pytest

from tests.api.conftest import api, app
from tests.make import Made
from tests.receiver import Receiver, receiving
from tests.webhooks import forget_deliveries

__all__ = ["api", "app"]


@pytest.fixture
async def receiver(made: Made) -> AsyncIterator[Receiver]:
    """A merchant's server, and nothing on its way to any other."""
    await forget_deliveries()
    async with receiving() as receiver:
        yield receiver
