"""A payment gateway that answers nobody, until it does: what it was asked for may have happened, and nobody knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kelviq_server.payments.gateways.choice import _GATEWAYS
from kelviq_server.payments.gateways.gateway import GatewayFault
from kelviq_server.payments.gateways.sandbox import SandboxGateway
from kelviq_server.payments.records import Attempt, Outcome
from kelviq_server.platform.database import Tenant, transaction


@dataclass
class SilentGateway(SandboxGateway):
    """The sandbox's, with a bad line."""

    takes_card_numbers: ClassVar[bool] = True
    is_silent: bool = True
    asked: list[str] = field(default_factory=list[str])

    async def charge(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Charge a card, if anybody hears that it is to be charged."""
        self._answer("charge")
        return await super().charge(tenant, attempt)

    async def cancel(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Let a charge come to nothing."""
        self._answer("cancel")
        return await super().cancel(tenant, attempt)

    async def look_up(self, tenant: Tenant, key: Any) -> Outcome | None:
        """Say what became of a charge."""
        self._answer("look_up")
        return await super().look_up(tenant, key)

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.is_silent:
            raise GatewayFault("nobody answers")


@contextmanager
def silent_gateway() -> Iterator[SilentGateway]:
    """Give a gateway that does not answer, by the name `silent`, until the block ends."""
    _GATEWAYS["silent"] = silent = SilentGateway()
    try:
        yield silent
    finally:
        del _GATEWAYS["silent"]


async def pays_through_it(tenant: Tenant) -> None:
    """Let whatever is charged to saved cards from now on go through the silent gateway."""
    async with transaction(tenant) as tx:
        await tx.execute("UPDATE payment_methods SET gateway = 'silent' WHERE tenant_id = %s", (tx.tenant_id,))
