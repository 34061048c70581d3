"""A small HTTP load generator: threads with plain sockets, so that it costs little beside what it measures."""

import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

ROUND_SECONDS = 2.0


@dataclass(frozen=True)
class Rate:
    """What one round came to."""

    per_second: float
    median_milliseconds: float
    failures: int


class Connection:
    """One keep-alive connection."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._host = f"{parts.hostname}:{parts.port}"
        self._socket = socket.create_connection((parts.hostname, parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(1 << 20)

    def request(self, method: str, path: str, key: str | None = None, body: bytes = b"", tag: str | None = None) -> int:
        """Send a request, read the whole answer and return its status."""
        self._socket.sendall(self._head(method, path, key, len(body), tag) + body)
        view = memoryview(self._buffer)
        size = 0
        while (end := self._buffer.find(b"\r\n\r\n", 0, size)) < 0:
            size += self._receive(view[size:])
        head = bytes(view[:end]).lower()
        marker = head.find(b"content-length:")
        length = int(head[marker + 15 :].split(b"\r\n", 1)[0]) if marker >= 0 else 0
        left = length - (size - end - 4)
        while left > 0:
            left -= self._receive(view[: min(left, len(view))])
        return int(head[9:12])

    def _receive(self, into: memoryview) -> int:
        received = self._socket.recv_into(into)
        if not received:
            raise ConnectionError("the server closed the connection")
        return received

    def _head(self, method: str, path: str, key: str | None, length: int, tag: str | None) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        if key:
            lines.append(f"Authorization: Bearer {key}")
        if tag:
            lines.append(f"If-None-Match: {tag}")
        if length:
            lines += ["Content-Type: application/json", f"Content-Length: {length}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def run_round(base_url: str, clients: int, send: Callable[[Connection], int], seconds: float = ROUND_SECONDS) -> Rate:
    """Let so many clients send one request after the other for some seconds."""
    times: list[float] = []
    failures: list[int] = []
    started = time.perf_counter()
    until = started + seconds

    def client() -> None:
        connection = Connection(base_url)
        own: list[float] = []
        while (begin := time.perf_counter()) < until:
            status = send(connection)
            own.append(time.perf_counter() - begin)
            if status >= 400:
                failures.append(status)
        connection.close()
        times.extend(own)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    return Rate(len(times) / elapsed, statistics.median(times) * 1000, len(failures))


def median_milliseconds(work: Callable[[], object], times: int) -> float:
    """Return how long the work takes, at the median."""
    taken: list[float] = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1000
