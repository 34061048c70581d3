"""What operators ask: is the process alive, can it take requests, how is it doing."""

import os
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from psycopg import Error
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import current_pool
from kelviq_server.platform.migrate import known_migrations


async def healthz(request: Request) -> Response:
    """Answer as long as the process does."""
    return json_answer({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Answer 200 when the database answers and has every migration of ours, else 503 with the reason.

    It may have more: a newer version migrates while this one still answers.
    """
    try:
        async with current_pool().connection(timeout=2) as connection:
            cursor = await connection.execute("SELECT name FROM schema_migrations")
            applied = {name for (name,) in await cursor.fetchall()}
    except (Error, PoolTimeout, RuntimeError):
        return _not_ready("the database does not answer")
    if not {migration.name for migration in known_migrations()} <= applied:
        return _not_ready("the database lacks migrations of this program")
    return json_answer({"status": "ready"})


def _not_ready(reason: str) -> Response:
    return json_answer({"status": "unavailable", "reason": reason}, 503)


async def metrics(request: Request) -> Response:
    """Answer with the measurements in Prometheus' text format, of all worker processes together."""
    registry: Any = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def health_routes() -> list[Route]:
    """Return the routes of the three questions, with and without the trailing slash."""
    questions = (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics))
    return [Route(path + slash, answer) for path, answer in questions for slash in ("", "/")]
