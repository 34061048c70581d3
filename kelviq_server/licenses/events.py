"""Where licences begin and cease to be active."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from msgspec import Raw

from kelviq_server.core.events import webhook_instant
from kelviq_server.entitlements.license_keys.events import (
    EXAMPLE_BUYER,
    EXAMPLE_LICENSE,
    EXAMPLE_ORGANIZATION,
    LicenseCreated,
)
from kelviq_server.licenses.records import Instance
from kelviq_server.platform.json_body import parse


@dataclass(frozen=True)
class LicenseActivated(LicenseCreated):
    """A licence is active on one more machine."""

    type: ClassVar[str] = "license.activated"
    instance: Instance

    @classmethod
    def example(cls) -> Self:
        """Return it of Jane's workstation."""
        at = datetime(2025, 6, 5, 9, 15, tzinfo=UTC)
        instance = Instance(
            UUID("01972c1e-64c8-7b52-9a30-1f0e2d3c4b5a"), "Jane's Workstation", Raw(b'{"os":"macOS"}'), at, at
        )
        return cls(EXAMPLE_LICENSE, EXAMPLE_BUYER, EXAMPLE_ORGANIZATION, instance)

    def data(self) -> dict[str, Any]:
        """Return the licence, and the machine."""
        instance = {
            "id": str(self.instance.id),
            "name": self.instance.name,
            "metadata": parse(bytes(self.instance.metadata)),
            "activated_on": webhook_instant(self.instance.activated_at),
            "last_seen_on": webhook_instant(self.instance.last_seen_at),
        }
        return {"object": super().data()["object"] | {"instance": instance}}


@dataclass(frozen=True)
class LicenseDeactivated(LicenseActivated):
    """A licence is active on one machine less: it was deactivated there, or revoked."""

    type: ClassVar[str] = "license.deactivated"
