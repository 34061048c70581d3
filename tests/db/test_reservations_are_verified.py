"""`verify` finds whatever is held, or was settled, that is not what reservations say."""

from typing import LiteralString

import pytest

from kelviq_server.billing.verification.actions.verify_books import verify_books
from kelviq_server.platform.database import transaction
from kelviq_server.usage.reservations.actions.reserve_usage import reserve_usage
from kelviq_server.usage.reservations.actions.settle_reservation import settle_reservation
from kelviq_server.usage.reservations.records import NewReservation
from tests import money
from tests.api import usage
from tests.api.conftest import Client
from tests.make import Made


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE allowances SET held = 5", {("held of allowance", "4", "5")}),
        ("UPDATE allowances SET held = 0", {("held of allowance", "4", "0")}),
        ("UPDATE usage_holds SET amount = 5", {("held of allowance", "5", "4"), ("held by reservation", "4", "5")}),
        ("DELETE FROM usage_holds", {("held of allowance", "0", "4"), ("held by reservation", "4", "0")}),
        ("UPDATE usage_events SET value = 2", {("settled by reservation", "1", "2")}),
        ("DELETE FROM usage_keys", {("settled by reservation", "1", "nothing"), ("report of key", "", "none")}),
    ],
)
async def test_what_was_changed_by_hand_is_found(
    api: Client, made: Made, change: LiteralString, found: set[tuple[str, str, str]]
) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    _, settled = [await reserve_usage(made.sandbox, NewReservation("ada", "calls", 4, 60)) for _ in range(2)]
    await settle_reservation(made.sandbox, settled.id, 1)
    await money.assert_books_right(made.sandbox)
    async with transaction(made.sandbox) as tx:
        await tx.execute(change + " WHERE tenant_id = %s", (tx.tenant_id,))
    differences = (await verify_books(made.sandbox)).differences
    # Which report it is, nobody knows beforehand.
    told = {(each.what, "" if each.what == "report of key" else each.expected, each.found) for each in differences}
    assert told == found
