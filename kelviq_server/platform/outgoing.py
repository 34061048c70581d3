"""Requests to addresses that somebody else chose: resolved once, checked, and sent to just what was checked.

Nothing is sent to the instance's own surroundings, redirects are not followed, and every answer has a limit.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult

from kelviq_server.platform.addresses import PORTS, Network, has_public_port, is_in, is_public
from kelviq_server.platform.database import assert_no_transaction

TIMEOUT_SECONDS = 10
MAX_ANSWER_BYTES = 4096
# Shorter than any server's own patience with an idle connection: it would hang up just when we send.
KEEP_ALIVE_SECONDS = 1.5
# Nothing long is read, and whoever floods us is slowed down by it.
RECEIVED_AT_ONCE = 16 * 1024
# One text for all, which does not tell what the names of the instance's surroundings stand for.
_REFUSAL = f"Only the public internet is called, by https on port {PORTS[0]} or {PORTS[1]}."


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request: an answer, or why there is none."""

    status: int | None
    # The beginning of the answer's body, MAX_ANSWER_BYTES at the most.
    body: bytes
    failure: str | None
    milliseconds: int

    @property
    def is_success(self) -> bool:
        """Say whether the other side took it."""
        return self.status is not None and 200 <= self.status < 300


class _Refused(OSError):
    """The address is none that we connect to."""


class TooLate(Exception):
    """The time at which a request had to begin is over; nothing was sent."""


@dataclass(slots=True)
class _Exchange:
    """One request, and how far it came."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    begin_by: datetime | None
    # Whether it went out on a connection that was kept from an earlier one.
    is_on_kept: bool = False
    status: int | None = None
    answer: bytearray = field(default_factory=bytearray)

    def refuse_too_late(self) -> None:
        """Raise TooLate where it had to begin earlier."""
        if self.begin_by is not None and datetime.now(UTC) > self.begin_by:
            raise TooLate


_exchange: ContextVar[_Exchange] = ContextVar("exchange")


class _Request(aiohttp.ClientRequest):
    """Looks at the time once more when it has a connection: one may freeze while it waits for that, too."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Send it; raises TooLate."""
        _exchange.get().refuse_too_late()
        return await super().send(conn)


class _Resolver(AbstractResolver):
    """Looks names up in threads of their own: a name server that hangs keeps nobody else waiting."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name; raises OSError."""
        found = await _in_a_thread(lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        return [
            ResolveResult(
                hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, place in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Let go of nothing."""


class Outgoing:
    """Sends requests. `networks` are open besides the public internet, on any port and by http too."""

    def __init__(self, networks: Sequence[Network] = (), timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.networks = tuple(networks)
        self._timeout_seconds = timeout_seconds
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, begin_by: datetime | None = None
    ) -> Reply:
        """Send a body and return what came of it; it raises nothing for what the other side does.

        With the status the answer is known: what is wrong with its body changes nothing. Raises TooLate instead of
        sending after `begin_by`, in machine time: a process can freeze at any line.
        """
        assert_no_transaction()
        begin, failure = time.perf_counter(), None
        exchange = _Exchange(url, headers, body, begin_by)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._send(exchange)
        except TimeoutError:
            failure = f"There was no answer within {self._timeout_seconds:g} seconds."
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            failure = _said(error)[:500]
        taken = int((time.perf_counter() - begin) * 1000)
        return Reply(exchange.status, bytes(exchange.answer), failure if exchange.status is None else None, taken)

    async def close(self) -> None:
        """Hang up everywhere."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def _send(self, exchange: _Exchange) -> None:
        while True:
            exchange.is_on_kept = False
            try:
                return await self._once(exchange)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # A kept connection that the other side had just closed says nothing about the other side.
                if not exchange.is_on_kept or exchange.status is not None:
                    raise

    async def _once(self, exchange: _Exchange) -> None:
        exchange.refuse_too_late()
        _exchange.set(exchange)
        async with self._session(exchange.url).post(
            exchange.url,
            data=exchange.body,
            headers=exchange.headers,
            allow_redirects=False,
            trace_request_ctx=exchange,
        ) as response:
            exchange.status = response.status
            await _read_beginning(response.content, exchange.answer)
            if not response.content.at_eof():
                response.close()

    def _session(self, url: str) -> aiohttp.ClientSession:
        """Return the session for such an address: one that speaks https and may go to the public internet, or not.

        A plain prefix, so that no two readings of one address differ.
        """
        scheme = "https" if url[:8].lower() == "https://" else "http"
        if scheme not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=0,
                resolver=_Resolver(),
                ssl=_trust() if scheme == "https" else True,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=self._guard(scheme),
            )
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": "Kelviq-Server"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
                skip_auto_headers=("Accept", "Accept-Encoding"),
                trace_configs=[_tracing()],
                request_class=_Request,
            )
        return self._sessions[scheme]

    def _guard(self, scheme: str) -> Callable[[Any], socket.socket]:
        """Return what opens sockets: the last to see an address and a port before they are connected to."""

        def open_socket(place: Any) -> socket.socket:
            family, kind, protocol, _, (host, port, *_) = place
            address = ip_address(host.partition("%")[0])
            if not is_in(address, self.networks) and not (is_public(address) and has_public_port(scheme, port)):
                raise _Refused(_REFUSAL)
            opened = socket.socket(family, kind, protocol)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_AT_ONCE)
            opened.setblocking(False)
            return opened

        return open_socket


async def _read_beginning(content: aiohttp.StreamReader, into: bytearray) -> None:
    while len(into) < MAX_ANSWER_BYTES and (part := await content.read(MAX_ANSWER_BYTES - len(into))):
        into += part


def _tracing() -> aiohttp.TraceConfig:
    async def note(session: aiohttp.ClientSession, context: Any, parameters: Any) -> None:
        context.trace_request_ctx.is_on_kept = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(note)
    return config


def _said(error: Exception) -> str:
    """Return in one sentence why a request came to nothing."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"The name {error.host} could not be resolved."
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as fault):
            return f"The certificate is not valid: {fault.verify_message.rstrip('.')}."
        case aiohttp.ClientConnectorError(os_error=cause):
            return _said_of_connecting(cause)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "The connection was closed before an answer came."
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return "The answer is incomplete or not valid HTTP."
        case RuntimeError():
            return "The server has too much to do just now."
        case _:
            return "The address is not valid."


def _said_of_connecting(cause: OSError) -> str:
    match cause:
        case _Refused():
            return str(cause)
        case ssl.SSLError(reason=str(reason)):
            return f"No secure connection could be made: {reason.replace('_', ' ').lower()}."
        case OSError(errno=errno.ECONNREFUSED):
            return "The connection was refused."
        case _:
            return "The connection could not be made."


def _trust() -> ssl.SSLContext:
    """Return whom we believe: the machine's certificates, and, for machines that have none, the usual ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


async def _in_a_thread(work: Callable[[], Any]) -> Any:
    """Return what the work returns; the process need not wait for it to end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def finish(result: Any, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:
            failure = error
        # The loop may be closed by now, with nobody left to tell.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, result, failure)

    threading.Thread(target=run, daemon=True).start()
    return await done


_outgoing: Outgoing | None = None


def use_outgoing(outgoing: Outgoing) -> None:
    """Make this what the process sends requests with."""
    global _outgoing
    _outgoing = outgoing


def current_outgoing() -> Outgoing:
    """Return what the process sends requests with."""
    if _outgoing is None:
        raise RuntimeError("nothing says where requests may go")
    return _outgoing
