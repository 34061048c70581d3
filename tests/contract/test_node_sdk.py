"""The official Node client, unchanged, against a whole server."""

import fcntl
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.contract.server import Server, provision

FOLDER = Path(__file__).parent / "node"
LOCK = FOLDER / "package-lock.json"
# Node and npm come with the development tools; the machine's own are left alone.
BIN = Path(sys.executable).parent
TIMEOUT_SECONDS = 300
FIELDS = {*("id", "customerId", "name", "email", "details", "metadata", "billingAddress", "createdOn", "modifiedOn")}
FAULTS = {
    "customerId": ["Ensure this field has no more than 255 characters."],
    "email": ["Enter a valid email address."],
}
FORBIDDEN = "You do not have permission to perform this action."
UNAVAILABLE = "The service is temporarily unavailable."


def _run(*command: str) -> str:
    environment = {**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])}
    done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def installed() -> None:
    """The client, in the versions of the lock file; one process installs it, the others wait."""
    done = FOLDER / "node_modules" / ".installed-by-tests"
    with LOCK.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        locked = file.read()
        if not done.exists() or done.read_text() != locked:
            _run(str(BIN / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            done.write_text(locked)


@pytest.fixture(scope="module")
def report(installed: None, server: Server, partner_key: str, server_without_database: Server) -> dict[str, Any]:
    """What customers.mjs found."""
    organization = provision(server, partner_key, "node")
    arguments = {
        "url": server.url,
        "serverKey": organization.keys.server,
        "clientKey": organization.keys.client,
        "urlWithoutDatabase": server_without_database.url,
        "keyWithoutDatabase": server_without_database.sandbox.server,
    }
    return json.loads(_run(str(BIN / "node"), "customers.mjs", json.dumps(arguments)))


def test_a_created_customer_comes_back_with_every_field(report: dict[str, Any]) -> None:
    created = report["created"]
    assert set(created) == FIELDS
    assert (created["customerId"], created["email"], created["name"]) == ("ada", "ada@example.com", "Ada")
    assert created["metadata"] == report["metadata"]
    assert (created["details"], created["billingAddress"]) == ({}, None)
    assert str(UUID(created["id"])) == created["id"]
    assert datetime.fromisoformat(created["createdOn"]).utcoffset() == timedelta(0)
    assert report["retrieved"] == created
    assert (report["bare"]["name"], report["bare"]["metadata"]) == (None, {})


def test_an_update_changes_what_it_names_and_nothing_else(report: dict[str, Any]) -> None:
    created, updated = report["created"], report["updated"]
    assert (updated["name"], updated["metadata"]) == ("Ada L.", {"onlyThis": "one"})
    changed = {name for name in FIELDS if updated[name] != created[name]}
    assert changed == {"name", "metadata", "modifiedOn"}
    assert updated["modifiedOn"] > created["modifiedOn"]


def test_a_list_is_cut_into_pages_newest_first(report: dict[str, Any]) -> None:
    assert report["empty"] == {"count": 0, "next": None, "previous": None, "results": []}
    everything = {"count": 2, "next": None, "previous": None, "results": [report["bare"], report["updated"]]}
    assert report["listed"] == everything
    second = report["secondPage"]
    assert (second["count"], second["next"], second["results"]) == (2, None, [report["updated"]])
    assert second["previous"].endswith("/api/v1/customers/?page_size=1&page=1")


def test_an_archive_is_confirmed(report: dict[str, Any]) -> None:
    assert report["archived"] == {"message": "Operation completed successfully (204 No Content)."}


@pytest.mark.parametrize(
    ("what", "kind", "status", "details"),
    [
        ("duplicate", "InvalidRequestError", 400, {"customerId": ["Customer already exists."]}),
        ("faulty", "InvalidRequestError", 400, FAULTS),
        ("pastTheEnd", "NotFoundError", 404, {"detail": "Invalid page."}),
        ("archived", "NotFoundError", 404, {"detail": "Not found."}),
        ("wrongKey", "AuthenticationError", 401, {"detail": "Invalid API key."}),
        ("clientKey", "AuthenticationError", 403, {"detail": FORBIDDEN}),
        ("noDatabase", "ServerError", 503, {"detail": UNAVAILABLE}),
    ],
)
def test_a_refusal_is_the_error_class_of_its_status(
    report: dict[str, Any], what: str, kind: str, status: int, details: dict[str, Any]
) -> None:
    error = report["errors"][what]
    assert error["isApiError"]
    assert (error["kind"], error["status"], error["details"]) == (kind, status, details)
    assert error["message"] == details.get("detail", "Request failed with status code 400")


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in LOCK.read_text()
