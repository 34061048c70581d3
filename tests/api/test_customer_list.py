"""Lists: pages, counts, links, search."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kelviq_server.customers import store
from kelviq_server.customers.actions.create_customer import create_customer
from kelviq_server.customers.records import NewCustomer
from kelviq_server.platform import narrowing
from kelviq_server.platform.database import transaction
from tests.api.conftest import Client
from tests.make import Made

PAGE = "http://testserver/api/v1/customers/"


@pytest.fixture
async def five(made: Made) -> list[str]:
    """Five customers, newest first."""
    ids = [f"c{number}" for number in range(5)]
    for external_id in ids:
        await create_customer(made.sandbox, NewCustomer(external_id, name=f"Name {external_id}"))
    return ids[::-1]


async def listed(api: Client, query: str = "") -> dict[str, Any]:
    answer = await api.get(f"/customers/{query}")
    assert answer.status_code == 200
    body = answer.json()
    return {**body, "results": [customer["customerId"] for customer in body["results"]]}


async def test_the_newest_comes_first(api: Client, five: list[str]) -> None:
    assert await listed(api) == {"count": 5, "next": None, "previous": None, "results": five}


async def test_pages_partition_the_list(api: Client, five: list[str]) -> None:
    first = await listed(api, "?page_size=2")
    second = await listed(api, "?page_size=2&page=2")
    last = await listed(api, "?page_size=2&page=last")
    assert [first["results"], second["results"], last["results"]] == [five[:2], five[2:4], five[4:]]
    assert first["count"] == second["count"] == last["count"] == 5
    assert last == await listed(api, "?page_size=2&page=3")


async def test_links_are_absolute_and_keep_the_query(api: Client, five: list[str]) -> None:
    page = await listed(api, "?page_size=2&page=2&search=name&x=%C3%BC%20%26")
    for link, number in ((page["next"], "3"), (page["previous"], "1")):
        assert link.startswith(PAGE + "?")
        query = parse_qs(urlsplit(link).query)
        assert query == {"page_size": ["2"], "search": ["name"], "x": ["ü &"], "page": [number]}


async def test_links_can_be_followed_to_the_end(api: Client, five: list[str]) -> None:
    seen: list[str] = []
    path: str | None = "/customers/?page_size=2"
    while path:
        page = await listed(api, path.removeprefix("/customers/"))
        seen += page["results"]
        path = page["next"] and page["next"].removeprefix("http://testserver/api/v1")
    assert seen == five


@pytest.mark.parametrize("page", ["0", "-1", "4", "abc", "1.5", "999999999999999999"])
async def test_a_page_that_is_not_there_is_not_found(api: Client, five: list[str], page: str) -> None:
    answer = await api.get(f"/customers/?page_size=2&page={page}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Invalid page."})


async def test_nothing_is_one_empty_page(api: Client) -> None:
    empty = {"count": 0, "next": None, "previous": None, "results": []}
    assert await listed(api) == await listed(api, "?page=last") == await listed(api, "?search=x&page=1") == empty
    assert (await api.get("/customers/?page=2")).status_code == 404


@pytest.mark.parametrize("size", ["0", "-1", "many", ""])
async def test_a_senseless_page_size_is_the_default(api: Client, five: list[str], size: str) -> None:
    assert (await listed(api, f"?page_size={size}"))["results"] == five


async def test_every_route_answers_without_the_trailing_slash_too(api: Client, five: list[str]) -> None:
    assert (await api.get("/customers?page_size=1")).json()["count"] == 5
    assert (await api.get("/customers/c1")).status_code == 200


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ADA", ["ada"]),
        ("ada love", ["ada"]),
        ("love%20ADA", ["ada"]),
        ("%22ada%20love%22", ["ada"]),
        ("%22love%20ada%22", []),
        ("example.com", ["grace", "ada"]),
        ("hopper%40", ["grace"]),
        ("race", ["grace"]),
        ("%25", ["percent"]),
        ("_", ["percent"]),
        ("%5C", ["percent"]),
        ("a", ["grace", "ada"]),
        ("ada%00", []),
        ("nobody", []),
        ("%20", ["percent", "grace", "ada"]),
    ],
)
async def test_a_search_finds_what_holds_every_term(api: Client, made: Made, search: str, found: list[str]) -> None:
    for new in (
        NewCustomer("ada", name="Ada Lovelace", email="ada@example.com"),
        NewCustomer("grace", email="hopper@example.com"),
        NewCustomer("percent", name="50%_\\"),
    ):
        await create_customer(made.sandbox, new)
    page = await listed(api, f"?search={search}")
    assert page["results"] == found
    assert page["count"] == len(found)


async def test_a_search_that_is_too_long_is_refused(api: Client) -> None:
    answer = await api.get("/customers/?search=" + "x" * 301)
    assert (answer.status_code, answer.json()) == (
        400,
        {"search": ["Ensure this field has no more than 300 characters."]},
    )


async def test_what_many_customers_have_in_common_hides_none(api: Client, made: Made) -> None:
    for number in range(60):
        await create_customer(made.sandbox, NewCustomer(f"cus_{number:09}", email=f"u{number}@example.com"))
    await create_customer(made.sandbox, NewCustomer("tom", name="Tom Newcomer"))
    async with transaction(made.sandbox) as tx:
        await store.update_statistics(tx)
    narrowing._COMMON["customer_search"].forget()
    for search in ("newcomer", "cus_000000042", "u42@example.com", "example.com", "u4"):
        page = await listed(api, f"?search={search}")
        assert page["count"] == len(page["results"]) > 0, search
    assert (await listed(api, "?search=newcomer"))["results"] == ["tom"]


async def test_a_search_has_pages_too(api: Client, five: list[str]) -> None:
    second = await listed(api, "?search=name&page_size=2&page=2")
    assert (second["count"], second["results"]) == (5, five[2:4])
    assert (await listed(api, "?search=name&page_size=2&page=last"))["results"] == five[4:]
    assert (await api.get("/customers/?search=name&page_size=2&page=4")).status_code == 404


async def test_a_search_follows_changes(api: Client, five: list[str]) -> None:
    await api.patch("/customers/c3/", {"name": "Renamed", "email": "new@example.com"})
    assert (await listed(api, "?search=renamed%20NEW"))["results"] == ["c3"]
    assert (await listed(api, "?search=%22name%20c3%22"))["results"] == []
