"""What every payment gateway does for us, and the one way in which it is asked.

Nothing outside this folder knows which gateway is in use.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar, Protocol
from uuid import UUID

import structlog

from kelviq_server.payments.records import UNKNOWN, Attempt, AttemptKind, NewCard, Outcome, SavedMethod
from kelviq_server.platform import claims
from kelviq_server.platform.database import Tenant, assert_no_transaction

log = structlog.get_logger()
TIMEOUT_SECONDS = 20


class GatewayFault(Exception):
    """The gateway did not answer, or not in words that we understand; whatever was asked may have happened."""


class ForgedNews(Exception):
    """A message that claims to come from the gateway does not."""


class Gateway(Protocol):
    """A company that moves money. Everything that it is asked twice under one key happens once.

    All but `news_of` may raise GatewayFault.
    """

    # Whether cards may be handed over as numbers, rather than on the gateway's own page.
    takes_card_numbers: ClassVar[bool]

    async def save_method(self, tenant: Tenant, card: NewCard) -> SavedMethod:
        """Return the card as the gateway keeps it; raises CardRefused, NotATestCard."""
        ...

    async def charge(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Take the attempt's amount from its method."""
        ...

    async def cancel(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Let a charge that is still pending come to nothing, and never be made; or say how it has ended."""
        ...

    async def authenticate(self, tenant: Tenant, key: UUID, *, is_approved: bool) -> Outcome:
        """Let the customer of a charge that waits for them approve of it, or refuse; only the sandbox is asked so."""
        ...

    async def refund(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Give the attempt's amount back to the method that the charge took it from."""
        ...

    async def look_up(self, tenant: Tenant, key: UUID) -> Outcome | None:
        """Return what became of the attempt with this key, or None where the gateway never heard of it."""
        ...

    def news_of(self, body: bytes, headers: Mapping[str, str]) -> UUID:
        """Return the key of the attempt that a message from the gateway is about; raises ForgedNews."""
        ...


async def save_method(gateway: Gateway, tenant: Tenant, card: NewCard) -> SavedMethod:
    """Return the card as the gateway keeps it; raises CardRefused, NotATestCard, GatewayFault."""
    try:
        async with _elsewhere():
            return await gateway.save_method(tenant, card)
    except TimeoutError:
        raise GatewayFault("no answer in time") from None


@asynccontextmanager
async def _elsewhere() -> AsyncGenerator[None]:
    """Let another company do something, for so long and no longer, with no transaction open.

    What it commits is its own affair: no effect of the request that it is done for.
    """
    assert_no_transaction()
    token = claims.current.set(None)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield
    finally:
        claims.current.reset(token)


async def ask(gateway: Gateway, tenant: Tenant, attempt: Attempt) -> Outcome:
    """Have the gateway carry out an attempt and return what it says; UNKNOWN where it says nothing.

    Safe to call again: the gateway knows the attempt by its key.
    """
    try:
        async with _elsewhere():
            if attempt.kind is AttemptKind.CHARGE:
                return await gateway.charge(tenant, attempt)
            return await gateway.refund(tenant, attempt)
    except (GatewayFault, TimeoutError) as fault:
        log.warning("gateway fault", attempt=str(attempt.id), fault=type(fault).__name__)
        return UNKNOWN


async def cancel(gateway: Gateway, tenant: Tenant, attempt: Attempt) -> Outcome:
    """Let a pending charge come to nothing and return how it ended, or how it had ended; UNKNOWN without an answer."""
    try:
        async with _elsewhere():
            return await gateway.cancel(tenant, attempt)
    except (GatewayFault, TimeoutError) as fault:
        log.warning("gateway fault", attempt=str(attempt.id), fault=type(fault).__name__)
        return UNKNOWN


async def authenticate(gateway: Gateway, tenant: Tenant, key: UUID, *, is_approved: bool) -> Outcome:
    """Let a customer approve of a charge that waits for them, or refuse; return how it ended, or UNKNOWN."""
    try:
        async with _elsewhere():
            return await gateway.authenticate(tenant, key, is_approved=is_approved)
    except (GatewayFault, TimeoutError) as fault:
        log.warning("gateway fault", attempt=str(key), fault=type(fault).__name__)
        return UNKNOWN


async def look_up(gateway: Gateway, tenant: Tenant, attempt: Attempt) -> Outcome | None:
    """Return what became of an attempt, None where the gateway never heard of it, UNKNOWN where it does not say."""
    try:
        async with _elsewhere():
            return await gateway.look_up(tenant, attempt.id)
    except (GatewayFault, TimeoutError) as fault:
        log.warning("gateway fault", attempt=str(attempt.id), fault=type(fault).__name__)
        return UNKNOWN
