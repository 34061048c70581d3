"""What is seen of every request: its id, a line in the log, a measurement. Never a key, never an e-mail."""

import re
from time import perf_counter
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import Message, Scope, Send

log = structlog.get_logger()

REQUESTS = Counter("kelviq_requests_total", "Requests answered", ["operation", "status"])
SECONDS = Histogram("kelviq_request_seconds", "Time to answer a request", ["operation"])

_SANE_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")


class Observation:
    """Follows one request from its first byte to its last."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._started = perf_counter()
        self._status = 0
        self._method = scope["method"]
        # The server's own, made in process: nobody sent it.
        self._is_ours = scope.get("is_ours", False)
        self.operation = "none"
        self.open_to_browsers = False
        self.tenant_id: int | None = None
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        self.request_id = sent.decode() if _SANE_ID.fullmatch(sent) else uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=self.request_id)

    async def send(self, message: Message) -> None:
        """Pass the answer on, with its id."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"].append((b"x-request-id", self.request_id.encode()))
            if all(name != b"cache-control" for name, _ in message["headers"]):
                # Answers hold customers and keys: nothing between us and the caller is to keep them.
                message["headers"].append((b"cache-control", b"no-store"))
            if self.open_to_browsers:
                message["headers"].append((b"access-control-allow-origin", b"*"))
                exposed = b"X-Request-Id, Retry-After, Idempotent-Replayed"
                message["headers"].append((b"access-control-expose-headers", exposed))
        await self._send(message)

    def finish(self) -> None:
        """Write down what happened. The path is left out: it holds identifiers that may be e-mails."""
        seconds = perf_counter() - self._started
        REQUESTS.labels(self.operation, self._status).inc()
        SECONDS.labels(self.operation).observe(seconds)
        # What operators and browsers ask for themselves comes every few seconds.
        write = log.debug if self.operation == "pages" or self._is_ours else log.info
        write(
            "request",
            method=self._method,
            operation=self.operation,
            status=self._status,
            tenant_id=self.tenant_id,
            milliseconds=int(seconds * 1_000_000) / 1000,
        )
        structlog.contextvars.clear_contextvars()
