"""Customers with meters, and what is sent about them: reports, batches of events, looks at entitlements."""

import json
import random
import time
from collections.abc import Callable
from typing import Any, LiteralString

import httpx
import psycopg

from bench.load import Connection
from kelviq_server.tenants.actions.found_organization import found_organization

CUSTOMERS, FEATURES = 10_000, 10
# In a batch: so many events, of so many customers.
BATCH, SERVED = 200, 20
USAGE, BATCHES, ENTITLEMENTS = "/api/v1/report/usage/", "/api/v1/report/event/batch/", "/api/v1/entitlements/"
Send = Callable[[Connection], int]

# Customers who have every meter, as a subscription would grant it.
_CUSTOMERS: tuple[LiteralString, ...] = (
    "INSERT INTO customers (tenant_id, id, external_id, created_at, modified_at) SELECT %(tenant)s,"
    "  (lpad(to_hex(number), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 'cus_' || number, clock_timestamp(),"
    "  clock_timestamp() FROM generate_series(1, %(customers)s) AS number",
    "INSERT INTO allowances (tenant_id, customer_id, feature_id, lineage_id, subscription_id, is_granted, usage_limit,"
    "  every, anchor_at, time_zone, since, period_start, period_end) SELECT tenant_id, c.id, f.id, c.id, c.id, true,"
    "  1000000000, 'MONTHLY', '2026-01-01', 'UTC', '2026-01-01', date_trunc('month', clock_timestamp()),"
    "  date_trunc('month', clock_timestamp()) + interval '1 month' FROM customers AS c JOIN features AS f"
    "  USING (tenant_id) WHERE tenant_id = %(tenant)s ORDER BY c.id, f.seq",
    "INSERT INTO grants (tenant_id, customer_id, lineage_id, subscription_id, version_id, entries, granted_at)"
    " SELECT tenant_id, c.id, c.id, c.id, c.id, (SELECT json_agg(json_build_object('feature_id', f.id, 'feature',"
    "  identifier, 'feature_type', feature_type) ORDER BY f.seq) FROM features AS f"
    "  WHERE f.tenant_id = c.tenant_id), clock_timestamp() FROM customers AS c WHERE tenant_id = %(tenant)s",
)
# What was reported before: events with their keys, in the months in which the server made their ids.
_EVENTS: tuple[LiteralString, ...] = (
    "CREATE TEMPORARY TABLE more AS SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    "  - number %% 2000000000), 12, '0') || '7000' || md5(number::text)::uuid::text)::text AS made, number"
    " FROM generate_series(%(first)s, %(last)s) AS number",
    "INSERT INTO usage_events (tenant_id, id, customer_id, key, event_name, happened_at, received_at, properties,"
    "  counted) SELECT %(tenant)s, (left(made, 16) || right(replace(made, '-', ''), 16))::uuid,"
    "  (lpad(to_hex(number %% %(customers)s + 1), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 'old-' || number,"
    "  'ask', clock_timestamp(), clock_timestamp(), '{\"tokens\":7}', '[]' FROM more ON CONFLICT DO NOTHING",
    "INSERT INTO usage_keys (tenant_id, key, event_id, digest) SELECT %(tenant)s, md5(number::text) || number,"
    "  (left(made, 16) || right(replace(made, '-', ''), 16))::uuid, decode(md5(number::text), 'hex') FROM more",
    "DROP TABLE more",
)


async def make_key() -> str:
    """Found an organization, and return its server key of production, whose clock is the machine's."""
    _, keys = await found_organization("Bench")
    return keys.production.server.plain


def make_features(url: str, key: str) -> None:
    """Create meters, one of which counts raw events."""
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:
        for number in range(FEATURES):
            source = "RAW_EVENTS" if number == 1 else "PRE_AGGREGATED_USAGE"
            body: dict[str, Any] = {
                "name": f"f{number}", "identifier": f"f{number}", "featureType": "METER",
                "featureDetails": {"featureSubType": source, "units": {"singular": "one", "plural": "many"}},
            }  # fmt: skip
            if source == "RAW_EVENTS":
                body["meter"] = {"aggregation": {"function": "SUM", "field": "tokens"}, "filters": []}
            client.post("/catalog/features/", json=body).raise_for_status()


def fill(watching: psycopg.Connection[Any]) -> int:
    """Let there be customers who have every meter, and return their tenant."""
    row = watching.execute("SELECT DISTINCT tenant_id FROM features").fetchone()
    assert row is not None
    for statement in _CUSTOMERS:
        watching.execute(statement, {"tenant": row[0], "customers": CUSTOMERS})
    watching.execute("VACUUM (ANALYZE)")
    return row[0]


def fill_events(watching: psycopg.Connection[Any], tenant: int, first: int, last: int) -> None:
    """Let the events with these numbers have been reported before."""
    for statement in _EVENTS:
        watching.execute(statement, {"tenant": tenant, "customers": CUSTOMERS, "first": first, "last": last})
    watching.execute("VACUUM (ANALYZE)")


def reports(key: str, *, is_hot: bool = False) -> Send:
    """Return what reports usage of any customer, or always of the same."""

    def send(client: Connection) -> int:
        number = 1 if is_hot else random.randint(1, CUSTOMERS)
        body = b'{"value":1,"customerId":"cus_%d","featureId":"f0","behaviour":"DELTA"}' % number
        return client.request("POST", USAGE, key, body)

    return send


def batches(key: str) -> Send:
    """Return what reports a batch of events, as a server sends it that has served some customers for a while."""
    templates = [_template() for _ in range(64)]

    def send(client: Connection) -> int:
        # Whose events come together changes from batch to batch; their keys never come again.
        pieces, prefix = random.choice(templates), random.randbytes(8).hex().encode()
        body = b"".join(b"%s%s-%d" % (piece, prefix, place) for place, piece in enumerate(pieces[:-1])) + pieces[-1]
        return client.request("POST", BATCHES, key, body)

    return send


def _template() -> list[bytes]:
    """Return a batch, in pieces between its keys."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    served = [f"cus_{random.randint(1, CUSTOMERS)}" for _ in range(SERVED)]
    events = [
        json.dumps(
            {
                "customerId": random.choice(served), "eventName": "ask", "timestamp": now,
                "properties": {"tokens": 7}, "idempotencyKey": "KEY",
            }
        )
        for _ in range(BATCH)
    ]  # fmt: skip
    return [piece.encode() for piece in ('{"events":[' + ",".join(events) + "]}").split("KEY")]


def looks(key: str) -> Send:
    """Return what asks what any customer may do."""

    def send(client: Connection) -> int:
        return client.request("GET", f"{ENTITLEMENTS}?customer_id=cus_{random.randint(1, CUSTOMERS)}", key)

    return send
