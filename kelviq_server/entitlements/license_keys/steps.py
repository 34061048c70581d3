"""What others borrow of licence keys: a purchase that takes effect has one, if its plan comes with one.

Whoever changes a licence has locked its customer, or the licence alone and nothing after it.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import CustomerSummary
from kelviq_server.entitlements.license_keys import rules, store
from kelviq_server.entitlements.license_keys.events import LicenseCreated, LicenseUpdated
from kelviq_server.entitlements.license_keys.records import Licensed, LicenseKey
from kelviq_server.entitlements.license_keys.schemas import LicenseAnswer, license_answer, limit_of
from kelviq_server.entitlements.license_keys.store import (
    LICENSE,
    list_of_purchases,
    lock_by_key,
    lock_license,
    update_license,
)
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id

__all__ = [
    "LICENSE",
    "LicenseAnswer",
    "change",
    "end",
    "hold",
    "holder_of",
    "license_answer",
    "limit_of",
    "list_of_purchases",
    "lock_by_key",
    "lock_license",
    "new_key",
    "renew",
    "update_license",
]


def new_key() -> str:
    """Return a key that nobody can guess."""
    return f"LIC-{uuid4()}".upper()


async def hold(tx: Tx, of: Licensed) -> None:
    """Let the purchase of a locked customer have the licence that its plan comes with, in place of what it had.

    The key stays. With a plan that comes with none it is not valid from now on, until another one brings it back.
    """
    before = await store.lock_of_purchase(tx, of.lineage_id)
    if not of.terms.enabled:
        if before is not None and not before.has_ended_at(tx.now):
            await change(tx, before, replace(before, ends_at=tx.now))
    elif before is None:
        license = rules.issued(new_id(tx.now), new_key(), of, tx.now)
        await store.insert_license(tx, license)
        tx.announce(LicenseCreated(license, await holder_of(tx, license), tx.tenant.organization))
    else:
        await change(tx, before, rules.held(before, of))


async def renew(tx: Tx, lineage_id: UUID, began_at: datetime, anchor_at: datetime, time_zone: str) -> None:
    """Let the licence of a purchase hold for longer, as another period of it begins."""
    before = await store.lock_of_purchase(tx, lineage_id)
    if before is not None and not before.has_ended_at(tx.now):
        await change(tx, before, rules.renewed(before, began_at, anchor_at, time_zone))


async def end(tx: Tx, lineage_id: UUID, at: datetime) -> None:
    """Let the licence of a purchase that has ended not be valid any more."""
    before = await store.lock_of_purchase(tx, lineage_id)
    if before is not None and not before.has_ended_at(at):
        await change(tx, before, replace(before, ends_at=at))


async def change(tx: Tx, before: LicenseKey, after: LicenseKey) -> LicenseKey:
    """Write what changes of a locked licence, tell it where it shows, and return it."""
    if after == before:
        return before
    written = await store.update_license(tx, after)
    if after != replace(before, began_at=after.began_at):
        tx.announce(LicenseUpdated(written, await holder_of(tx, written), tx.tenant.organization))
    return written


async def holder_of(tx: Tx, license: LicenseKey) -> CustomerSummary:
    """Return whose a licence is, as events tell it."""
    return customers.summary_of((await customers.list_by_id(tx, {license.customer_id}))[license.customer_id])
