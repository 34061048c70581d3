"""A real browser against a real server: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.contract.conftest import sandbox, server

# One server for all modules that bring none of their own.
__all__ = ["sandbox", "server"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's Chromium."""
    if CHROMIUM is None:
        missing = "NOT TRIED IN A BROWSER: there is no chromium on this machine (apt-get install chromium)"
        # Whoever merges what is green there believes that pages were looked at. `.ci/run` says where there is none.
        if os.environ.get("CI") and not os.environ.get("WITHOUT_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def tab(browser: Browser, tmp_path: Path) -> AsyncIterator[Page]:
    """A tab with nothing remembered; whatever its page logs as a fault fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    faults: list[str] = []
    # A form that comes back with faults, and what is over, has a status that says so, and the browser mentions that.
    page.on(
        "console",
        lambda message: (
            faults.append(message.text)
            if message.type == "error" and not any(status in message.text for status in ("422", "410"))
            else None
        ),
    )
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    await context.close()
    assert faults == []
