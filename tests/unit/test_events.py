"""What every event can say of itself."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from kelviq_server.core.events import Event, event_types
from kelviq_server.customers.events import CustomerCreated, CustomerUpdated
from kelviq_server.partner.events import OrganizationProvisioned


@dataclass(frozen=True)
class Rained(Event):
    """It rained, in a test."""

    type: ClassVar[str] = "sky.rained"

    @classmethod
    def example(cls) -> Self:
        return cls()

    def data(self) -> dict[str, Any]:
        return {}


def test_the_products_events_are_found_by_type_and_no_others() -> None:
    found = event_types()
    assert found["customer.created"] is CustomerCreated
    assert found["customer.updated"] is CustomerUpdated
    assert found["organization.provisioned"] is OrganizationProvisioned
    assert Rained.type not in found


def test_an_event_says_whose_it_is() -> None:
    event = CustomerUpdated.example()
    assert event.customer_id == event.customer.id
    assert OrganizationProvisioned.example().customer_id is None
