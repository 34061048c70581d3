"""What partners made happen."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.core.events import Event


@dataclass(frozen=True)
class OrganizationProvisioned(Event):
    """A partner provisioned an organization.

    It happened to the instance, so the event has no tenant. Its handler welcomes the owner by mail.

    - `organization` is the new organization's UUID, `email` its owner's address.
    """

    type: ClassVar[str] = "organization.provisioned"
    identifier: UUID
    name: str
    email: str

    @classmethod
    def example(cls) -> Self:
        """Return that Acme was provisioned."""
        return cls(UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10"), "Acme Corp", "owner@acme.example.com")

    def data(self) -> dict[str, Any]:
        """Return the organization and its owner's e-mail."""
        return {"organization": str(self.identifier), "name": self.name, "email": self.email}
