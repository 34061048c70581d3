"""Endpoints that take everything at once, in a process of their own: what they cost is not the worker's.

`python -m bench.receivers 20` prints the ports that it listens on and serves until its standard input ends.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Receiver(asyncio.Protocol):
    """One kept connection: reads requests with a Content-Length, answers each."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            size = end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._buffer) < size:
                return
            del self._buffer[:size]
            self._transport.write(ANSWER)


@contextmanager
def receivers(count: int) -> Generator[list[str]]:
    """Run so many endpoints and give their addresses."""
    command = [sys.executable, "-m", "bench.receivers", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        try:
            yield [f"http://127.0.0.1:{port}/hooks" for port in ports]
        finally:
            process.stdin.close()


async def _serve(count: int) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(_Receiver, "127.0.0.1", 0) for _ in range(count)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
