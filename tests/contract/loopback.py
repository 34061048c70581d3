"""An ASGI application on loopback, in a thread of the test's own process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.types import ASGIApp

from kelviq_server.platform.serving import listen_on

START_SECONDS = 20


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Answer requests until the block ends; gives the address."""
    listener = listen_on("127.0.0.1", 0)
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    too_late = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < too_late
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()
