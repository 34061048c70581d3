"""A merchant's server: takes webhooks on loopback, remembers them, and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """Return the event that came."""
        return json.loads(self.body)


# Returns the status to answer with, and the body; None leaves the request without an answer.
Answering = Callable[[Received], tuple[int, bytes] | None]


@dataclass
class Receiver:
    """A server that listens; what it received stands in order."""

    url: str = ""
    answering: Answering = lambda received: (200, b"ok")
    received: list[Received] = field(default_factory=list[Received])
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    def answer(self, status: int, body: bytes = b"") -> None:
        """Answer so from now on."""
        self.answering = lambda received: (status, body)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the events that came, in order."""
        return [received.event for received in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the requests of one connection."""
        self._open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                received = Received(first.split()[1], headers, body)
                self.received.append(received)
                answer = self.answering(received)
                if answer is not None:
                    status, content = answer
                    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        """Close every connection."""
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Give a receiver that listens until the block ends."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    receiver.url = f"http://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        server.close()
        receiver.hang_up()
