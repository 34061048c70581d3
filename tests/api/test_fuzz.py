"""Thousands of requests made from our own document: none finds an answer that the document does not announce."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.server import Server, running_server

HERE = Path(__file__).parent
EXAMPLES_PER_OPERATION = 25
# Chains of requests begin with a list: it must not be empty, also after many were archived.
CUSTOMERS, ORGANIZATIONS, PLANS, BUYERS = 300, 5, 40, 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a database of its own."""
    with running_server(tmp_path_factory.mktemp("fuzzed")) as server:
        yield server


def test_no_request_finds_an_answer_that_the_document_does_not_announce(server: Server, tmp_path: Path) -> None:
    partner_key = server.command("partner", "create", "Fuzz")
    _fill(server, partner_key)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "fuzz.toml")),
            *("run", f"{server.url}/api/v1/openapi.json", "--continue-on-failure"),
            *("--max-examples", str(EXAMPLES_PER_OPERATION), "--warnings", "off"),
        ],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), "FUZZ_SERVER_KEY": server.sandbox.server,
             "FUZZ_PARTNER_KEY": partner_key},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _fill(server: Server, partner_key: str) -> None:
    base = f"{server.url}/api/v1"
    with httpx.Client(headers={"Authorization": f"Bearer {server.sandbox.server}"}) as api:
        for number in range(CUSTOMERS):
            api.post(f"{base}/customers/", json={"customerId": f"c-{number}"}).raise_for_status()
        for number in range(PLANS):
            body = {"name": f"Product {number}", "identifier": f"product-{number}", "taxCode": "saas"}
            product = api.post(f"{base}/catalog/products/", json=body).raise_for_status().json()["id"]
            api.post(f"{base}/catalog/features/", json={"name": "F", "featureType": "BOOLEAN"}).raise_for_status()
            plan = {"name": "Plan", "identifier": f"plan-{number}", "product": product}
            api.post(f"{base}/catalog/plans/", json=plan).raise_for_status()
            discount = {"name": "Tenth", "type": "PERCENTAGE", "percentage": 10}
            api.post(f"{base}/discounts/", json=discount).raise_for_status()
        _sell(api, base)
    with httpx.Client(headers={"X-Kelviq-Partner-Key": partner_key}) as api:
        for number in range(ORGANIZATIONS):
            body = {"externalId": f"o-{number}", "email": f"owner-{number}@example.com"}
            api.post(f"{base}/partner/organizations/", json=body).raise_for_status()


def _sell(api: httpx.Client, base: str) -> None:
    """Have customers buy something with a card, and give some of them a part back."""
    charge = {"chargePeriod": "ONE_TIME", "priceData": {"amount": 49}}
    prices = [{"priceType": "PAID", "chargeCatalogPrice": [{"priceModel": "FLAT", "charges": [charge]}]}]
    api.post(f"{base}/catalog/plans/plan-0/prices/bulk/", json={"prices": prices}).raise_for_status()
    api.post(f"{base}/catalog/plans/plan-0/publish/", json={}).raise_for_status()
    for number in range(BUYERS):
        customer = {"customerId": f"c-{number}"}
        api.post(f"{base}/payment-methods/", json={**customer, "cardNumber": "4242424242424242"}).raise_for_status()
        bought = {**customer, "planIdentifier": "plan-0", "chargePeriod": "ONE_TIME"}
        order = api.post(f"{base}/charges/", json=bought).raise_for_status().json()["orderId"]
        api.post(f"{base}/refunds/", json={"orderId": order, "amount": 9}).raise_for_status()
