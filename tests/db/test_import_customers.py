"""An import takes what can be taken, says what cannot, and may be done again."""

import json
from pathlib import Path
from typing import Any

import pytest

from kelviq_server.customers import store
from kelviq_server.customers.actions.archive_customer import archive_customer
from kelviq_server.customers.actions.import_customers import BATCH_LINES, import_customers
from kelviq_server.customers.records import Customer, ImportOutcome
from kelviq_server.platform.database import Tenant, reading
from tests import make
from tests.make import Made

OTHER_DATA = {"customerId": ["Customer already exists with other data."]}


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return tmp_path / "customers.jsonl"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def put(file: Path, content: str | bytes) -> int:
    return file.write_bytes(content.encode() if isinstance(content, str) else content)


async def take(tenant: Tenant, file: Path, content: str | bytes | list[dict[str, Any]]) -> tuple[int, int, int]:
    """Import a file of this content, which may be objects to write as JSON lines."""
    if isinstance(content, list):
        content = "".join(json.dumps(value) + "\n" for value in content)
    size_bytes = put(file, content)
    steps: list[int] = []
    outcome = await import_customers(tenant, file, steps.append)
    assert sum(steps) == size_bytes
    assert outcome.rejected == len(rejected(file))
    return outcome.added, outcome.unchanged, outcome.rejected


def rejected(file: Path) -> list[dict[str, Any]]:
    """Read FILE.rejected, which is there only if a line is in it."""
    path = file.with_name(file.name + ".rejected")
    lines = path.read_text().splitlines() if path.exists() else []
    assert path.exists() == bool(lines)
    return [json.loads(line) for line in lines]


async def listed(tenant: Tenant) -> dict[str, Customer]:
    async with reading(tenant) as tx:
        return {c.external_id: c async for customers in store.stream_customers(tx) for c in customers}


async def test_lines_become_customers_in_their_order(made: Made, lines: Path) -> None:
    address = {"country": "in", "line1": "1 MG Road", "postalCode": "560001", "city": "Bengaluru", "state": "Karnataka"}
    ada = {"customerId": "ada", "name": "Ada", "email": "ada@example.com", "metadata": {"n": 1}}
    bob = {"customer_id": "bob", "billing_address": {**address, "postal_code": address["postalCode"]}}
    del bob["billing_address"]["postalCode"]
    assert await take(made.sandbox, lines, [ada, bob, {"customerId": "cy"}]) == (3, 0, 0)
    found = await listed(made.sandbox)
    assert list(found) == ["ada", "bob", "cy"]
    assert (found["ada"].name, found["ada"].email, found["ada"].metadata) == ("Ada", "ada@example.com", '{"n":1}')
    assert json.loads(found["bob"].billing_address or "") == {**address, "country": "IN"}
    assert (found["cy"].name, found["cy"].metadata) == (None, "{}")


async def test_rows_become_customers(made: Made, table: Path) -> None:
    header = "customerId,name,email,country,line1,line2,postalCode,city,state,metadata\r\n"
    ada = 'ada,"Ada, ""the"" first\nof her name",,DE,Am Markt 1,,10115,Berlin,,"{""n"": 1.50}"\r\n'
    assert await take(made.sandbox, table, header + ada + "bob,,bob@example.com,,,,,,,\r\n") == (2, 0, 0)
    found = await listed(made.sandbox)
    assert found["ada"].name == 'Ada, "the" first\nof her name'
    assert (found["ada"].email, found["ada"].metadata) == (None, '{"n":1.50}')
    assert found["ada"].billing_address == '{"country":"DE","line1":"Am Markt 1","postalCode":"10115","city":"Berlin"}'
    bob = found["bob"]
    assert (bob.name, bob.email, bob.metadata, bob.billing_address) == (None, "bob@example.com", "{}", None)


async def test_a_table_may_use_snake_case_its_own_order_and_columns_of_its_own(made: Made, table: Path) -> None:
    content = "\ufeffnotes, postal_code ,customer_id\nx,560001,ada\n"
    assert await take(made.sandbox, table, content) == (1, 0, 0)
    assert (await listed(made.sandbox))["ada"].billing_address == '{"postalCode":"560001"}'


