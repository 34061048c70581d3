"""Servers on loopback that answer as a test wants, other things that listen, and who calls them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from ipaddress import ip_network

from kelviq_server.platform.outgoing import Outgoing

HERE = "127.0.0.1/32"
HEADERS = {"Content-Type": "application/json", "webhook-id": "1"}
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Listening:
    """A server, and what reached it."""

    def __init__(self, talk: Talk) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []
        self._talk = talk
        self.tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with whoever connected."""
        self.connections += 1
        self.tasks.add(asyncio.create_task(self._converse(reader, writer)))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not reader.at_eof() and not writer.is_closing():
                    self.requests.append(await request(reader))
                    await self._talk(reader, writer)
        finally:
            writer.close()


@asynccontextmanager
async def sending(*networks: str, timeout_seconds: float = 10) -> AsyncIterator[Outgoing]:
    """Give what sends requests, with these networks open; it hangs up when the block ends."""
    outgoing = Outgoing([ip_network(each) for each in networks], timeout_seconds)
    try:
        yield outgoing
    finally:
        await outgoing.close()


async def request(reader: asyncio.StreamReader) -> bytes:
    """Return the next request whole, as it came."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


def saying(answer: bytes, *, end: bool = False) -> Talk:
    """Answer so to every request, and hang up if that is the end."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        if end:
            writer.close()

    return talk


@asynccontextmanager
async def listening(
    talk: Talk, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listening]:
    """Listen until the block ends."""
    listener = bound(host)
    # So that much that was sent, but not read, is seen to be so.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    here = Listening(talk)
    server = await asyncio.start_server(here.accept, sock=listener, ssl=tls)
    here.port = listener.getsockname()[1]
    try:
        yield here
    finally:
        server.close()
        for task in here.tasks:
            task.cancel()
        await asyncio.gather(*here.tasks, return_exceptions=True)
        await server.wait_closed()


def bound(host: str, port: int = 0) -> socket.socket:
    """Return a socket that listens; connections that nobody accepts wait in it."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen()
    listener.setblocking(False)
    return listener


@contextmanager
def untouched(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Give a port that accepts connections, and hold that none was made when the block ends."""
    with bound(host, port) as listener:
        yield listener.getsockname()[1]
        with suppress(BlockingIOError):
            stranger, _ = listener.accept()
            stranger.close()
            raise AssertionError("somebody connected")
