"""What a meter makes of an event: which it counts, by whatever spelling, and how much of each."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.catalog.features.records import Aggregation, FeatureType, FilterOperator
from kelviq_server.platform.json_body import parse
from kelviq_server.usage.meters.records import Filter, Meter
from kelviq_server.usage.meters.rules import counts, measured, merged, named, quantity_of, snake_case

O = FilterOperator  # noqa: E741
A = Aggregation


def meter(*filters: Filter, aggregation: Aggregation = A.COUNT, field: str | None = None) -> Meter:
    return Meter(uuid4(), "m", "M", FeatureType.METER, True, aggregation, field, filters)


def event(properties: str, name: str = "ask") -> dict[str, Any]:
    """Return an event as it comes: its properties are JSON."""
    return named(name, parse(properties.encode()))


def passes(operator: FilterOperator, wanted: str, found: str | None) -> bool:
    properties = "{}" if found is None else f'{{"size": {found}}}'
    return counts(meter(Filter("size", operator, parse(wanted.encode()))), event(properties))


@pytest.mark.parametrize(
    ("operator", "wanted", "passing", "failing"),
    [
        (O.EQUALS, '"a"', ['"a"'], ['"A"', '"ab"', '["a"]', "null", None]),
        (O.EQUALS, "1", ["1", "1.0", "1e0", "10E-1"], ["1.5", '"1"', "true", "[1]", None]),
        (O.EQUALS, "true", ["true"], ["1", '"true"', "false", None]),
        (O.EQUALS, "0", ["0", "-0", "0.0", "-0.0"], ["false", '""', "null", None]),
        (O.NOT_EQUALS, '"a"', ['"b"', "null", None], ['"a"']),
        (O.NOT_EQUALS, "1", ["true", '"1"', "2"], ["1", "1.00"]),
        (O.GREATER_THAN, "10", ["10.5", "1e2", "99999999999999999999"], ["10", "9", "-11", '"11"', "true", None]),
        (O.GREATER_THAN_OR_EQUAL, "10", ["10", "10.0", "11"], ["9.999999999999", "null"]),
        (O.LESS_THAN, "0.1", ["0.09999999999999999999999999999", "-1"], ["0.1", "0.10", "false", None]),
        (O.LESS_THAN_OR_EQUAL, "0.1", ["0.10", "0"], ["0.10000000000000000000000000001", '"0"', None]),
        (O.CONTAINS, '"b"', ['"abc"', '["a", "b"]'], ['"ABC"', '["abc"]', "1", "null", '{"b": 1}', None]),
        (O.CONTAINS, "1", ["[1.0]", "[2, 1]"], ["[true]", '"1"', "1", '["1"]']),
        (O.IN, '["a", 1, true]', ['"a"', "1.0", "true"], ['"true"', "2", "false", '["a"]', None]),
        (O.NOT_IN, '["a", 1]', ["true", '"b"', None], ['"a"', "1"]),
        (O.EXISTS, "null", ["0", "false", '""', "[]"], ["null", None]),
    ],
)
def test_each_operator_compares_as_it_says(
    operator: FilterOperator, wanted: str, passing: list[str | None], failing: list[str | None]
) -> None:
    assert [found for found in passing if not passes(operator, wanted, found)] == []
    assert [found for found in failing if passes(operator, wanted, found)] == []


def test_an_event_passes_all_filters_or_is_not_counted() -> None:
    both = meter(Filter("event_name", O.EQUALS, "ask"), Filter("size", O.GREATER_THAN, 1))
    assert counts(both, event('{"size": 2}'))
    assert not counts(both, event('{"size": 1}'))
    assert not counts(both, event('{"size": 2}', "tell"))
    assert counts(meter(), event("{}"))


def test_a_property_does_not_hide_the_events_name() -> None:
    asked = meter(Filter("event_name", O.EQUALS, "ask"))
    assert counts(asked, event('{"eventName": "tell", "event_name": "tell"}'))


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("tokenCount", "token_count"),
        ("HTTPStatus", "http_status"),
        ("userID", "user_id"),
        ("utm2Source", "utm2_source"),
        ("plan", "plan"),
        ("Größe", "größe"),
    ],
)
def test_camel_and_snake_case_are_one_name(camel: str, snake: str) -> None:
    assert snake_case(camel) == snake_case(snake) == snake
    for spelled in (camel, snake):
        summing = meter(Filter(snake, O.EXISTS, None), aggregation=A.SUM, field=spelled)
        for sent in (camel, snake):
            found = event(f'{{"{sent}": 3}}')
            assert counts(summing, found)
            assert measured(summing, found) == 3


@pytest.mark.parametrize("aggregation", [A.SUM, A.MAX, A.LATEST, A.AVG])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("3", "3"),
        ("2.50", "2.5"),
        ("1e3", "1000"),
        ("-7", "-7"),
        ("999999999999999999.999999999999", "999999999999999999.999999999999"),
        ("-999999999999999999.999999999999", "-999999999999999999.999999999999"),
        ("1000000000000000000", None),
        ("1e400", None),
        ("0.0000000000001", None),
        ('"3"', None),
        ("true", None),
        ("null", None),
        ("[3]", None),
    ],
)
def test_a_number_is_measured_digit_for_digit_and_nothing_else_is(
    aggregation: Aggregation, sent: str, expected: str | None
) -> None:
    found = measured(meter(aggregation=aggregation, field="size"), event(f'{{"size": {sent}}}'))
    assert found == (None if expected is None else Decimal(expected))


def test_what_is_missing_is_not_measured_but_where_events_are_counted() -> None:
    for aggregation in Aggregation:
        found = measured(meter(aggregation=aggregation, field="size"), event("{}"))
        assert found == (Decimal(1) if aggregation is A.COUNT else None)


def test_different_values_are_told_apart_and_numbers_are_one_however_they_are_written() -> None:
    users = meter(aggregation=A.UNIQUE, field="user")

    def digest(value: str) -> Any:
        return measured(users, event(f'{{"user": {value}}}'))

    assert digest("1") == digest("1.0") == digest("1e0")
    assert digest("0") == digest("-0.0")
    assert digest('{"a": 1, "b": 2}') == digest('{"b": 2, "a": 1}')
    different = ["1", '"1"', "true", '"true"', "false", "0", '""', "[]", "{}", '"None"', "1.5", '["1"]', '"a"', '"A"']
    assert len({digest(each) for each in different}) == len(different)
    assert all(isinstance(digest(each), bytes) and len(digest(each)) == 16 for each in different)
    assert digest("null") is None


AT = datetime(2031, 1, 1, tzinfo=UTC)


def aggregated(aggregation: Aggregation, values: list[str], minutes: list[int] | None = None) -> int:
    """Return what was used in whole units once these values were counted, at these minutes or one after the other."""
    kept: tuple[Decimal, int, datetime | None] = (Decimal(0), 0, None)
    for place, value in enumerate(values):
        minute = place if minutes is None else minutes[place]
        kept = merged(aggregation, kept, Decimal(value), AT.replace(minute=minute))
    return quantity_of(aggregation, kept[0], kept[1])


def test_each_aggregation_comes_to_what_it_says() -> None:
    values = ["3", "-2", "4.5", "1"]
    assert {each: aggregated(each, values) for each in Aggregation} == {
        A.COUNT: 4, A.UNIQUE: 4, A.SUM: 7, A.MAX: 5, A.LATEST: 1, A.AVG: 2,
    }  # fmt: skip
    assert {each: aggregated(each, []) for each in Aggregation} == dict.fromkeys(Aggregation, 0)


def test_the_highest_may_be_less_than_nothing() -> None:
    assert aggregated(A.MAX, ["-5", "-3", "-4"]) == -3


def test_the_latest_is_that_which_happened_last_not_that_which_came_last() -> None:
    assert aggregated(A.LATEST, ["1", "2", "3"], [5, 9, 7]) == 2
    # Of two at one instant it is the one that came last.
    assert aggregated(A.LATEST, ["1", "2"], [5, 5]) == 2


def test_halves_are_rounded_away_from_nothing() -> None:
    assert [aggregated(A.SUM, [value]) for value in ("0.5", "-0.5", "1.49", "2.5")] == [1, -1, 1, 3]
    assert aggregated(A.AVG, ["1", "2"]) == 2
    # Rounded once: not to a half first.
    assert aggregated(A.AVG, ["123456789012345678.499999999999", "123456789012345678.499999999998"]) == (
        123456789012345678
    )


@given(st.lists(st.decimals("-99999", "99999", places=3), max_size=30))
def test_a_sum_is_exact_in_whatever_order(values: list[Decimal]) -> None:
    kept: tuple[Decimal, int, datetime | None] = (Decimal(0), 0, None)
    for value in values:
        kept = merged(A.SUM, kept, value, AT)
    assert kept == (sum(values, Decimal(0)), len(values), None)
