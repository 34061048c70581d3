"""Which rate a buyer has on which day, and what finding it costs."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from kelviq_server.core.invoice import TaxRule
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.paging import Page
from kelviq_server.taxes import store
from kelviq_server.taxes.actions.add_rate import add_rate
from kelviq_server.taxes.actions.end_rate import end_rate
from kelviq_server.taxes.errors import RateInThePast
from kelviq_server.taxes.records import NewTaxRate, TaxCode, TaxRate
from kelviq_server.taxes.steps import Buyer, tax_rule_for
from kelviq_server.tenants.actions.update_seller import update_seller
from tests import make
from tests.make import Made
from tests.statements import counting

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = AT.date()
GERMAN_ID = "DE136695976"


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


async def rule(
    tenant: Tenant, country: str | None, state: str | None = None, code: str = "saas", tax_id: str | None = None
) -> TaxRule:
    async with transaction(tenant) as tx:
        return await tax_rule_for(tx, Buyer(country, state, tax_id), code, is_inclusive=False)


async def percent(tenant: Tenant, country: str | None, state: str | None = None, code: str = "saas") -> Decimal:
    return (await rule(tenant, country, state, code)).rate_percent


async def add(tenant: Tenant, country: str, rate: str, **fields: Any) -> TaxRate:
    new = {"state": None, "tax_code": None, "name": "VAT", "valid_from": None, **fields}
    return await add_rate(tenant, NewTaxRate(country=country, rate_percent=Decimal(rate), **new))


@pytest.fixture
async def sandbox(made: Made) -> Tenant:
    """A sandbox whose clock stands still."""
    await make.freeze_clock(made.sandbox, AT)
    return made.sandbox


@pytest.mark.parametrize(
    ("country", "state", "rate"),
    [
        ("DE", None, "19"),
        ("FR", None, "20"),
        ("FI", None, "25.5"),
        ("CH", None, "8.1"),
        ("GB", None, "20"),
        ("JP", None, "10"),
        ("IN", "Karnataka", "18"),
        ("TH", None, "7"),
        ("US", "California", "7.25"),
        ("US", "NY", "4"),
        ("US", "Oregon", "0"),
        ("US", "nowhere", "0"),
        ("US", None, "0"),
        ("CA", "ON", "13"),
        ("CA", "Quebec", "14.975"),
        ("CA", "BC", "12"),
        ("CA", "Alberta", "5"),
        ("CA", None, "5"),
        ("HK", None, "0"),
        ("ZZ", None, "0"),
        (None, None, "0"),
    ],
)
async def test_the_packaged_rates_are_sane(sandbox: Tenant, country: str | None, state: str | None, rate: str) -> None:
    assert await percent(sandbox, country, state) == Decimal(rate)


async def test_every_packaged_rate_says_where_it_comes_from_and_is_believable(sandbox: Tenant) -> None:
    async with transaction(sandbox) as tx:
        rates = (await store.list_rates(tx, Page(1, 1000), None, None, None)).results
    assert len({rate.country for rate in rates}) > 115
    assert all(rate.source and rate.name and 0 < rate.rate_percent <= 27 for rate in rates)
    countries = [rate.country for rate in rates]
    assert countries == sorted(countries)
    assert sum(rate.country == "US" and rate.holds(TODAY) for rate in rates) == 46


async def test_a_rate_is_that_of_the_day(sandbox: Tenant) -> None:
    for at, rate in (("2023-12-31T23:59:59", "7.7"), ("2024-01-01T00:00:00", "8.1"), ("1999-12-31T00:00:00", "0")):
        await make.freeze_clock(sandbox, datetime.fromisoformat(at + "+00:00"))
        assert await percent(sandbox, "CH") == Decimal(rate)


async def test_ones_own_rates_come_first_then_the_state_then_the_tax_code(sandbox: Tenant, made: Made) -> None:
    await add(sandbox, "US", "0")
    assert await percent(sandbox, "US", "CA") == 0, "one rate for the country stands in for all its states"
    await add(sandbox, "US", "1", tax_code=TaxCode.EBOOK)
    await add(sandbox, "US", "2", state="CA")
    await add(sandbox, "US", "3", state="CA", tax_code=TaxCode.EBOOK)
    assert await percent(sandbox, "US", "NY", "ebook") == 1
    assert await percent(sandbox, "US", "CA") == 2
    assert await percent(sandbox, "US", "CA", "ebook") == 3
    assert await percent(sandbox, "US", "NY") == 0
    await add(sandbox, "DE", "7", tax_code=TaxCode.EBOOK)
    assert (await percent(sandbox, "DE", code="ebook"), await percent(sandbox, "DE")) == (7, 19)
    assert await percent(made.production, "US", "CA") == Decimal("7.25")


async def test_an_edit_is_a_new_rate_from_a_day_on_and_the_past_stands(sandbox: Tenant) -> None:
    first = await add(sandbox, "DE", "16")
    later = await add(sandbox, "DE", "21", valid_from=day(30))
    between = await add(sandbox, "DE", "20", valid_from=day(10))
    async with transaction(sandbox) as tx:
        kept = await store.list_rates_of_kind(tx, first)
    assert [(rate.id, rate.valid_from, rate.valid_until) for rate in kept] == [
        (first.id, TODAY, day(10)), (between.id, day(10), day(30)), (later.id, day(30), None),
    ]  # fmt: skip
    with pytest.raises(RateInThePast):
        await add(sandbox, "DE", "1", valid_from=day(-1))
    for offset, rate in ((-1, 19), (0, 16), (9, 16), (10, 20), (30, 21)):
        await make.freeze_clock(sandbox, AT + timedelta(days=offset))
        assert await percent(sandbox, "DE") == rate


async def test_a_rate_that_is_given_up_lets_the_packaged_one_count_again(sandbox: Tenant) -> None:
    rate = await add(sandbox, "DE", "16")
    later = await add(sandbox, "DE", "21", valid_from=day(5))
    await end_rate(sandbox, later.id)
    await make.freeze_clock(sandbox, AT + timedelta(days=7))
    assert await percent(sandbox, "DE") == 16
    await end_rate(sandbox, rate.id)
    assert await percent(sandbox, "DE") == 19
    async with transaction(sandbox) as tx:
        assert (await store.get_rate(tx, rate.id)).valid_until == day(7)
    await end_rate(sandbox, rate.id)
    # Mistyped, and put right on the same day.
    await add(sandbox, "DE", "70")
    await add(sandbox, "DE", "7")
    assert await percent(sandbox, "DE") == 7


async def test_of_many_who_add_a_rate_at_once_one_is_the_last(sandbox: Tenant) -> None:
    await asyncio.gather(*(add(sandbox, "DE", str(rate)) for rate in range(1, 9)))
    async with transaction(sandbox) as tx:
        listed = await store.list_rates(tx, Page(1, 100), "DE", None, TODAY)
    assert [rate.source is None for rate in listed.results] == [True, False]


async def test_the_database_refuses_two_rates_of_a_kind_on_one_day(sandbox: Tenant) -> None:
    new = NewTaxRate("DE", None, None, Decimal(7), "VAT")
    async with transaction(sandbox) as tx:
        await store.insert_rate(tx, new, day(0), day(9))
    with pytest.raises(psycopg.errors.ExclusionViolation):
        async with transaction(sandbox) as tx:
            await store.insert_rate(tx, new, day(8), None)


async def test_finding_a_rate_is_one_statement_and_one_more_for_a_business(sandbox: Tenant) -> None:
    for tax_id, count in ((None, 1), ("DE1", 1), (GERMAN_ID, 2)):
        async with counting() as statements, transaction(sandbox) as tx:
            before = len(statements)
            await tax_rule_for(tx, Buyer("DE", None, tax_id), "saas", is_inclusive=True)
            assert len(statements) - before == count


async def test_a_business_of_another_country_pays_the_tax_itself(sandbox: Tenant) -> None:
    plain = TaxRule(Decimal(19), name="VAT")
    assert await rule(sandbox, "DE", tax_id=GERMAN_ID) == TaxRule(Decimal(19), name="VAT", keeps_price=True)
    await update_seller(sandbox, {"billing_address": '{"country":"FR"}'})
    assert await rule(sandbox, "DE", tax_id=GERMAN_ID) == replace(plain, is_reverse_charge=True, keeps_price=True)
    assert await rule(sandbox, "DE", tax_id="DE1") == plain
    assert await rule(sandbox, "DE") == plain
    await update_seller(sandbox, {"lowers_price_for_businesses": True})
    assert await rule(sandbox, "DE", tax_id=GERMAN_ID) == TaxRule(Decimal(19), name="VAT", is_reverse_charge=True)
    await update_seller(sandbox, {"billing_address": '{"country":"DE"}'})
    assert await rule(sandbox, "DE", tax_id=GERMAN_ID) == plain
