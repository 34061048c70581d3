"""`verify` finds a licence that counts other machines than it is active on."""

from typing import LiteralString

import pytest

from kelviq_server.billing.verification.actions.verify_books import verify_books
from kelviq_server.platform.database import transaction
from tests import money
from tests.api import licenses
from tests.api.conftest import Client
from tests.make import Made


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE licenses SET activation_usage = 3", ("machines of licence", "2", "3")),
        ("DELETE FROM license_instances", ("machines of licence", "0", "2")),
    ],
)
async def test_what_was_changed_by_hand_is_found(
    api: Client, made: Made, change: LiteralString, found: tuple[str, str, str]
) -> None:
    issued = await licenses.bought(api)
    for _ in range(2):
        await licenses.activate(api, issued)
    await money.assert_books_right(made.sandbox)
    async with transaction(made.sandbox) as tx:
        await tx.execute(change + " WHERE tenant_id = %s", (tx.tenant_id,))
    [difference] = (await verify_books(made.sandbox)).differences
    assert (difference.what, difference.expected, difference.found) == found
