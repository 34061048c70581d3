"""The picture of a product is on the page on which it is bought, though files are elsewhere, in a real browser."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.buying import shop
from tests.contract.seaweed import CREDENTIALS, running_seaweed
from tests.contract.server import LOOPBACK, Server, running_server

# One dot.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that keeps files in a bucket on another origin."""
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as bucket:
        environment = {
            **LOOPBACK,
            "KELVIQ_S3_BUCKET": bucket.name,
            "KELVIQ_S3_ENDPOINT": bucket.endpoint or "",
            "KELVIQ_S3_REGION": bucket.region,
            "KELVIQ_S3_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
            "KELVIQ_S3_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        }
        with running_server(tmp_path_factory.mktemp("pictures"), environment=environment) as server:
            yield server


async def upload(form: dict[str, Any]) -> None:
    async with httpx.AsyncClient() as client:
        posted = await client.post(form["url"], data=form["fields"], files={"file": ("x", PICTURE)})
    assert posted.status_code == 204, posted.text


async def test_the_picture_is_there(server: Server, tab: Page) -> None:
    keys = json.loads(server.command("org", "create", "Pictures"))
    with shop(server, keys["sandbox"]["serverKey"]) as sells:
        asked = sells.api.post("/media/", json={"fileName": "dot.png", "fileType": "image/png"}).json()
        await upload(asked)
        body = {"imageKeys": [asked["fileKey"]]}
        sells.api.patch(f"/catalog/products/{sells.product}/", json=body).raise_for_status()
        await tab.goto(sells.opened())
        picture = tab.locator(".product img")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("async (img) => { await img.decode(); return img.naturalWidth; }") == 1
