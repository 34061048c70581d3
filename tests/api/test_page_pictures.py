"""Pages show pictures of products from our own origin."""

from uuid import uuid4

from starlette.applications import Starlette

from kelviq_server.platform.file_store import current_file_store
from tests import make
from tests.api import checkout, subscriptions
from tests.api.buying import at
from tests.api.conftest import Client
from tests.make import Made

ORIGIN = "http://testserver"


async def test_a_page_shows_the_picture_of_its_product(app: Starlette, api: Client, made: Made) -> None:
    content = bytes(range(250)) * 2000
    upload = await make.upload(made.sandbox, content, "größe.png")
    fields = {"name": "Suite", "taxCode": "saas", "imageKeys": [upload.upload_key]}
    product = (await api.post("/catalog/products/", fields)).json()
    await subscriptions.recurring(api, product_id=product["id"])
    window = await at(app, await checkout.opened(api))
    path = f"/pages/pictures/{product['images'][0]['id']}"
    assert f'<img src="{path}" alt=""' in window.answer.text
    shown = await window.http.get(path, follow_redirects=False)
    assert (shown.status_code, shown.content) == (200, content)
    assert shown.headers["content-length"] == str(len(content))
    assert (shown.headers["content-type"], shown.headers["x-content-type-options"]) == ("image/png", "nosniff")
    assert shown.headers["content-security-policy"].startswith("sandbox;")
    assert shown.headers["cache-control"] == "public, max-age=3600"
    assert shown.headers["content-disposition"].startswith("inline; ")


async def test_nothing_but_public_pictures_is_passed_on(anonymous: Client, made: Made) -> None:
    async def status(id: object) -> int:
        return (await anonymous.http.get(f"{ORIGIN}/pages/pictures/{id}")).status_code

    picture = await make.attached(made.sandbox, public=True)
    private = await make.attached(made.sandbox)
    assert [await status(id) for id in (picture.id, private.id, uuid4(), "x", "%00")] == [200, 404, 404, 404, 404]
    await current_file_store().delete([picture.file_key])
    assert await status(picture.id) == 404, "the row stands, the object is gone"
