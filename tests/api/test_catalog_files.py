"""Images of products and files of plans: from the upload to the one who looks at them or downloads them."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.media.actions.sweep_uploads import sweep_uploads
from kelviq_server.platform.database import reading
from kelviq_server.platform.file_store import machine_time
from tests import make
from tests.api.catalog import plan, price, product, publish, set_prices
from tests.api.conftest import Client
from tests.make import Made

PRO = "/catalog/plans/pro/"
ORIGIN = "http://testserver"


async def uploaded(
    api: Client, app: Starlette, name: str = "a.png", kind: str = "image/png", content: bytes = b"x"
) -> str:
    asked = (await api.post("/media/", {"fileName": name, "fileType": kind})).json()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as browser:
        posted = await browser.post(asked["url"], data=asked["fields"], files={"file": (name, content)})
    assert posted.status_code == 204, posted.text
    return asked["fileKey"]


async def opened(app: Starlette, address: str, **headers: str) -> httpx.Response:
    """Follow an address as a browser does, without any key."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), follow_redirects=True) as browser:
        return await browser.get(address, headers=headers)


async def test_images_are_attached_in_their_order_and_anybody_sees_them(api: Client, app: Starlette) -> None:
    keys = [await uploaded(api, app, f"{n}.png", content=n.encode()) for n in ("one", "two")]
    made = await product(api, imageKeys=keys)
    assert [(image["name"], image["ordering"], image["thumbnail"], image["enabled"]) for image in made["images"]] == [
        ("one.png", 0, True, True), ("two.png", 1, False, True),
    ]  # fmt: skip
    seen = await opened(app, made["images"][1]["image"])
    assert (seen.content, seen.headers["content-type"]) == (b"two", "image/png")
    third = await uploaded(api, app, "three.png")
    path = f"/catalog/products/{made['id']}/"
    changed = (await api.patch(path, {"imageKeys": [third]})).json()
    assert [image["name"] for image in changed["images"]] == ["one.png", "two.png", "three.png"]
    assert changed["images"][:2] == made["images"]
    assert changed["modifiedOn"] > made["modifiedOn"]


async def test_one_image_is_the_thumbnail(api: Client, app: Starlette) -> None:
    made = await product(api, imageKeys=[await uploaded(api, app, f"{n}.png") for n in "abc"])
    path = f"/catalog/products/{made['id']}/"
    first, second, third = (f"{path}image/{image['id']}/" for image in made["images"])
    changed = (await api.patch(second, {"thumbnail": True, "name": "Hero", "ordering": 9})).json()
    assert (changed["thumbnail"], changed["name"], changed["ordering"]) == (True, "Hero", 9)
    images = (await api.get(path)).json()["images"]
    assert [(image["name"], image["thumbnail"]) for image in images] == [
        ("a.png", False), ("c.png", False), ("Hero", True),
    ]  # fmt: skip
    await api.patch(third, {"enabled": False})
    assert (await api.delete(second)).status_code == 204
    assert (await api.delete(second)).status_code == 404
    assert [image["enabled"] for image in (await api.get(path)).json()["images"]] == [True, False]
    assert (await api.patch(first, {"thumbnail": "yes"})).json() == {"thumbnail": ["Must be a valid boolean."]}


async def test_a_deleted_image_is_gone_from_the_store_after_a_while(api: Client, app: Starlette, made: Made) -> None:
    images = await product(api, imageKeys=[await uploaded(api, app)])
    [image] = images["images"]
    assert (await opened(app, image["image"])).status_code == 200
    await api.delete(f"/catalog/products/{images['id']}/image/{image['id']}/")
    assert (await opened(app, image["image"])).status_code == 404
    async with reading(made.sandbox) as tx:
        given_up = await tx.value(
            "SELECT released_at IS NOT NULL FROM media_files WHERE tenant_id = %s AND id = %s",
            (tx.tenant_id, image["id"]),
        )
    assert given_up
    await sweep_uploads(machine_time())


async def test_what_is_no_picture_or_one_too_many_is_no_image(api: Client, app: Starlette) -> None:
    text = await uploaded(api, app, "a.txt", "text/plain")
    asked = (await api.post("/media/", {"fileName": "late.png", "fileType": "image/png"})).json()["fileKey"]
    once = await uploaded(api, app)
    many = [await uploaded(api, app) for _ in range(11)]
    body = {"name": "Suite", "taxCode": "saas"}
    for keys, message in (
        ([text], "imageKeys[0]: Only images are shown"),
        ([once, once], "imageKeys[1]: This key appears more than once."),
        ([once, asked], "imageKeys[1]: Nothing was uploaded under this key yet."),
        ([once, "tmp/never/was.png"], "imageKeys[1]: There is no such upload"),
        (many, "A product has no more than 10 images."),
    ):
        refused = await api.post("/catalog/products/", {**body, "imageKeys": keys})
        assert refused.status_code == 400
        assert message in refused.json()["imageKeys"][0]
    # None of them was used up by that.
    assert (await api.post("/catalog/products/", {**body, "imageKeys": [once]})).status_code == 201
    again = await api.post("/catalog/products/", {**body, "imageKeys": [once]})
    assert "attached already" in again.text


async def test_of_many_who_attach_an_upload_at_once_one_does(api: Client, app: Starlette) -> None:
    key, suite = await uploaded(api, app), await product(api)
    await plan(api, product_id=suite["id"])
    body = {"name": "Suite", "taxCode": "saas", "imageKeys": [key]}
    answers = await asyncio.gather(
        *(api.post("/catalog/products/", body) for _ in range(4)), *(api.patch(PRO, {"fileKeys": [key]}) for _ in "ab")
    )
    assert sorted(answer.status_code for answer in answers)[0] in (200, 201)
    assert sorted(answer.status_code for answer in answers)[1:] == [400] * 5


