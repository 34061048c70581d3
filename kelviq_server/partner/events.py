"""What partners made happen."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from kelviq_server.core.events import Event


@dataclass(frozen=True)
class OrganizationProvisioned(Event):
    """A partner provisioned an organization; its owner is to be welcomed by mail."""

    type: ClassVar[str] = "organization.provisioned"
    identifier: UUID
    name: str
    email: str

    def data(self) -> dict[str, Any]:
        """Return the organization and its owner's e-mail."""
        return {"organization": str(self.identifier), "name": self.name, "email": self.email}
