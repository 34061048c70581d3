"""The official Python client, unchanged, against a whole server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from kelviq_sdk import AuthenticationError, InvalidRequestError, NotFoundError, ServerError

from tests.contract.python_client import Client
from tests.contract.server import Provisioned, Server

# The client itself was written for an older Pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince212")
METADATA = {"planName": "Gold", "seat_count": "3", "nested": {"aB": [1, 2.5, None, True], "c_d": "é"}}
SEEDED = 2500


@pytest.fixture
async def customers(way: str, server: Server, organization: Provisioned) -> AsyncIterator[Client]:
    """The client's customers, of an organization that has none yet."""
    client = Client(way, server.url, organization.keys.server)
    yield client
    await client.close()


async def test_a_created_customer_comes_back_as_a_model_with_every_field(customers: Client) -> None:
    made = await customers("create", customerId="ada", email="ada@example.com", name="Ada Lovelace", metadata=METADATA)
    assert (made.customerId, made.email, made.name) == ("ada", "ada@example.com", "Ada Lovelace")
    assert made.metadata == METADATA
    assert made.details == {}
    assert str(UUID(made.id)) == made.id
    assert made.createdOn.utcoffset() == timedelta(0)
    assert timedelta(0) <= datetime.now(UTC) - made.createdOn < timedelta(minutes=1)
    assert await customers("retrieve", customerId="ada") == made


async def test_a_customer_needs_no_name_and_no_metadata(customers: Client) -> None:
    made = await customers("create", customerId="bare", email="bare@example.com")
    assert (made.name, made.metadata) == (None, {})


async def test_an_update_changes_what_it_names_and_nothing_else(customers: Client) -> None:
    made = await customers("create", customerId="ada", email="ada@example.com", name="Ada", metadata=METADATA)
    updated = await customers("update", customerId="ada", name="Ada L.", metadata={"only": "this"})
    assert (updated.name, updated.metadata) == ("Ada L.", {"only": "this"})
    assert (updated.id, updated.email, updated.createdOn) == (made.id, made.email, made.createdOn)
    assert updated.modifiedOn > made.modifiedOn
    changed = await customers("update", customerId="ada", email="new@example.com")
    assert (changed.email, changed.name) == ("new@example.com", "Ada L.")
    assert await customers("retrieve", customerId="ada") == changed


async def test_an_archived_customer_is_gone_from_reads_and_lists(customers: Client) -> None:
    await customers("create", customerId="ada", email="ada@example.com")
    assert (await customers("archive", customerId="ada")).message == "Customer archived successfully."
    assert (await customers("list")).results == []
    for method, more in (("retrieve", {}), ("update", {"name": "x"}), ("archive", {})):
        with pytest.raises(NotFoundError) as gone:
            await customers(method, customerId="ada", **more)
        assert (gone.value.status_code, gone.value.details) == (404, {"detail": "Not found."})


async def test_a_list_is_cut_into_pages_newest_first(customers: Client) -> None:
    empty = await customers("list")
    assert (empty.count, empty.next, empty.previous, empty.results) == (0, None, None, [])
    for number in range(5):
        await customers("create", customerId=f"c-{number}", email=f"c-{number}@example.com")
    everything = await customers("list")
    assert [customer.customerId for customer in everything.results] == ["c-4", "c-3", "c-2", "c-1", "c-0"]
    middle = await customers("list", page=2, page_size=2)
    assert [customer.customerId for customer in middle.results] == ["c-2", "c-1"]
    base = f"{customers.sdk.base_url}/api/v1/customers/?page_size=2&page="
    assert (middle.count, middle.next, middle.previous) == (5, f"{base}3", f"{base}1")
    last = await customers("list", page=3, page_size=2)
    assert (last.count, last.next, last.previous, len(last.results)) == (5, None, f"{base}2", 1)
    with pytest.raises(NotFoundError) as past:
        await customers("list", page=4, page_size=2)
    assert past.value.details == {"detail": "Invalid page."}


async def test_refused_input_is_an_invalid_request_with_its_faults_by_field(customers: Client) -> None:
    await customers("create", customerId="ada", email="ada@example.com")
    with pytest.raises(InvalidRequestError) as duplicate:
        await customers("create", customerId="ada", email="other@example.com")
    assert duplicate.value.status_code == 400
    assert duplicate.value.details == {"customerId": ["Customer already exists."]}
    with pytest.raises(InvalidRequestError) as faulty:
        await customers("create", customerId="x" * 256, email="nobody")
    assert faulty.value.details == {
        "customerId": ["Ensure this field has no more than 255 characters."],
        "email": ["Enter a valid email address."],
    }
    with pytest.raises(InvalidRequestError) as update:
        await customers("update", customerId="ada", email="nobody")
    assert update.value.details == {"email": ["Enter a valid email address."]}


async def test_a_wrong_key_and_a_client_key_are_authentication_errors(
    way: str, server: Server, organization: Provisioned
) -> None:
    unknown = "sk_live_" + "x" * 40
    for key, status, text in (
        (unknown, 401, "Invalid API key."),
        (organization.keys.client, 403, "You do not have permission to perform this action."),
    ):
        customers = Client(way, server.url, key)
        with pytest.raises(AuthenticationError) as refused:
            await customers("list")
        assert (refused.value.status_code, refused.value.details) == (status, {"detail": text})
        await customers.close()


async def test_a_server_whose_database_is_gone_is_a_server_error(way: str, server_without_database: Server) -> None:
    customers = Client(way, server_without_database.url, server_without_database.sandbox.server)
    with pytest.raises(ServerError) as gone:
        await customers("list")
    assert gone.value.status_code == 503
    assert gone.value.details == {"detail": "The service is temporarily unavailable."}
    await customers.close()


async def test_paging_through_thousands_of_customers_meets_each_once(
    customers: Client, server: Server, organization: Provisioned
) -> None:
    server.command("seed", "customers", "--count", str(SEEDED), "--org", organization.slug, "--env", "production")
    met: list[str] = []
    parts = [await customers("list", page=page, page_size=400) for page in range(1, 8)]
    for part in parts:
        assert part.count == SEEDED
        met += [customer.id for customer in part.results]
    assert parts[-1].next is None
    assert len(met) == len(set(met)) == SEEDED
    assert len((await customers("list")).results) == 1000
    assert len((await customers("list", page_size=10_000)).results) == SEEDED
