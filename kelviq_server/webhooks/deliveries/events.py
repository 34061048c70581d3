"""What happens to webhooks themselves."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.core.events import Event


@dataclass(frozen=True)
class WebhookTested(Event):
    """Somebody asked for a test event. It goes to the endpoint that is tested, once, and to no other."""

    type: ClassVar[str] = "webhook.test"
    endpoint_id: UUID
    url: str
    organization: UUID | None

    def data(self) -> dict[str, Any]:
        """Return the endpoint that is tested."""
        return {
            "object": {
                "id": str(self.endpoint_id),
                "object": "webhook_endpoint",
                "url": self.url,
                "organization": str(self.organization),
            }
        }

    @classmethod
    def example(cls) -> Self:
        """Return the test of somebody's endpoint."""
        return cls(
            endpoint_id=UUID("019726d6-0b11-7d3e-9c51-5a3c8f0e6b02"),
            url="https://example.com/webhooks",
            organization=UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10"),
        )
