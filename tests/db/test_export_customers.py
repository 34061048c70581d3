"""What is exported here can be imported elsewhere, and is the same."""

import json
import os
from pathlib import Path
from threading import Thread

import pytest

from kelviq_server.customers import store
from kelviq_server.customers.actions.archive_customer import archive_customer
from kelviq_server.customers.actions.export_customers import export_customers
from kelviq_server.customers.actions.import_customers import import_customers
from kelviq_server.customers.records import Customer, ImportOutcome
from kelviq_server.platform.database import Tenant, reading
from tests import make
from tests.make import Made

ODD = [
    {"name": 'O\'Brien, "Pat" & Söhne; 🦊 日本', "email": "pat+o'brien@example.com"},
    {"name": "two\nlines\r\nand\rmore\ttabs", "metadata": '{"note":"a,\\"b\\"\\n\u2028","n":1.50,"big":1E+400}'},
    {"name": "=HYPERLINK(1)", "metadata": None, "email": None},
    {"name": None, "metadata": '{"deep":[{"b":2,"a":[null,true,12345678901234567890]}]}'},
    {"name": "'+1", "billing_address": '{"country":"DE","line1":"Straße 1, \\"Hof\\"","city":"Köln\\nSüd"}'},
    {"name": "-", "billing_address": '{"country":"IN","postalCode":"0001","state":"=1+1"}'},
    {"external_id": "id with, \"quotes\" and 'more' ñ", "name": "null"},
    {"external_id": "null", "name": "{}"},
]


def nothing(count: int) -> None:
    """Take progress that no test reads."""


async def listed(tenant: Tenant) -> list[Customer]:
    async with reading(tenant) as tx:
        return [customer async for customers in store.stream_customers(tx) for customer in customers]


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def matter(customers: list[Customer]) -> list[tuple[str | None, ...]]:
    return [(c.external_id, c.name, c.email, c.metadata, c.billing_address) for c in customers]


@pytest.mark.parametrize("name", ["all.csv", "all.CSV", "all.jsonl"])
async def test_an_export_taken_in_elsewhere_gives_equal_customers(made: Made, tmp_path: Path, name: str) -> None:
    for fields in ODD:
        await make.customer(made.sandbox, **fields)
    file = tmp_path / name
    assert await export_customers(made.sandbox, file, nothing) == len(ODD)
    outcome = await import_customers(made.production, file, nothing)
    assert outcome == ImportOutcome(added=len(ODD), unchanged=0, rejected=0)
    assert matter(await listed(made.production)) == matter(await listed(made.sandbox))
    outcome = await import_customers(made.sandbox, file, nothing)
    assert outcome == ImportOutcome(added=0, unchanged=len(ODD), rejected=0)


async def test_json_lines_keep_what_a_table_cannot(made: Made, tmp_path: Path) -> None:
    await make.customer(made.sandbox, name="", billing_address='{"line2":null,"city":""}')
    await make.customer(made.sandbox, name="", billing_address="{}")
    lines, table = tmp_path / "all.jsonl", tmp_path / "all.csv"
    await export_customers(made.sandbox, lines, nothing)
    await export_customers(made.sandbox, table, nothing)
    await import_customers(made.production, lines, nothing)
    assert matter(await listed(made.production)) == matter(await listed(made.sandbox))
    assert await import_customers(made.sandbox, table, nothing) == ImportOutcome(added=0, unchanged=2, rejected=0)


async def test_json_lines_are_the_answers_of_the_api(made: Made, tmp_path: Path) -> None:
    customers = [await make.customer(made.sandbox, name=str(number)) for number in range(3)]
    gone = await make.customer(made.sandbox)
    await archive_customer(made.sandbox, gone.external_id)
    await make.customer(made.production)
    file = tmp_path / "all.jsonl"
    steps: list[int] = []
    assert await export_customers(made.sandbox, file, steps.append) == 3
    assert steps == [3]
    assert file.read_text().splitlines() == [customer.document for customer in customers]
    assert json.loads(file.read_text().splitlines()[0])["customerId"] == customers[0].external_id


async def test_a_table_has_a_header_and_a_row_for_each(made: Made, tmp_path: Path) -> None:
    await make.customer(made.sandbox, external_id="ada", metadata='{"a":1}', billing_address='{"country":"IN"}')
    file = tmp_path / "all.csv"
    await export_customers(made.sandbox, file, nothing)
    assert file.read_bytes() == (
        b"customerId,name,email,country,line1,line2,postalCode,city,state,taxId,metadata\r\n"
        b'ada,Ada Lovelace,,IN,,,,,,,"{""a"":1}"\r\n'
    )


async def test_the_old_file_stands_until_the_new_one_is_whole(made: Made, tmp_path: Path) -> None:
    await make.customer(made.sandbox)
    file = tmp_path / "all.jsonl"
    file.write_text("old")

    def power_cut(count: int) -> None:
        assert file.read_text() == "old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await export_customers(made.sandbox, file, power_cut)
    assert file.read_text() == "old"
    assert files(tmp_path) == [file]
    await export_customers(made.sandbox, file, nothing)
    assert file.read_text() != "old"
    assert files(tmp_path) == [file]


async def test_a_pipe_is_written_to_and_not_replaced(made: Made, tmp_path: Path) -> None:
    customer = await make.customer(made.sandbox)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    await export_customers(made.sandbox, pipe, nothing)
    assert pipe.is_fifo()
    reader.join(10)
    assert read == [customer.document + "\n"]


async def test_no_customers_are_an_empty_file(made: Made, tmp_path: Path) -> None:
    assert await export_customers(made.sandbox, tmp_path / "all.jsonl", nothing) == 0
    assert (tmp_path / "all.jsonl").read_bytes() == b""
