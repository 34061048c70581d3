"""The official Node client, unchanged, against a whole server."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.contract.node_client import LOCK, report_of
from tests.contract.server import Server, provision

FIELDS = {*("id", "customerId", "name", "email", "details", "metadata", "billingAddress", "createdOn", "modifiedOn")}
FAULTS = {
    "customerId": ["Ensure this field has no more than 255 characters."],
    "email": ["Enter a valid email address."],
}
FORBIDDEN = "You do not have permission to perform this action."
UNAVAILABLE = "The service is temporarily unavailable."


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
    return report_of("customers.mjs", arguments)


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