async def test_lines_that_cannot_be_taken_do_not_stop_the_others(made: Made, lines: Path) -> None:
    content = (
        b'\xef\xbb\xbf{"customerId": "one"}\n'
        b"\n"
        b'{"customerId": "two", "email": "no", "billingAddress": {"country": "XX"}}\n'
        b'{"customerId": \n'
        b'["three"]\n'
        b'{"customerId": "\xff"}\n'
        b'{"customerId": "a/b"}\n'
        b'  {"customerId": "six"}'
    )
    assert await take(made.sandbox, lines, content) == (2, 0, 5)
    assert list(await listed(made.sandbox)) == ["one", "six"]
    two, broken, array, bytes_, slash = rejected(lines)
    assert two == {
        "line": 3,
        "reason": {
            "email": ["Enter a valid email address."],
            "billingAddress": {"country": ['"XX" is not a valid choice.']},
        },
        "text": '{"customerId": "two", "email": "no", "billingAddress": {"country": "XX"}}',
    }
    assert [line["line"] for line in (broken, array, bytes_, slash)] == [4, 5, 6, 7]
    assert broken["reason"]["nonFieldErrors"][0].startswith("JSON parse error - ")
    assert array["reason"] == {"nonFieldErrors": ["Invalid data. Expected a dictionary, but got list."]}
    assert "UTF-8" in bytes_["reason"]["nonFieldErrors"][0]
    assert bytes_["text"] == '{"customerId": "\ufffd"}'
    assert slash["reason"] == {"customerId": ["Slashes are not allowed."]}


async def test_rows_that_cannot_be_taken_do_not_stop_the_others(made: Made, table: Path) -> None:
    content = (
        b"customerId,name,metadata\n"
        b'one,"two\nlines",\n'
        b'two,"open,\n'
        b"three,\xff,\n"
        b"four,Four\n"
        b"five,Five,{]\n"
        b",Nobody,\n"
        b",,\n"
        b"six,Six,null\n"
    )
    assert await take(made.sandbox, table, content) == (2, 0, 5)
    found = await listed(made.sandbox)
    assert list(found) == ["one", "six"]
    assert found["six"].metadata is None
    faults = rejected(table)
    assert [fault["line"] for fault in faults] == [4, 5, 6, 7, 8]
    assert faults[0]["text"] == 'two,"open,'
    assert faults[2]["reason"] == {"nonFieldErrors": ["Expected 3 cells, but got 2."]}
    assert faults[3]["reason"]["metadata"][0].startswith("JSON parse error - ")
    assert faults[4]["reason"] == {"customerId": ["This field is required."]}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"name,email", {"customerId": ["This field is required."]}),
        (b"customerId;name", {"customerId": ["This field is required."]}),
        (b"customerId,customer_id", {"customerId": ["This field appears more than once."]}),
        (b"customerId,\xff", {"nonFieldErrors": ["CSV parse error - not UTF-8 (byte 11)"]}),
    ],
)
async def test_nothing_is_taken_under_a_header_that_does_not_say_what_it_is(
    made: Made, table: Path, header: bytes, reason: dict[str, Any]
) -> None:
    put(table, b"\n" + header + b"\nada,bob\n")
    assert await import_customers(made.sandbox, table, lambda size_bytes: None) == ImportOutcome(0, 0, 1)
    assert [(fault["line"], fault["reason"]) for fault in rejected(table)] == [(2, reason)]


async def test_a_line_of_megabytes_is_rejected_by_its_beginning(made: Made, lines: Path) -> None:
    too_long = '{"customerId": "big", "name": "' + "x" * (3 * 1024 * 1024) + '"}'
    assert await take(made.sandbox, lines, f'{{"customerId": "a"}}\n{too_long}\n{{"customerId": "b"}}\n') == (2, 0, 1)
    (fault,) = rejected(lines)
    assert fault["line"] == 2
    assert fault["text"] == too_long[:1000]


