"""Who calls: reads the key from the request and remembers whose it is."""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request

from kelviq_server.platform.answers import Forbidden, InvalidKey, Unauthenticated
from kelviq_server.platform.database import INSTANCE
from kelviq_server.platform.operations import Access, Caller
from kelviq_server.platform.public_url import PublicUrl, network_of

# Looks a key up where keys are kept; None for one that is unknown or revoked.
FindCaller = Callable[[str], Awaitable[Caller | None]]

# What no key of ours looks like is refused without asking the database: anybody can send it.
KEY_SHAPE = re.compile(r"(?:[sc]k_(?:sandbox|live)|kvqp)_[A-Za-z0-9]{32,100}")
MAX_REMEMBERED = 10_000
# News of a revoked key comes by signal; this bounds the harm should one ever get lost.
REMEMBER_SECONDS = 60


class KeyMemory:
    """Whose key it is, remembered by the key's hash, until news says otherwise."""

    def __init__(self, find: FindCaller) -> None:
        self._find = find
        self._known: dict[bytes, tuple[Caller, float]] = {}
        self._news = 0

    async def caller(self, key: str) -> Caller | None:
        """Return who calls with this key, or None."""
        hash = hashlib.sha256(key.encode()).digest()
        known = self._known.get(hash)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        news = self._news
        caller = await self._find(key)
        # What was looked up before the news came may be out of date already.
        if caller is not None and news == self._news:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[hash] = (caller, time.monotonic() + REMEMBER_SECONDS)
        return caller

    def forget(self, hash_hex: str) -> None:
        """Look this key up anew."""
        self._news += 1
        self._known.pop(bytes.fromhex(hash_hex), None)

    def forget_all(self) -> None:
        """Look every key up anew."""
        self._news += 1
        self._known.clear()


class Authentication:
    """Server and client keys come as a Bearer token, partner keys in their own header; what is public needs none."""

    def __init__(self, keys: KeyMemory, partner_keys: KeyMemory, public_url: PublicUrl | None = None) -> None:
        self._keys = keys
        self._partner_keys = partner_keys
        self._public_url = public_url or PublicUrl(None, ())

    async def __call__(self, request: Request, access: Access) -> Caller:
        """Return who calls; raises Unauthenticated, InvalidKey, or Forbidden for a client key out of its place."""
        if access is Access.PUBLIC:
            return Caller(INSTANCE, f"address:{network_of(self._public_url.client_of(request))}", access)
        if access is Access.PARTNER:
            return await _caller(self._partner_keys, request.headers.get("x-kelviq-partner-key"))
        header = request.headers.get("authorization")
        scheme, _, token = (header or "").partition(" ")
        if header is not None and scheme.lower() != "bearer":
            raise InvalidKey
        caller = await _caller(self._keys, None if header is None else token.strip())
        if access is Access.SERVER and caller.access is not Access.SERVER:
            raise Forbidden
        return caller


async def _caller(keys: KeyMemory, key: str | None) -> Caller:
    if key is None:
        raise Unauthenticated
    if not KEY_SHAPE.fullmatch(key):
        raise InvalidKey
    caller = await keys.caller(key)
    if caller is None:
        raise InvalidKey
    return caller
