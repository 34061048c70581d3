"""Tax rates: the packaged ones, and one's own."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from tests import make
from tests.api.conftest import Client
from tests.make import Made

RATES = "/tax/rates/"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
GERMAN: dict[str, Any] = {"country": "de", "ratePercent": 7.125, "name": "VAT"}


@pytest.fixture(autouse=True)
async def still(made: Made) -> None:
    """A clock that stands still."""
    await make.freeze_clock(made.sandbox, AT)


async def create(api: Client, **fields: Any) -> dict[str, Any]:
    answer = await api.post(RATES, {**GERMAN, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_rate_reads_as_it_was_written(api: Client) -> None:
    rate = await create(api, taxCode="ebook")
    expected = {
        "country": "DE", "state": None, "taxCode": "ebook", "ratePercent": 7.125, "name": "VAT",
        "validFrom": "2026-11-25", "validUntil": None, "packaged": False, "source": None,
    }  # fmt: skip
    assert {**expected, "id": rate["id"]} == rate
    assert (await api.get(f"{RATES}{rate['id']}/")).json() == rate
    state = await create(api, country="US", state="california", ratePercent=0, validFrom="2027-01-01")
    assert (state["state"], state["ratePercent"], state["validFrom"]) == ("CA", 0, "2027-01-01")


async def test_ones_own_are_listed_first_and_filters_narrow(api: Client) -> None:
    everything = (await api.get(RATES + "?page_size=100")).json()
    assert everything["count"] > 150
    assert (everything["results"][0]["country"], everything["results"][0]["packaged"]) == ("AD", True)
    first, second = await create(api), await create(api, validFrom="2026-12-01")
    listed = (await api.get(RATES + "?country=de")).json()
    assert [rate["id"] for rate in listed["results"][:2]] == [second["id"], first["id"]]
    assert listed["results"][1]["validUntil"] == "2026-12-01"
    [own, packaged] = (await api.get(RATES + "?country=DE&date=2026-11-30")).json()["results"]
    assert (own["id"], packaged["packaged"], packaged["ratePercent"]) == (first["id"], True, 19)
    [california] = (await api.get(RATES + "?country=US&state=California")).json()["results"]
    assert (california["state"], california["ratePercent"]) == ("CA", 7.25)
    then = (await api.get(RATES + "?country=CH&date=2023-12-31")).json()["results"]
    assert [rate["ratePercent"] for rate in then] == [7.7]


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("country=XX", {"country": ['"XX" is not a valid choice.']}),
        ("country=%00", {"country": ['"\x00" is not a valid choice.']}),
        ("country=US&state=Ontario", {"state": ['"Ontario" is not a valid choice.']}),
        ("state=CA", {"state": ["Only rates of the US and of Canada are told apart by state."]}),
        ("date=yesterday", {"date": ["Enter a valid date."]}),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(api: Client, query: str, faults: dict[str, Any]) -> None:
    answer = await api.get(RATES + "?" + query)
    assert (answer.status_code, answer.json()) == (400, faults)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (
            {"country": None, "ratePercent": None, "name": None},
            {name: ["This field may not be null."] for name in ("country", "ratePercent", "name")},
        ),
        ({"country": "XX"}, {"country": ['"XX" is not a valid choice.']}),
        ({"ratePercent": "19"}, {"ratePercent": ["A valid number is required."]}),
        ({"ratePercent": 100.1}, {"ratePercent": ["Ensure this value is less than or equal to 100."]}),
        ({"ratePercent": -1}, {"ratePercent": ["Ensure this value is greater than or equal to 0."]}),
        ({"state": "BY"}, {"state": ["Only rates of the US and of Canada are told apart by state."]}),
        ({"country": "CA", "state": "Texas"}, {"state": ['"Texas" is not a valid choice.']}),
        ({"taxCode": "books"}, {"taxCode": ['"books" is not a valid choice.']}),
        ({"name": " "}, {"name": ["This field may not be blank."]}),
        ({"validFrom": "soon"}, {"validFrom": ["Enter a valid date."]}),
        ({"validFrom": 5}, {"validFrom": ["Enter a valid date."]}),
        ({"validFrom": "2026-11-24"}, {"validFrom": ["A rate cannot begin in the past: what was taxed stands."]}),
    ],
)
async def test_a_fault_names_its_field(api: Client, body: dict[str, Any], faults: dict[str, Any]) -> None:
    answer = await api.post(RATES, {**GERMAN, **body})
    assert (answer.status_code, answer.json()) == (400, faults)
    assert (await api.get(RATES + "?country=DE&date=2026-11-25")).json()["count"] == 1


async def test_a_rate_in_force_ends_and_one_to_come_is_gone(api: Client) -> None:
    rate, later = await create(api), await create(api, validFrom="2026-12-01")
    assert (await api.delete(f"{RATES}{later['id']}/")).status_code == 204
    assert (await api.get(f"{RATES}{later['id']}/")).status_code == 404
    assert (await api.get(f"{RATES}{rate['id']}/")).json() == rate
    for _ in range(2):
        assert (await api.delete(f"{RATES}{rate['id']}/")).status_code == 204
        assert (await api.get(f"{RATES}{rate['id']}/")).json() == {**rate, "validUntil": "2026-11-25"}


async def test_a_packaged_rate_stays(api: Client) -> None:
    [rate] = (await api.get(f"{RATES}?country=DE&date={date(2026, 11, 25)}")).json()["results"]
    assert (await api.get(f"{RATES}{rate['id']}/")).json() == rate
    answer = await api.delete(f"{RATES}{rate['id']}/")
    assert (answer.status_code, answer.json()) == (
        400, {"detail": "A packaged rate cannot be deleted; add one of your own, which comes before it."},
    )  # fmt: skip
    assert (await api.delete(f"{RATES}{uuid4()}/")).status_code == 404
