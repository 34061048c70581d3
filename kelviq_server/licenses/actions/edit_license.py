"""Change for how many machines, or until when, one licence is good."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.licenses import rules, store
from kelviq_server.licenses.records import WholeLicense
from kelviq_server.platform.database import Tenant, transaction


async def edit_license(tenant: Tenant, id: UUID, sent: Mapping[str, Any]) -> WholeLicense:
    """Return a licence with the limit and the expiry that were sent; from now on its plan does not change them.

    Raises NotFound, LicenseDisabledForGood.
    """
    async with transaction(tenant) as tx:
        before = rules.changeable(await keys.lock_license(tx, id))
        after = before
        if "activation_limit" in sent:
            after = replace(after, activation_limit=sent["activation_limit"], is_limit_own=True)
        if "expires_on" in sent:
            after = replace(after, expires_at=sent["expires_on"], is_expiry_own=True)
        await keys.change(tx, before, after)
        return await store.get_whole(tx, id)
