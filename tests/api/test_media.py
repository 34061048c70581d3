"""Uploads, from the asking to the download, through the application."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.media import steps
from kelviq_server.platform.database import Tenant, reading, transaction
from kelviq_server.platform.file_store import current_file_store
from tests import make
from tests.api.conftest import BASE, Client, client_for
from tests.make import Made

PNG = {"fileName": "web-app-manifest-512x512.png", "fileType": "image/png"}
ORIGIN = "http://testserver"


async def post_form(app: Starlette, asked: dict[str, Any], content: bytes = b"content") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        return await http.post(asked["url"], data=asked["fields"], files={"file": ("x", content)})


async def attach(tenant: Tenant, file_key: str, *, public: bool) -> UUID:
    """Do what the catalog does with a fileKey."""
    async with reading(tenant) as tx:
        [upload] = await steps.find_uploads(tx, [file_key])
    size_bytes = await current_file_store().keep(upload.upload_key, upload.file_key)
    async with transaction(tenant) as tx:
        [file] = await steps.attach(tx, [(upload, size_bytes)], public=public)
    return file.id


async def test_a_file_goes_from_the_form_to_the_download(api: Client, app: Starlette, made: Made) -> None:
    asked = (await api.post("/media/", PNG)).json()
    assert asked["url"] == f"{ORIGIN}/storage/"
    assert set(asked["fields"]) == {
        *("Content-Type", "key", "policy"),
        *(f"x-amz-{name}" for name in ("algorithm", "credential", "date", "signature")),
    }
    area, id, name = asked["fileKey"].split("/")
    assert (area, UUID(id).version, name) == ("tmp", 7, PNG["fileName"])
    assert asked["fields"]["key"] == asked["fileKey"]
    assert (await post_form(app, asked)).status_code == 204
    file_id = await attach(made.sandbox, asked["fileKey"], public=True)
    seen = await api.http.get(ORIGIN + steps.public_path(file_id, name))
    assert (seen.status_code, seen.headers["cache-control"]) == (302, "public, max-age=300")
    shown = await api.http.get(seen.headers["location"])
    assert (shown.content, shown.headers["content-type"]) == (b"content", "image/png")
    assert shown.headers["content-disposition"].startswith("inline; ")
    assert shown.headers["cache-control"].startswith("private")


async def test_names_in_either_spelling_and_paths_are_read(api: Client) -> None:
    asked = await api.post("/media", {"file_name": "C:\\pictures\\größe.png", "file_type": "image/png"})
    assert asked.json()["fileKey"].endswith("/größe.png")


async def test_what_is_missing_is_told(api: Client) -> None:
    answer = await api.post("/media/", {})
    assert answer.status_code == 400
    assert answer.json() == {"fileName": ["This field is required."], "fileType": ["This field is required."]}


async def test_only_a_server_key_may_ask(app: Starlette, made: Made, anonymous: Client) -> None:
    assert (await client_for(app, made.keys.sandbox.client.plain).post("/media/", PNG)).status_code == 403
    assert (await anonymous.post("/media/", PNG)).status_code == 401


async def test_a_form_lets_nobody_put_another_type_there(api: Client, app: Starlette) -> None:
    asked = (await api.post("/media/", PNG)).json()
    asked["fields"]["Content-Type"] = "text/html"
    answer = await post_form(app, asked)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/xml")
    assert "<Code>AccessDenied</Code>" in answer.text
    assert answer.headers["x-request-id"]


async def test_a_key_of_another_tenant_is_not_found(api: Client, made: Made) -> None:
    key = (await api.post("/media/", PNG)).json()["fileKey"]
    for other in (made.production, (await make.organization()).sandbox):
        async with reading(other) as tx:
            assert await steps.find_uploads(tx, [key]) == []


async def test_a_file_that_is_not_public_is_not_found(anonymous: Client, made: Made) -> None:
    private, released = await make.attached(made.sandbox), await make.attached(made.sandbox, public=True)
    upload = await make.upload(made.sandbox)
    async with transaction(made.sandbox) as tx:
        await steps.release_file(tx, released.id)
    for id in (private.id, released.id, upload.id, uuid4(), "nonsense", "%00", "..%2f.."):
        assert (await anonymous.http.get(f"{BASE}/media/{id}/a.png")).status_code == 404


async def test_a_public_file_is_seen_without_a_key_under_any_name(anonymous: Client, made: Made) -> None:
    file = await make.attached(made.sandbox, public=True)
    for name in (file.file_name, "x", "%C3%BC.png"):
        answer = await anonymous.get(f"/media/{file.id}/{name}", headers={"Origin": "https://shop.example"})
        assert answer.status_code == 302
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_nothing_is_served_from_the_store_without_a_signature(anonymous: Client, made: Made) -> None:
    file = await make.attached(made.sandbox, public=True)
    for path in ("", file.file_key, "media", "a/%2e%2e/keys.json"):
        assert (await anonymous.http.get(f"{ORIGIN}/storage/{path}")).status_code == 403


async def test_a_name_may_hold_anything_that_a_path_quotes(anonymous: Client, made: Made) -> None:
    upload = await make.upload(made.sandbox, name="50% off? #1 ü.png")
    file_id = await attach(made.sandbox, upload.upload_key, public=True)
    seen = await anonymous.http.get(ORIGIN + steps.public_path(file_id, upload.file_name))
    assert (await anonymous.http.get(seen.headers["location"])).content == b"content"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_the_store_takes_no_other_method(anonymous: Client, method: str) -> None:
    assert (await anonymous.http.request(method, f"{ORIGIN}/storage/tmp/x")).status_code == 405
