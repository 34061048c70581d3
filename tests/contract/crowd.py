"""Customers who change again and again, whatever becomes of the server, and what became known of it."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from threading import Condition, Thread
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from kelviq_sdk import validate_event

from kelviq_server.platform.embedded import find_running
from kelviq_server.webhooks.deliveries.rules import LEASE_TIME
from tests.contract.killable import Killable
from tests.contract.receivers import Receivers

CLIENTS = 4
CUSTOMERS_OF_EACH = 8
ROUNDS = 6
# The machine may have other things to do; and what a worker that froze had taken waits for 20 seconds.
SECONDS = 180

# A customer's id, and which change of it: the server's answer, the log and every delivery say both.
Change = tuple[str, int]


@dataclass
class Customer:
    """A customer as its client knows it."""

    id: str
    # Which change is tried next; the first is to create it.
    number: int = 0
    exists: bool = False


@dataclass
class Crowd:
    """All customers, and the changes that were acknowledged."""

    acknowledged: set[Change] = field(default_factory=set[Change])
    changed: Condition = field(default_factory=Condition)

    def __post_init__(self) -> None:
        self.customers = [
            [Customer(f"c{client}-{number}") for number in range(CUSTOMERS_OF_EACH)] for client in range(CLIENTS)
        ]

    def waits_for(self, count: int) -> None:
        """Wait until so many changes are acknowledged."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.acknowledged) >= count, SECONDS), "the load stands still"

    def acknowledge(self, change: Change) -> None:
        """Remember what the server said that it did."""
        with self.changed:
            self.acknowledged.add(change)
            self.changed.notify_all()


class Burst:
    """Some rounds of changes to all customers, by several clients at once, which end when the server does."""

    def __init__(self, server: Killable, crowd: Crowd) -> None:
        self._server, self._crowd = server, crowd
        self._threads = [Thread(target=self._change, args=(customers,)) for customers in crowd.customers]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every client is done, or has noticed that the server is gone."""
        for thread in self._threads:
            thread.join()

    def _change(self, customers: list[Customer]) -> None:
        with self._server.client() as client:
            for customer in customers * ROUNDS:
                while not self._is_done(client, customer):
                    if self._server.process.poll() is not None:
                        return

    def _is_done(self, client: httpx.Client, customer: Customer) -> bool:
        """Change a customer once, and say whether there was an answer: without one, it may be so or not."""
        number, customer.number = customer.number, customer.number + 1
        body = {"name": f"n-{number}"}
        try:
            if customer.exists:
                answer = client.patch(f"/customers/{customer.id}/", json=body)
            else:
                answer = client.post("/customers/", json={"customerId": customer.id, **body})
        except httpx.HTTPError:
            return False
        # Where the answer to the first was lost, the customer is there already.
        customer.exists = customer.exists or answer.status_code in (201, 400)
        if answer.is_success:
            self._crowd.acknowledge((customer.id, number))
        return True


class Log:
    """The server's log of events, read part by part."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._cursor: str | None = None

    def read_on(self, client: httpx.Client) -> None:
        """Fetch what came since the last time."""
        following: str | None = "more"
        while following is not None:
            parameters = {} if self._cursor is None else {"after": self._cursor}
            page = client.get("/webhook/events/", params=parameters).json()
            self.events += page["results"]
            self._cursor, following = page["cursor"], page["next"]

    @property
    def ids(self) -> list[str]:
        """The ids of what was read, in order."""
        return [event["id"] for event in self.events]


def change_of(event: dict[str, Any]) -> Change:
    """Return which change an event tells of."""
    customer = event["data"]["object"]
    return customer["customer_id"], int(customer["name"].removeprefix("n-"))


def all_told(server: Killable, told: Receivers, secrets: dict[str, str]) -> Log:
    """Wait until every endpoint was told everything and nothing waits any more, and return the log of it."""
    log, paths, last = Log(), list(secrets), f"last-{uuid4()}"
    until = time.monotonic() + SECONDS
    with server.client() as client:
        # Events are logged in the order in which they are announced: where this one is, all others are.
        assert client.post("/customers/", json={"customerId": last, "name": "n-0"}).status_code == 201
        while True:
            log.read_on(client)
            endpoints = client.get("/webhook/endpoints/?page_size=100").json()["results"]
            waiting = {each["url"]: each["waitingSince"] for each in endpoints if each["waitingSince"] is not None}
            is_logged = any(change_of(event) == (last, 0) for event in log.events[-1:])
            if is_logged and not waiting:
                return log
            assert time.monotonic() < until, (
                f"{len(log.events)} events are logged, {'all' if is_logged else 'not all'} that were announced;"
                f" received were { ({path: len(told.event_ids[path]) for path in paths}) }, these wait: {waiting}"
            )
            # What is not logged yet tells nobody when it is.
            ids = set(log.ids) if is_logged else {last}
            told.has_come_true(lambda ids=ids: told.has_all(ids, paths), seconds=1)


def let_leases_end(data_dir: Path, dead_since: datetime) -> None:
    """Let what was taken by then be due, as after 20 seconds, in the database of the server on this directory."""
    conninfo = find_running(data_dir)
    assert conninfo is not None
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "UPDATE webhook_lanes SET due_at = due_at - %(time)s"
            " WHERE is_taken AND due_at <= %(dead_since)s::timestamptz + %(time)s",
            {"time": LEASE_TIME, "dead_since": dead_since},
        )


def duplicates(told: Receivers, log: Log, crowd: Crowd, secrets: dict[str, str]) -> dict[str, int]:
    """See that nothing is lost, forged or out of order, and return how much each endpoint got more than once."""
    places = {id: place for place, id in enumerate(log.ids)}
    assert len(places) == len(log.ids), "an event is in the log twice"
    changes = [change_of(event) for event in log.events]
    assert crowd.acknowledged <= set(changes), f"lost: {crowd.acknowledged - set(changes)}"
    _assert_in_order("the log", changes)
    for path, secret in secrets.items():
        deliveries = told.received[path]
        events = [validate_event(each.body, each.headers, secret) for each in deliveries]
        assert [event["id"] for event in events] == [each.event_id for each in deliveries]
        assert {event["id"] for event in events} == set(places), f"{path} was not told of everything, or of more"
        assert all(event == log.events[places[event["id"]]] for event in events), f"{path} was told something else"
        _assert_in_order(path, [(change_of(event)[0], places[event["id"]]) for event in events])
    return {path: len(told.received[path]) - len(places) for path in secrets}


def _assert_in_order(where: str, sequence: list[tuple[str, int]]) -> None:
    """See that each customer's numbers never fall; the same once more is a duplicate."""
    of_customers: dict[str, list[int]] = {}
    for customer_id, number in sequence:
        of_customers.setdefault(customer_id, []).append(number)
    for customer_id, numbers in of_customers.items():
        assert all(first <= second for first, second in pairwise(numbers)), f"{where}: {customer_id}: {numbers}"
