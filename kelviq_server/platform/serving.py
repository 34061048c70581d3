"""Runs the application under uvicorn: in this process, or in several that share one socket."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from kelviq_server.platform.settings import Settings

GRACE_SECONDS = 30
WATCH_SECONDS = 1
READY_BYTE = b"."


class Stopped(KeyboardInterrupt):
    """The operator asked this process to end."""


class Unhealthy(Exception):
    """What the process needs is gone; the message is the one line that says what."""


def stop_on_signals() -> None:
    """Turn SIGTERM and SIGINT into Stopped, so that whatever is started is also stopped."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def cancel_when_stopped(task: asyncio.Task[Any], parent: int | None) -> None:
    """Cancel a task, once, when this process is told to stop or the other end of the pipe `parent` closes.

    Stopped, raised wherever the process just is, would cancel all tasks at once, and those that clean up again.
    """
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if parent is not None:
            loop.remove_reader(parent)
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if parent is not None:
        loop.add_reader(parent, stop)


def listen_on(host: str, port: int) -> socket.socket:
    """Return the socket that requests will come in on; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], parent: int | None, fault: Callable[[], str | None]
    ) -> None:
        super().__init__(config)
        self._fault = fault
        self.unhealthy: str | None = None
        self._ready = ready
        self._parent = parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._parent is not None:
            # The other end closes when the parent is gone, however it went.
            asyncio.get_running_loop().add_reader(self._parent, self._parent_gone)
        self._watching = asyncio.create_task(self._watch())
        if not self.should_exit:
            self._ready()

    async def _watch(self) -> None:
        while not self.should_exit:
            if line := self._fault():
                self.unhealthy = line
                self.should_exit = True
            await asyncio.sleep(WATCH_SECONDS)

    def _parent_gone(self) -> None:
        assert self._parent is not None
        asyncio.get_running_loop().remove_reader(self._parent)
        self.should_exit = True


def run_app(
    app: Starlette,
    listener: socket.socket,
    ready: Callable[[], None],
    parent: int | None = None,
    fault: Callable[[], str | None] = lambda: None,
) -> None:
    """Answer requests until told to stop; those in flight are finished first.

    Raises SystemExit if it can't start, and Unhealthy once there is a fault.
    """
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=75,
        backlog=2048,
        # Whose forwarded headers count is ours to say: see public_url.
        proxy_headers=False,
    )
    server = _Server(config, ready, parent, fault)
    # uvicorn sends the signal again once it has finished; by then all is done.
    with suppress(Stopped):
        server.run([listener])
    if server.unhealthy:
        raise Unhealthy(server.unhealthy)
    if not server.started:
        raise SystemExit(3)


def run_child(app: Starlette, fd: int, ready_fd: int | None, parent_fd: int | None) -> None:
    """Answer requests in one of several processes that share the socket."""

    def ready() -> None:
        if ready_fd is not None:
            os.write(ready_fd, READY_BYTE)

    run_app(app, socket.socket(fileno=fd), ready, parent_fd)


def shared_environment(settings: Settings, conninfo: str) -> dict[str, str]:
    """Return the environment of several processes on one database, and the empty directory for their measurements."""
    measurements = settings.data_dir.resolve() / "metrics"
    shutil.rmtree(measurements, ignore_errors=True)
    measurements.mkdir(parents=True)
    return os.environ | {
        "KELVIQ_DATABASE_URL": conninfo,
        "KELVIQ_DATA_DIR": str(settings.data_dir),
        "KELVIQ_PUBLIC_URL": settings.public_url or "",
        "KELVIQ_WORKERS": "1",
        "PROMETHEUS_MULTIPROC_DIR": str(measurements),
    }


def run_processes(
    command: Sequence[str],
    count: int,
    listener: socket.socket,
    ready: Callable[[], None],
    background: Sequence[Sequence[str]] = (),
    environment: Mapping[str, str] | None = None,
    fault: Callable[[], str | None] = lambda: None,
) -> None:
    """Run the command in so many processes that share the socket, and others beside them, until told to stop.

    Any that dies is started anew; a fault ends them all and raises Unhealthy. Each that answers requests gets the
    descriptors of the socket, of a pipe to report ready on, and of a pipe that ends with us.
    """
    gone_read, gone_write = os.pipe()
    ready_read, ready_write = os.pipe()
    shared = (listener.fileno(), ready_write, gone_read)
    options = ["--fd", str(shared[0]), "--ready-fd", str(shared[1]), "--parent-fd", str(shared[2])]
    commands = [[*command, *options]] * count + [[*other, "--parent-fd", str(gone_read)] for other in background]

    def start(place: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(commands[place], pass_fds=shared, start_new_session=True, env=environment)

    children = [start(place) for place in range(len(commands))]
    try:
        reported = 0
        os.set_blocking(ready_read, False)
        announced = False
        while True:
            if line := fault():
                raise Unhealthy(line)
            with suppress(BlockingIOError):
                reported += len(os.read(ready_read, 64))
            if reported >= count and not announced:
                announced = True
                ready()
            for place, child in enumerate(children):
                if child.poll() is not None:
                    if not announced:
                        raise SystemExit(child.returncode or 1)
                    children[place] = start(place)
            time.sleep(0.5 if announced else 0.02)
    except Stopped:
        pass
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(GRACE_SECONDS + 5)
            except subprocess.TimeoutExpired:
                child.kill()
        for descriptor in (gone_read, gone_write, ready_read, ready_write):
            os.close(descriptor)
