"""What the actions on licences share, and what signing borrows."""

from dataclasses import replace
from uuid import UUID

from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.licenses import store
from kelviq_server.licenses.events import LicenseDeactivated
from kelviq_server.licenses.store import QUESTIONS, find_seen
from kelviq_server.platform.database import Tx

__all__ = ["QUESTIONS", "find_seen", "remove_instance"]


async def remove_instance(tx: Tx, locked: LicenseKey, id: UUID) -> bool:
    """Let a locked licence be active there no longer, tell it, and say whether it was."""
    instance = await store.delete_instance(tx, locked.id, id)
    if instance is None:
        return False
    after = await keys.update_license(tx, replace(locked, activation_usage=locked.activation_usage - 1))
    tx.announce(LicenseDeactivated(after, await keys.holder_of(tx, after), tx.tenant.organization, instance))
    return True