async def test_a_products_files_are_listed_with_it(api: Client, app: Starlette) -> None:
    made = await product(api)
    key = await uploaded(api, app, "changelog.pdf", "application/pdf")
    changed = (await api.patch(f"/catalog/products/{made['id']}/", {"fileKeys": [key]})).json()
    assert [(file["name"], file["ordering"], file["enabled"]) for file in changed["files"]] == [
        ("changelog.pdf", 0, True)
    ]
    assert changed["images"] == []


async def sold(api: Client, app: Starlette, content: bytes = b"0123456789") -> dict[str, Any]:
    """Return the file of a published plan."""
    key = await uploaded(api, app, "größe.html", "text/html", content)
    await plan(api, fileKeys=[key])
    await set_prices(api, "pro", price())
    await publish(api)
    [file] = (await api.get(PRO)).json()["files"]
    return file


async def test_whoever_knows_its_id_downloads_a_file_of_a_plan(api: Client, app: Starlette, anonymous: Client) -> None:
    file = await sold(api, app)
    assert file["downloadUrl"] == f"{ORIGIN}/api/v1{PRO}file/{file['id']}/download/"
    redirect = await anonymous.get(f"{PRO}file/{file['id']}/download/")
    assert redirect.status_code == 302
    whole = await opened(app, file["downloadUrl"])
    assert whole.content == b"0123456789"
    assert whole.headers["content-disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''gr%C3%B6%C3%9Fe.html" in whole.headers["content-disposition"]
    # Nothing in it runs here.
    assert (whole.headers["x-content-type-options"], "sandbox" in whole.headers["content-security-policy"]) == (
        "nosniff", True,
    )  # fmt: skip
    part = await opened(app, file["downloadUrl"], Range="bytes=2-4")
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert (await anonymous.get(f"/catalog/plans/other/file/{file['id']}/download/")).status_code == 404


async def test_a_file_that_is_disabled_in_what_is_for_sale_is_not_downloaded(api: Client, app: Starlette) -> None:
    file = await sold(api, app)
    path = f"{PRO}file/{file['id']}/"
    changed = (await api.patch(path, {"enabled": False, "name": "Terms (v2).html", "ordering": 4})).json()
    assert changed == {**file, "enabled": False, "name": "Terms (v2).html", "ordering": 4}
    # That is the draft; what customers bought stands still.
    assert (await api.get(PRO, params={"version": 1})).json()["files"] == [file]
    assert (await opened(app, file["downloadUrl"])).status_code == 200
    await publish(api)
    assert (await opened(app, file["downloadUrl"])).status_code == 404
    assert (await api.patch(path, {"enabled": False})).json() == changed
    assert (await api.get(PRO)).json()["version"] == 2


async def test_a_deleted_file_stays_with_those_who_bought_it(api: Client, app: Starlette, made: Made) -> None:
    file = await sold(api, app)
    await api.patch(PRO, {"fileKeys": [await uploaded(api, app, "more.pdf", "application/pdf")]})
    assert [each["name"] for each in (await api.get(PRO)).json()["files"]] == ["größe.html", "more.pdf"]
    added = (await api.get(PRO)).json()["files"][1]
    for each in (file, added):
        assert (await api.delete(f"{PRO}file/{each['id']}/")).status_code == 204
    assert (await api.get(PRO)).json()["files"] == []
    assert (await api.delete(f"{PRO}file/{file['id']}/")).status_code == 404
    await publish(api)
    assert (await api.get(PRO, params={"version": 1})).json()["files"] == [file]
    async with reading(made.sandbox) as tx:
        given_up = await tx.value(
            "SELECT array_agg(id) FROM media_files WHERE tenant_id = %s AND released_at IS NOT NULL", (tx.tenant_id,)
        )
    assert [str(id) for id in given_up] == [added["id"]], "only what no version has"


@pytest.mark.parametrize("how", ["discard", "restore"])
async def test_a_draft_that_goes_gives_up_what_only_it_had(api: Client, app: Starlette, made: Made, how: str) -> None:
    await sold(api, app)
    await api.patch(PRO, {"fileKeys": [await uploaded(api, app, "more.pdf", "application/pdf")]})
    discarded = await (api.post(PRO + "restore/", {}) if how == "restore" else api.delete(PRO + "discard/"))
    assert discarded.is_success
    async with reading(made.sandbox) as tx:
        names = await tx.value(
            "SELECT array_agg(file_name) FROM media_files WHERE tenant_id = %s AND released_at IS NOT NULL",
            (tx.tenant_id,),
        )
    assert names == ["more.pdf"]


@pytest.mark.parametrize("field", ["imageKeys", "fileKeys"])
async def test_an_attempt_that_fails_leaves_the_upload_to_be_attached(api: Client, app: Starlette, field: str) -> None:
    key, suite = await uploaded(api, app), await product(api, identifier="taken")
    path = "/catalog/products/" if field == "imageKeys" else "/catalog/plans/"
    body = {"name": "Next", "taxCode": "saas", "product": suite["id"], "identifier": "taken", field: [key]}
    if field == "fileKeys":
        await plan(api, "taken", suite["id"])
    assert (await api.post(path, body)).status_code == 400
    assert (await api.post(path, {**body, "identifier": "free"})).status_code == 201


async def test_an_upload_of_another_environment_is_not_found(api: Client, made: Made) -> None:
    upload = await make.upload(made.production)
    refused = await api.post("/catalog/products/", {"name": "x", "taxCode": "saas", "imageKeys": [upload.upload_key]})
    assert "There is no such upload" in refused.text
