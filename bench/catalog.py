"""The catalog's part of the table: lists of plans, and publishing."""

import json
import statistics
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

from bench.load import median_milliseconds, run_round
from bench.processes import keys, our_server

PLANS, ENTITLEMENTS, CURRENCIES = 2_000, 10, ("USD", "EUR")
LIST = "/api/v1/catalog/plans/"
ROUNDS = 5
Row = Callable[[str, str, str, bool | None], None]


def catalog(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure an environment of 2,000 published plans, each with two prices and ten entitlements."""
    with psycopg.connect(cluster_conninfo, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench_catalog")
        connection.execute("CREATE DATABASE bench_catalog")
    conninfo = make_conninfo(cluster_conninfo, dbname="bench_catalog")
    directory.mkdir(exist_ok=True)
    with our_server(directory, conninfo) as ours:
        key = keys(directory)["sandbox"]
        with httpx.Client(
            base_url=f"{ours.url}/api/v1/catalog/", headers={"Authorization": f"Bearer {key}"}, timeout=30
        ) as api:
            features = [_feature(api, f"f{number}") for number in range(50)]
            product = _made(api.post("products/", json={"name": "Suite", "taxCode": "saas"}))["id"]
            _fill(api, product, features)
            with psycopg.connect(conninfo, autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")
            _lists(ours.url, key, row)
            _publishing(api, product, features, row)


def _lists(url: str, key: str, row: Row) -> None:
    targets = {
        "plain": f"{LIST}?page_size=100",
        "whole": f"{LIST}?page_size=100&include=prices,entitlements",
        "last": f"{LIST}?page_size=100&include=prices,entitlements&page=20",
        "one": f"{LIST}?page_size=1&include=prices,entitlements",
    }
    times: dict[str, list[float]] = {name: [] for name in targets}
    for _ in range(ROUNDS):
        for name, path in targets.items():
            round = run_round(url, 1, lambda client, p=path: client.request("GET", p, key), seconds=0.8)
            assert not round.failures
            times[name].append(round.median_milliseconds)
    taken = {name: statistics.median(values) for name, values in times.items()}
    against_plain = statistics.median(a / b for a, b in zip(times["whole"], times["plain"], strict=True))
    later = statistics.median(a / b for a, b in zip(times["last"], times["whole"], strict=True))
    against_one = statistics.median(a / b for a, b in zip(times["whole"], times["one"], strict=True))
    row("100 of 2,000 plans with prices and entitlements", f"{taken['whole']:.1f} ms", "", None)
    row("the same against 100 plans without", f"{against_plain:.1f}", "", None)
    row("the same against one plan with them: 100 times as much", f"{against_one:.1f}", "20", against_one <= 20)
    row("page 20 of them against page 1, time", f"{later:.2f}", "1.5", later <= 1.5)


def _publishing(api: httpx.Client, product: str, features: list[str], row: Row) -> None:
    """Publish plans that inherit 50 entitlements, which are written down then, against plans that inherit one."""
    for name, count in (("base-50", 50), ("base-1", 1)):
        _plan(api, product, name, features[:count])
    times: dict[str, list[float]] = {"base-50": [], "base-1": []}
    for number in range(8 * ROUNDS):
        for base in times:
            name = f"{base}-child-{number}"
            _draft(api, product, name, [])
            _made(api.put(f"plans/{name}/features/", json={"planEntitlements": [], "basePlan": base}))
            publish = f"plans/{name}/publish/"
            times[base].append(median_milliseconds(lambda p=publish: _made(api.post(p, json={})), 1))
    ratio = statistics.median(a / b for a, b in zip(times["base-50"], times["base-1"], strict=True))
    row("publish a plan with 50 entitlements", f"{statistics.median(times['base-50']):.1f} ms", "", None)
    row("the same against one entitlement", f"{ratio:.2f}", "2", ratio <= 2)


def _fill(api: httpx.Client, product: str, features: list[str]) -> None:
    numbers = iter(range(PLANS))
    lock = threading.Lock()

    def worker() -> None:
        while (number := _next(numbers, lock)) is not None:
            start = number % (len(features) - ENTITLEMENTS)
            _plan(api, product, f"plan-{number}", features[start : start + ENTITLEMENTS])

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _next(numbers: Iterator[int], lock: threading.Lock) -> int | None:
    with lock:
        return next(numbers, None)


def _plan(api: httpx.Client, product: str, name: str, features: list[str]) -> None:
    _draft(api, product, name, features)
    _made(api.post(f"plans/{name}/publish/", json={}))


def _draft(api: httpx.Client, product: str, name: str, features: list[str]) -> None:
    _made(api.post("plans/", json={"name": name, "identifier": name, "product": product}))
    details = {"value": 10_000, "reset": "EVERY_MONTH", "hardLimit": True}
    entitlements = [{"feature": feature, "details": details} for feature in features]
    if entitlements:
        _made(api.post(f"plans/{name}/features/", json={"planEntitlements": entitlements}))
    charges = [{"chargePeriod": period, "priceData": {"amount": 49}} for period in ("MONTHLY", "YEARLY")]
    prices = [
        {"priceType": "PAID", "currency": currency, "chargeCatalogPrice": [{"priceModel": "FLAT", "charges": charges}]}
        for currency in CURRENCIES
    ]
    _made(api.post(f"plans/{name}/prices/bulk/", json={"prices": prices}))


def _feature(api: httpx.Client, name: str) -> str:
    details = {"featureSubType": "PRE_AGGREGATED_USAGE", "units": {"singular": "unit", "plural": "units"}}
    return _made(api.post("features/", json={"name": name, "featureType": "METER", "featureDetails": details}))["id"]


def _made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    return json.loads(answer.content)
