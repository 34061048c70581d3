"""What may happen to a customer."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from kelviq_server.customers import rules
from kelviq_server.customers.errors import CustomerHasSubscription
from kelviq_server.customers.events import CustomerUpdated
from kelviq_server.customers.records import Customer

AT = datetime(2026, 4, 1, 7, 5, 56, 123456, tzinfo=UTC)
GEO = Customer(
    id=UUID("7dd79eff-180f-4b07-a213-ebafd29e9725"),
    seq=1,
    external_id="geo-jacob",
    name="Geo Jacob v2",
    email="geo@example.com",
    details="{}",
    metadata='{"plan":1.50}',
    billing_address='{"country":"IN","postalCode":"680121"}',
    active_subscriptions=0,
    created_at=AT,
    modified_at=AT,
    document="",
)


def test_only_what_was_sent_changes() -> None:
    edit = rules.edit(GEO, {"name": "Geo"})
    assert edit is not None
    assert (edit.name, edit.email, edit.metadata) == ("Geo", GEO.email, GEO.metadata)
    assert edit.previous == {"name": "Geo Jacob v2"}


def test_what_is_so_already_is_no_change() -> None:
    assert rules.edit(GEO, {}) is None
    assert rules.edit(GEO, {"name": GEO.name, "email": GEO.email}) is None


def test_the_order_of_keys_is_no_change_and_the_digits_of_a_number_are() -> None:
    customer = replace(GEO, metadata='{"a":1,"b":{"c":2,"d":[1,2]}}')
    assert rules.edit(customer, {"metadata": '{"b":{"d":[1,2],"c":2},"a":1}'}) is None
    assert rules.edit(customer, {"billing_address": '{"postalCode":"680121","country":"IN"}'}) is None
    for other in ('{"a":1.0,"b":{"c":2,"d":[1,2]}}', '{"a":1,"b":{"c":2,"d":[2,1]}}', "{}", None):
        edit = rules.edit(customer, {"metadata": other, "name": GEO.name})
        assert edit is not None
        assert edit.previous == {"metadata": customer.metadata}


def test_a_tax_id_stands_among_other_details_and_its_old_value_is_told() -> None:
    customer = replace(GEO, details='{"source":"portal","taxId":"DE136695976"}')
    assert customer.tax_id == "DE136695976"
    assert rules.edit(customer, {"details": rules.details_with(customer.details, "DE136695976")}) is None
    edit = rules.edit(customer, {"details": rules.details_with(customer.details, None)})
    assert edit is not None
    assert (edit.details, edit.previous) == ('{"source":"portal"}', {"details": customer.details})
    assert CustomerUpdated(customer, None, edit.previous).data()["previous_attributes"] == {
        "details": {"source": "portal", "taxId": "DE136695976"}
    }


def test_null_is_a_value() -> None:
    edit = rules.edit(GEO, {"email": None})
    assert edit is not None
    assert edit.email is None


def test_a_customer_who_pays_cannot_be_archived() -> None:
    rules.refuse_archiving(GEO)
    with pytest.raises(CustomerHasSubscription):
        rules.refuse_archiving(replace(GEO, active_subscriptions=1))


def test_the_event_is_what_the_webhook_guide_shows() -> None:
    organization = UUID("9b759915-5387-4e61-90e9-2162318e8d17")
    before: dict[str, str | None] = {"name": "Geo Jacob", "billing_address": None}
    assert CustomerUpdated(GEO, organization, before).data() == {
        "object": {
            "id": "7dd79eff-180f-4b07-a213-ebafd29e9725",
            "object": "customer",
            "customer_id": "geo-jacob",
            "name": "Geo Jacob v2",
            "email": "geo@example.com",
            "details": {},
            "metadata": {"plan": 1.5},
            "billing_address": {
                "line1": None,
                "line2": None,
                "city": None,
                "state": None,
                "postal_code": "680121",
                "country": "IN",
            },
            "subscriptions": 0,
            "organization": "9b759915-5387-4e61-90e9-2162318e8d17",
            "created_on": "2026-04-01T07:05:56Z",
            "modified_on": "2026-04-01T07:05:56Z",
        },
        "previous_attributes": {"name": "Geo Jacob", "billing_address": {}},
    }
