"""Endpoints on loopback that remember what they were told, and such as never answer."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

import httpx
from starlette.types import Receive, Scope, Send

from tests.contract.loopback import served

SILENT = "/silent/"


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """The event's id, as the headers name it."""
        return self.headers["webhook-id"]


class Receivers:
    """Every path is an endpoint. Those below `SILENT` take everything in and never answer."""

    def __init__(self) -> None:
        self.received: defaultdict[str, list[Received]] = defaultdict(list)
        self.event_ids: defaultdict[str, set[str]] = defaultdict(set)
        # How many requests to an endpoint are not answered, and how many were given up.
        self.open: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()
        self.url = ""
        self._changed = Condition()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a delivery."""
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message.get("more_body"):
                break
        path = scope["path"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self._note(path, Received(headers, body))
        if path.startswith(SILENT):
            await receive()
            self._give_up(path)
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    @property
    def count(self) -> int:
        """How much came in, at all endpoints."""
        return sum(map(len, self.received.values()))

    def has_all(self, event_ids: set[str], paths: list[str]) -> bool:
        """Say whether each of these endpoints was told each of these events."""
        # Counted first: that is what is asked each time something comes in.
        return all(len(self.event_ids[path]) >= len(event_ids) and self.event_ids[path] >= event_ids for path in paths)

    def has_come_true(self, what: Callable[[], bool], seconds: float) -> bool:
        """Look whenever something comes in, until it is so or the time is over; say whether it is."""
        with self._changed:
            return self._changed.wait_for(what, seconds)

    def listen(self, client: httpx.Client, path: str) -> str:
        """Have a server tell this endpoint of everything, and return its secret."""
        answer = client.post("/webhook/endpoints/", json={"url": self.url + path})
        assert answer.status_code == 201, answer.text
        return answer.json()["secret"]

    def _note(self, path: str, received: Received) -> None:
        with self._changed:
            self.received[path].append(received)
            self.event_ids[path].add(received.event_id)
            if path.startswith(SILENT):
                self.open[path] += 1
            self._changed.notify_all()

    def _give_up(self, path: str) -> None:
        with self._changed:
            self.open[path] -= 1
            self.given_up[path] += 1
            self._changed.notify_all()


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Take deliveries until the block ends."""
    made = Receivers()
    with served(made) as made.url:
        yield made
