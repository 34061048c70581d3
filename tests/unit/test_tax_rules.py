"""What a tax id is, what a state is called, and how rates fit in among each other."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.platform.wire import country_codes
from kelviq_server.taxes import rules
from kelviq_server.taxes.errors import RateInThePast, RateIsPackaged, TooManyRates
from kelviq_server.taxes.records import TaxId, TaxRate

TODAY = date(2026, 3, 10)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


def rate(start: int, end: int | None = None) -> TaxRate:
    until = None if end is None else day(end)
    return TaxRate(uuid4(), "DE", None, None, Decimal(7), "VAT", day(start), until, None)


@pytest.mark.parametrize(
    ("text", "country", "found"),
    [
        ("DE136695976", "DE", TaxId("DE", "DE136695976")),
        (" de 136.695-976", "DE", TaxId("DE", "DE136695976")),
        ("136695976", "DE", TaxId("DE", "DE136695976")),
        ("DE136695976", None, TaxId("DE", "DE136695976")),
        ("EL 094259216", "GR", TaxId("GR", "EL094259216")),
        ("GR094259216", "GR", TaxId("GR", "EL094259216")),
        ("094259216", "GR", TaxId("GR", "EL094259216")),
        ("EL094259216", None, TaxId("GR", "EL094259216")),
        ("XI980780684", "GB", TaxId("GB", "XI980780684")),
        ("XI980780684", None, TaxId("GB", "XI980780684")),
        ("980 7806 84", "GB", TaxId("GB", "GB980780684")),
        ("GB980780684", "GB", TaxId("GB", "GB980780684")),
        ("CHE-107.787.577 IVA", "CH", TaxId("CH", "CHE107787577IVA")),
        ("CHE-107.787.577", "CH", TaxId("CH", "CHE107787577MWST")),
        ("NO 995 525 828 MVA", "NO", TaxId("NO", "995525828MVA")),
        ("995525828", "NO", TaxId("NO", "995525828MVA")),
        ("53 0000 04605", "MC", TaxId("MC", "FR53000004605")),
        ("83 914 571 673", "AU", TaxId("AU", "83914571673")),
        ("27AAPFU0939F1ZV", "IN", TaxId("IN", "27AAPFU0939F1ZV")),
        ("12302 6635 RC 0001", "CA", TaxId("CA", "123026635RC0001")),
        ("T5-8356-7825-6246", "JP", TaxId("JP", "5835678256246")),
        ("49-091-850", "NZ", TaxId("NZ", "49091850")),
        ("00192200M", "SG", TaxId("SG", "00192200M")),
    ],
)
def test_a_business_tax_id_is_written_as_its_country_does(text: str, country: str | None, found: TaxId) -> None:
    assert rules.business_tax_id(text, country) == found
    # What was found is found again.
    assert rules.business_tax_id(found.number, found.country) == found


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("DE136695977", "DE"),  # a wrong check digit
        ("DE136695976", "FR"),
        ("DE136695976", "US"),
        ("GB980780684", None),  # of no country of the EU, so the address has to say where
        ("136695976", None),
        ("12-3456789", "US"),  # no tax is dropped for it
        ("VECJ880326XXX", "MX"),  # everybody has one
        ("DE136695976!", "DE"),
        ("", "DE"),
        ("", None),
        ("-", "CH"),
    ],
)
def test_anything_else_is_none(text: str, country: str | None) -> None:
    assert rules.business_tax_id(text, country) is None


@given(st.text() | st.from_regex(r"[A-Z]{0,4}[0-9]{0,15}[A-Z]{0,4}", fullmatch=True), st.data())
def test_whatever_is_typed_is_an_id_or_none(text: str, data: st.DataObject) -> None:
    country = data.draw(st.sampled_from([None, "US", "ZZ", *rules._EU_COUNTRIES.values(), *rules._BUSINESS_COUNTRIES]))
    found = rules.business_tax_id(text, country)
    assert found is None or rules.business_tax_id(found.number, found.country) == found


@pytest.mark.parametrize(
    ("country", "text", "code"),
    [
        ("US", "California", "CA"),
        ("US", "CA", "CA"),
        ("US", "ca", "CA"),
        ("US", "US-CA", "CA"),
        ("US", " new   york ", "NY"),
        ("US", "Washington", "WA"),
        ("US", "District of Columbia", "DC"),
        ("CA", "Québec", "QC"),
        ("CA", "quebec", "QC"),
        ("CA", "ca-on", "ON"),
        ("CA", "CA", None),
        ("US", "Ontario", None),
        ("US", "", None),
        ("US", None, None),
        ("IN", "Karnataka", None),
    ],
)
def test_a_state_is_known_by_its_code_and_its_name(country: str, text: str | None, code: str | None) -> None:
    assert rules.state_code(country, text) == code


def test_a_reverse_charge_needs_two_countries_that_are_known() -> None:
    tax_id = TaxId("DE", "DE136695976")
    assert rules.is_reverse_charge(tax_id, "FR")
    assert not rules.is_reverse_charge(tax_id, "DE")
    assert not rules.is_reverse_charge(tax_id, None)


def test_a_rate_ends_the_one_before_it_and_holds_until_the_one_after_it() -> None:
    first, later = rate(-5, 10), rate(10)
    place = rules.place(day(3), TODAY, [first, later])
    assert (place.ends, place.valid_until) == (first, day(10))
    last = rules.place(day(10), TODAY, [first, later])
    assert (last.ends, last.valid_until) == (later, None)
    assert rules.place(TODAY, TODAY, []).ends is None


def test_a_rate_begins_today_at_the_earliest() -> None:
    assert rules.place(TODAY, TODAY, []).valid_until is None
    with pytest.raises(RateInThePast):
        rules.place(day(-1), TODAY, [])


def test_a_rate_in_force_ends_today_and_one_to_come_lets_the_one_before_it_go_on() -> None:
    first, later = rate(-5, 10), rate(10)
    now = rules.removal(first, TODAY, [first, later])
    assert (now.deletes, now.ends, now.valid_until) == (False, first, TODAY)
    to_come = rules.removal(later, TODAY, [first, later])
    assert (to_come.deletes, to_come.ends, to_come.valid_until) == (True, first, None)
    over = rules.removal(rate(-5, 0), TODAY, [])
    assert (over.deletes, over.ends) == (False, None)
    with pytest.raises(RateIsPackaged):
        rules.removal(replace(first, source="a package"), TODAY, [first])


def test_there_is_a_limit_to_how_many_there_are() -> None:
    rules.refuse_one_more(rules.MAX_RATES - 1)
    with pytest.raises(TooManyRates):
        rules.refuse_one_more(rules.MAX_RATES)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=12))
def test_whatever_is_added_and_given_up_a_day_has_one_rate_and_the_past_stands(steps: list[tuple[bool, int]]) -> None:
    rates = {one.id: one for one in (rate(-9, -4), rate(-4))}
    past = [one.id for offset in range(-9, 0) for one in rates.values() if one.holds(day(offset))]
    for is_added, number in steps:
        others = [one for one in rates.values() if one.valid_until is None or one.valid_until > one.valid_from]
        if is_added:
            place = rules.place(day(number), TODAY, others)
            if place.ends:
                rates[place.ends.id] = replace(place.ends, valid_until=day(number))
            added = replace(rate(number), valid_until=place.valid_until)
            rates[added.id] = added
        else:
            chosen = list(rates.values())[number % len(rates)]
            removal = rules.removal(chosen, TODAY, others)
            if removal.deletes:
                del rates[chosen.id]
            if removal.ends:
                rates[removal.ends.id] = replace(removal.ends, valid_until=removal.valid_until)
        for offset in range(-9, 9):
            assert sum(one.holds(day(offset)) for one in rates.values()) <= 1
    assert past == [one.id for offset in range(-9, 0) for one in rates.values() if one.holds(day(offset))]


@given(st.text(alphabet="ABDEFGJPT0123456789 -.", max_size=16), st.sampled_from([None, *sorted(country_codes())]))
def test_any_text_is_a_tax_id_or_none(text: str, country: str | None) -> None:
    found = rules.business_tax_id(text, country)
    assert found is None or found.number


def test_a_letter_alone_is_no_japanese_invoice_number() -> None:
    assert rules.business_tax_id("T", "JP") is None