async def test_doing_it_again_changes_nothing(made: Made, lines: Path, table: Path) -> None:
    ada = {"customerId": "ada", "metadata": {"b": 1, "a": [True, None]}, "billingAddress": {"city": "x", "line2": None}}
    assert await take(made.sandbox, lines, [ada, {"customerId": "bob"}]) == (2, 0, 0)
    before = await listed(made.sandbox)
    assert await take(made.sandbox, lines, [ada, {"customerId": "bob", "name": ""}]) == (0, 2, 0)
    row = 'customerId,metadata,city\nada,"{""a"": [true, null], ""b"": 1}",x\n'
    assert await take(made.sandbox, table, row) == (0, 1, 0)
    assert await listed(made.sandbox) == before
    assert [event["type"] for event in await make.events(made.sandbox)] == ["customer.created"] * 2


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Adam"},
        {"email": "adam@example.com"},
        {"email": None},
        {"metadata": {"n": True}},
        {"metadata": {"n": "1"}},
        {"metadata": None},
        {"billingAddress": {"city": "Delhi"}},
        {"billingAddress": None},
    ],
)
async def test_who_is_there_with_other_data_stays_so(made: Made, lines: Path, other: dict[str, Any]) -> None:
    ada = {
        "customerId": "ada",
        "name": "Ada",
        "email": "ada@example.com",
        "metadata": {"n": 1},
        "billingAddress": {"city": "Pune"},
    }
    assert await take(made.sandbox, lines, [ada]) == (1, 0, 0)
    before = await listed(made.sandbox)
    assert await take(made.sandbox, lines, [{"customerId": "new"}, {**ada, **other}]) == (1, 0, 1)
    assert [(fault["line"], fault["reason"]) for fault in rejected(lines)] == [(2, OTHER_DATA)]
    assert (await listed(made.sandbox))["ada"] == before["ada"]


async def test_an_archived_customer_is_neither_revived_nor_replaced(made: Made, lines: Path) -> None:
    await make.customer(made.sandbox, external_id="ada", name="Ada")
    await archive_customer(made.sandbox, "ada")
    again = [{"customerId": "ada", "name": "Ada"}, {"customerId": "ada", "name": "Eve"}]
    assert await take(made.sandbox, lines, again) == (0, 1, 1)
    assert rejected(lines)[0]["reason"] == OTHER_DATA
    assert await listed(made.sandbox) == {}


async def test_of_a_doubled_id_the_first_line_counts(made: Made, lines: Path) -> None:
    ada, eve = {"customerId": "ada", "name": "Ada"}, {"customerId": "ada", "name": "Eve"}
    fill = [{"customerId": f"fill-{number}"} for number in range(BATCH_LINES)]
    assert await take(made.sandbox, lines, [ada, ada, eve, *fill, eve, ada]) == (BATCH_LINES + 1, 2, 2)
    assert [fault["line"] for fault in rejected(lines)] == [3, BATCH_LINES + 4]
    assert (await listed(made.sandbox))["ada"].name == "Ada"


async def test_each_new_customer_is_announced(made: Made, lines: Path) -> None:
    await take(made.sandbox, lines, [{"customerId": "ada"}, {"customerId": "bob"}, {"customerId": "ada"}])
    events = await make.events(made.sandbox)
    assert [event["data"]["object"]["customer_id"] for event in events] == ["ada", "bob"]


async def test_an_import_cut_short_is_mended_by_doing_it_again(made: Made, lines: Path) -> None:
    count = BATCH_LINES * 2 + 500
    size_bytes = put(lines, "".join(f'{{"customerId": "c{number}"}}\n' for number in range(count)) + "broken\n")

    def power_cut(done_bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await import_customers(made.sandbox, lines, power_cut)
    assert len(await listed(made.sandbox)) == BATCH_LINES
    steps: list[int] = []
    outcome = await import_customers(made.sandbox, lines, steps.append)
    assert outcome == ImportOutcome(added=count - BATCH_LINES, unchanged=BATCH_LINES, rejected=1)
    assert list(await listed(made.sandbox)) == [f"c{number}" for number in range(count)]
    assert len(await make.events(made.sandbox)) == count
    assert len(steps) == 3
    assert sum(steps) == size_bytes


async def test_the_rejected_file_is_that_of_the_last_run(made: Made, lines: Path) -> None:
    assert await take(made.sandbox, lines, "{}\n[]\n") == (0, 0, 2)
    assert await take(made.sandbox, lines, "{}\n") == (0, 0, 1)
    assert len(rejected(lines)) == 1
    assert await take(made.sandbox, lines, "") == (0, 0, 0)
    assert rejected(lines) == []


async def test_half_a_character_in_an_escape_is_rejected_and_shown(made: Made, lines: Path) -> None:
    assert await take(made.sandbox, lines, '{"customerId": "\\ud800", "metadata": {"\\udfff": 1, "\\udfff": 2}}\n') == (
        0,
        0,
        1,
    )
    (fault,) = rejected(lines)
    assert fault["reason"]["customerId"] == ["Surrogate characters are not allowed."]


async def test_a_header_alone_is_no_customer(made: Made, table: Path) -> None:
    assert await take(made.sandbox, table, "customerId,name\n") == (0, 0, 0)
    assert await take(made.sandbox, table, "") == (0, 0, 0)
