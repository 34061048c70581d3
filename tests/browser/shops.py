"""A merchant's own website on another origin, which loads our scripts, and visitors from somewhere."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
from playwright.async_api import Browser, Page
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.contract.loopback import served

INDIA, BRAZIL = "49.36.0.1", "177.0.0.1"
# Chromium without a window says so, and is taken for a crawler.
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@contextmanager
def website(body: str, head: str = "") -> Iterator[str]:
    """Serve a page with this in it, on an origin of its own; gives its address."""
    page = f"<!doctype html><html lang=en><head><title>Shop</title>{head}</head><body>{body}</body></html>".encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    with served(app) as url:
        yield url


@contextmanager
def edge(server: str, address: str) -> Iterator[str]:
    """Pass requests on to a server, as a proxy in front of it does, all from this address; gives our own."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = [(name, value) for name, value in request.headers.raw if name not in (b"host", b"connection")]
        headers += [(b"x-forwarded-for", address.encode()), (b"x-forwarded-host", request.headers["host"].encode())]
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        async with httpx.AsyncClient(base_url=server) as client:
            answer = await client.request(request.method, path, content=await request.body(), headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name not in ("content-length", "connection")}
        await Response(answer.content, answer.status_code, kept)(scope, receive, send)

    with served(app) as url:
        yield url


@asynccontextmanager
async def visitor(browser: Browser, width: int = 1280) -> AsyncIterator[Page]:
    """Open a window of somebody; whatever its page logs as a fault fails the test."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, user_agent=CHROME, locale="en-US")
    page = await context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    await context.close()
    assert faults == []


@contextmanager
def leading_to(address: str) -> Iterator[str]:
    """Lead whoever comes to another address, as a server does that moved to another host; gives our own."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(status_code=302, headers={"Location": address})(scope, receive, send)

    with served(app) as url:
        yield url
