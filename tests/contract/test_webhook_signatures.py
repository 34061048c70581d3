"""The official clients accept what is delivered, and nothing else."""

from base64 import b64encode
from typing import Any

import httpx
import pytest
from kelviq_sdk import WebhookVerificationError, validate_event

from tests.contract.node_client import report_of
from tests.contract.receivers import Received, receivers
from tests.contract.server import Server, provision

METADATA = {
    "stadt": "Zürich",
    "名前": "花子",
    "emoji": "🎉",
    "quoted": '"\\/\n\u2028',
    "nested": {"aB": [1, 2.5, None]},
}
PATH = "/hooks/signed"
SECONDS = 60


@pytest.fixture(scope="module")
def delivered(server: Server, partner_key: str) -> tuple[Received, str]:
    """A real delivery, and the secret of its endpoint."""
    organization = provision(server, partner_key, "signatures")
    headers = {"Authorization": f"Bearer {organization.keys.server}"}
    with receivers() as told, httpx.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=30) as client:
        secret = told.listen(client, PATH)
        made = client.post("/customers/", json={"customerId": "ada", "name": "Ada Löwe", "metadata": METADATA})
        assert made.status_code == 201
        assert told.has_come_true(lambda: told.count > 0, SECONDS), "nothing was delivered"
        return told.received[PATH][0], secret


def forgeries(received: Received, secret: str) -> dict[str, tuple[bytes, dict[str, str], str]]:
    """Return, by what is wrong with it, what nobody may accept."""
    body, headers = received.body, received.headers
    later = str(int(headers["webhook-timestamp"]) + 1)
    return {
        "another secret": (body, headers, secret[:-1] + ("a" if secret[-1] != "a" else "b")),
        "a changed byte": (body.replace(b"ada", b"adb"), headers, secret),
        "a byte more": (body + b" ", headers, secret),
        "another time": (body, {**headers, "webhook-timestamp": later}, secret),
        "another id": (body, {**headers, "webhook-id": headers["webhook-id"][::-1]}, secret),
        "no signature": (body, {name: headers[name] for name in headers if name != "webhook-signature"}, secret),
    }


def assert_is_the_event(event: dict[str, Any], received: Received) -> None:
    """See that a client read what was announced."""
    assert (event["type"], event["id"]) == ("customer.created", received.event_id)
    customer = event["data"]["object"]
    assert (customer["customer_id"], customer["name"], customer["metadata"]) == ("ada", "Ada Löwe", METADATA)


def test_the_python_client_accepts_a_delivery(delivered: tuple[Received, str]) -> None:
    received, secret = delivered
    assert_is_the_event(validate_event(received.body, received.headers, secret), received)
    assert_is_the_event(validate_event(received.body.decode(), received.headers, secret), received)


def test_the_python_client_refuses_every_forgery(delivered: tuple[Received, str]) -> None:
    for what, forgery in forgeries(*delivered).items():
        try:
            validate_event(*forgery)
        except WebhookVerificationError:
            continue
        pytest.fail(f"{what} was accepted")


def test_the_node_client_accepts_a_delivery_and_refuses_every_forgery(
    installed: None, delivered: tuple[Received, str]
) -> None:
    received, secret = delivered
    wrong = forgeries(received, secret)
    right = (received.body, received.headers, secret)
    [accepted, *refused] = report_of(
        "webhooks.mjs",
        [
            {"body": b64encode(body).decode(), "headers": headers, "secret": key}
            for body, headers, key in [right, *wrong.values()]
        ],
    )
    assert_is_the_event(accepted["event"], received)
    assert {what: verdict.get("refused") for what, verdict in zip(wrong, refused, strict=True)} == dict.fromkeys(
        wrong, True
    )
