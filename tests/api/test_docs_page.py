"""The page /docs comes whole from this server, and a real browser can read it."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kelviq_server.platform import docs_page

pytestmark = pytest.mark.anyio

FOLDER = Path(docs_page.__file__).parent / "docs"
OURS = ["index.html", "start.js", "style.css"]
VENDORED = ["swagger-ui-bundle.js", "swagger-ui.css"]
ADDRESSES = ["/docs", "/docs/", *(f"/docs/{name}" for name in OURS + VENDORED)]
SUMMARY = "Count the sleeping lighthouses"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Lighthouses", "version": "1"},
    "servers": [{"url": "/api/v1"}],
    "paths": {
        "/lights/": {"get": {"tags": ["Lights"], "summary": SUMMARY, "responses": {"200": {"description": "A number"}}}}
    },
}
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
BROWSER_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=docs_page.docs_routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("address", ADDRESSES)
async def test_each_file_carries_the_protective_headers(client: httpx.AsyncClient, address: str):
    answer = await client.get(address)
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("address", "kind"),
    [("/docs", "text/html"), ("/docs/start.js", "text/javascript"), ("/docs/style.css", "text/css")],
)
async def test_each_file_names_its_type(client: httpx.AsyncClient, address: str, kind: str):
    assert (await client.get(address)).headers["content-type"] == f"{kind}; charset=utf-8"


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_an_unchanged_file_is_not_sent_again(client: httpx.AsyncClient, coding: str):
    first = await client.get("/docs/swagger-ui-bundle.js", headers={"accept-encoding": coding})
    tag = first.headers["etag"]
    for known in [tag, f"W/{tag}", f'"other", {tag}', "*"]:
        again = await client.get(
            "/docs/swagger-ui-bundle.js", headers={"accept-encoding": coding, "if-none-match": known}
        )
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
    changed = await client.get("/docs/swagger-ui-bundle.js", headers={"if-none-match": '"other"'})
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("br, gzip", True), ("gzip;q=0.5", True), ("gzip; q=0", False), ("br", False), ("", False)],
)
async def test_a_file_is_compressed_only_for_those_who_accept_it(
    client: httpx.AsyncClient, accepted: str, packed: bool
):
    answer = await client.get("/docs/swagger-ui-bundle.js", headers={"accept-encoding": accepted})
    assert ("content-encoding" in answer.headers) is packed
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (int(answer.headers["content-length"]) < 600_000) is packed
    assert answer.content == (FOLDER / "swagger-ui-bundle.js").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "unknown.js",
        "README.md",
        "LICENSE",
        "..",
        "../docs_page.py",
        "..%2fdocs_page.py",
        "%2e%2e/docs_page.py",
        "%2e%2e%2fdocs_page.py",
        "..%5cdocs_page.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "start.js%00",
        "start.js/",
        "START.JS",
    ],
)
async def test_nothing_else_can_be_reached(name: str):
    """Speak ASGI directly, since a client would tidy the path before sending it."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    path = f"/docs/{name}"
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "server": ("test", 80),
        "root_path": "",
    }
    await Starlette(routes=docs_page.docs_routes())(scope, receive, send)  # type: ignore[arg-type]
    body = b"".join(bytes(message.get("body", b"")) for message in sent)  # type: ignore[arg-type]
    assert sent[0]["status"] in (307, 404)
    assert b"starlette" not in body
    assert b"root:" not in body


@pytest.mark.parametrize("name", OURS)
def test_our_files_name_no_other_host(name: str):
    text = (FOLDER / name).read_text()
    assert not re.search(r"(https?|wss?):|[\"'(=]\s*//", text)


def test_the_page_holds_no_inline_script_or_style():
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)


def test_the_vendored_licences_travel_with_the_files():
    assert "Apache License" in (FOLDER / "LICENSE").read_text()
    assert (FOLDER / "NOTICE").exists()
    assert (FOLDER / "swagger-ui-bundle.js.LICENSE.txt").exists()


@pytest.fixture
def served() -> Iterator[tuple[str, list[str]]]:
    """Serve the page and a small document on a free port; give its address and the paths asked for."""
    asked: list[str] = []
    ready = threading.Event()

    async def document(request: Request) -> JSONResponse:
        asked.append(request.url.path)
        return JSONResponse(DOCUMENT)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
            await super().startup(sockets)  # type: ignore[arg-type]
            ready.set()

    app = Starlette(routes=[*docs_page.docs_routes(), Route("/api/v1/openapi.json", document)])
    server = Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(20), "the test server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", asked
    server.should_exit = True
    thread.join(20)


@pytest.mark.skipif(BROWSER is None, reason="NOT TESTED: no chromium or google-chrome, so /docs was not rendered")
def test_a_real_browser_renders_the_operations(served: tuple[str, list[str]], tmp_path: Path):
    """Dump what Chromium made of the page, and read its network log for what the page asked for."""
    base, asked = served
    log = tmp_path / "net.json"
    result = subprocess.run(
        [
            str(BROWSER),
            *BROWSER_OPTIONS,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={log}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            f"{base}/docs",
        ],
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert SUMMARY in result.stdout, result.stderr[-2000:]
    assert 'id="tags"><li><a href="#/Lights">Lights</a>' in result.stdout
    assert asked == ["/api/v1/openapi.json"]
    assert "Content Security Policy" not in result.stderr
    events = json.loads(log.read_text())["events"]
    starts = [event["params"] for event in events if "initiator" in event.get("params", {})]
    wanted = {start["url"] for start in starts if start["initiator"] == base}  # the rest is the browser's own
    assert f"{base}/docs/start.js" in wanted
    assert {url for url in wanted if not url.startswith((f"{base}/", "data:"))} == set()
