"""How much may be used: when a meter begins again, what is carried over, and what is drawn from which allowance."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.allowance import (
    MAX_UNITS,
    Carry,
    Counter,
    Enforce,
    Schedule,
    Span,
    Terms,
    admitted,
    carried_into,
    draw,
    give_back,
    has_access,
    reached,
)
from kelviq_server.core.calendar import ChargePeriod, Reset, ResetTime

BERLIN = "Europe/Berlin"
# The clocks of Berlin go forward on 2026-03-29 at 01:00 UTC, and back on 2026-10-25.
ANCHOR = datetime(2026, 1, 31, 9, tzinfo=ZoneInfo(BERLIN))
OF_CALENDAR, OF_SUBSCRIPTION = ResetTime.BEGINNING_OF_PERIOD, ResetTime.SUBSCRIPTION_START
rooms = st.lists(st.none() | st.integers(-50, 50), min_size=1, max_size=4)
amounts = st.integers(0, 200)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def around(reset: Reset, at: str, time: ResetTime | None = OF_SUBSCRIPTION) -> tuple[str, str]:
    span = Schedule.of(reset, time, ANCHOR, BERLIN).around(utc(at))
    assert span.start is not None
    assert span.end is not None
    return f"{span.start:%Y-%m-%d %H:%M}", f"{span.end:%Y-%m-%d %H:%M}"


def test_what_begins_with_a_subscription_keeps_its_day_at_the_ends_of_months() -> None:
    assert around(Reset.EVERY_MONTH, "2026-02-01") == ("2026-01-31 08:00", "2026-02-28 08:00")
    assert around(Reset.EVERY_MONTH, "2026-03-01") == ("2026-02-28 08:00", "2026-03-31 07:00")
    assert around(Reset.EVERY_MONTH, "2028-02-28") == ("2028-01-31 08:00", "2028-02-29 08:00")
    assert around(Reset.EVERY_QUARTER, "2026-05-01") == ("2026-04-30 07:00", "2026-07-31 07:00")
    assert around(Reset.EVERY_YEAR, "2027-01-31") == ("2026-01-31 08:00", "2027-01-31 08:00")
    assert around(Reset.EVERY_28_DAYS, "2026-03-01") == ("2026-02-28 08:00", "2026-03-28 08:00")


def test_days_are_those_of_the_clock_on_the_wall() -> None:
    assert around(Reset.EVERY_DAY, "2026-03-28T12:00") == ("2026-03-28 08:00", "2026-03-29 07:00")
    assert around(Reset.EVERY_DAY, "2026-10-24T12:00") == ("2026-10-24 07:00", "2026-10-25 08:00")
    assert around(Reset.EVERY_WEEK, "2026-03-29") == ("2026-03-28 08:00", "2026-04-04 07:00")


def test_what_begins_with_the_calendar_does_so_at_midnight_in_utc() -> None:
    for reset, at, expected in (
        (Reset.EVERY_DAY, "2026-03-29T23:30", ("2026-03-29 00:00", "2026-03-30 00:00")),
        # A Sunday.
        (Reset.EVERY_WEEK, "2026-03-29T23:30", ("2026-03-23 00:00", "2026-03-30 00:00")),
        (Reset.EVERY_MONTH, "2026-02-28T23:30", ("2026-02-01 00:00", "2026-03-01 00:00")),
        (Reset.EVERY_QUARTER, "2026-06-30T23:30", ("2026-04-01 00:00", "2026-07-01 00:00")),
        (Reset.EVERY_YEAR, "2026-12-31T23:30", ("2026-01-01 00:00", "2027-01-01 00:00")),
    ):
        assert around(reset, at, OF_CALENDAR) == expected


def test_without_a_word_on_when_it_is_the_subscriptions_day() -> None:
    assert around(Reset.EVERY_MONTH, "2026-02-01", None) == around(Reset.EVERY_MONTH, "2026-02-01", OF_SUBSCRIPTION)


def test_what_never_begins_again_has_no_end() -> None:
    assert Schedule.of(Reset.NEVER, OF_CALENDAR, ANCHOR, BERLIN).around(ANCHOR) == Span(None, None)
    assert ANCHOR in Span(None, None)
    assert Counter(Span(None, None), used=7).left(Terms(limit=5)) == -2


@given(
    st.sampled_from([each for each in Reset if each is not Reset.NEVER]),
    st.sampled_from([OF_CALENDAR, OF_SUBSCRIPTION]),
    st.datetimes(datetime.fromisoformat("2015-01-01"), datetime.fromisoformat("2045-01-01")),
)
def test_every_instant_belongs_to_one_period_and_its_end_to_the_next(
    reset: Reset, time: ResetTime, at: datetime
) -> None:
    schedule = Schedule.of(reset, time, ANCHOR, BERLIN)
    span = schedule.around(at.replace(tzinfo=UTC))
    assert span.start is not None
    assert span.end is not None
    assert at.replace(tzinfo=UTC) in span
    assert span.start in span
    assert span.end not in span
    assert schedule.around(span.end).start == span.end
    assert schedule.around(span.end - timedelta(microseconds=1)) == span


DAILY = Schedule(ChargePeriod.DAILY, utc("2026-01-01"))


def carried(terms: Terms, used: int, days: int, *, before: int = 0) -> int:
    """Return what is carried into a day from one that is so many days earlier; nobody used anything in between."""
    counter = Counter(terms.schedule.around(utc("2026-01-01")), used=used, carried=before)
    later = terms.schedule.around(utc("2026-01-01") + timedelta(days=days))
    return carried_into(counter, lambda at: terms, later)


def test_what_is_carried_is_a_part_of_what_was_left_rounded_down_and_up_to_a_limit() -> None:
    half = Terms(100, schedule=DAILY, carry=Carry(Decimal(50), None))
    assert carried(half, 33, 1) == 33
    assert carried(half, 100, 1) == carried(half, 130, 1) == 0
    assert carried(half, 0, 1, before=20) == 60
    assert carried(Terms(100, schedule=DAILY, carry=Carry(Decimal(50), 10)), 33, 1) == 10
    assert carried(Terms(100, schedule=DAILY), 0, 1) == 0
    assert carried(Terms(None, schedule=DAILY, carry=Carry(Decimal(50), None)), 0, 1) == 0


def test_what_is_carried_through_periods_that_nobody_touched_is_carried_period_by_period() -> None:
    half = Terms(100, schedule=DAILY, carry=Carry(Decimal(50), None))
    # 50, half of 150, half of 175, ... never more than 99.
    assert [carried(half, 0, days) for days in (1, 2, 3, 1000)] == [50, 75, 87, 99]
    # Nothing, then half of 100.
    assert [carried(half, 100, days) for days in (1, 2)] == [0, 50]
    assert carried(Terms(100, schedule=DAILY, carry=Carry(Decimal(100), None)), 40, 3) == 260
    assert carried(Terms(MAX_UNITS, schedule=DAILY, carry=Carry(Decimal(100), None)), 0, 9) == MAX_UNITS


def test_terms_that_change_while_nobody_looks_hold_for_the_periods_that_end_afterwards() -> None:
    all_of_it = Carry(Decimal(100), None)
    more, less = Terms(100, schedule=DAILY, carry=all_of_it), Terms(10, schedule=DAILY, carry=all_of_it)
    counter = Counter(DAILY.around(utc("2026-01-01")))

    def terms_before(at: datetime) -> Terms:
        return more if at <= utc("2026-01-03") else less

    assert carried_into(counter, terms_before, DAILY.around(utc("2026-01-05T12:00"))) == 100 + 100 + 10 + 10
    # The same is carried again and again, until it is not.
    none = Terms(0, schedule=DAILY, carry=all_of_it)

    def nothing_before(at: datetime) -> Terms:
        return none if at <= utc("2026-01-03") else less

    assert carried_into(counter, nothing_before, DAILY.around(utc("2026-01-05"))) == 20


@given(st.integers(0, 300), st.integers(0, 100), st.integers(0, 100), st.none() | st.integers(0, 50), st.integers(1, 9))
def test_periods_that_nobody_touched_carry_as_if_somebody_had_looked_at_each(
    used: int, limit: int, percentage: int, most: int | None, days: int
) -> None:
    terms = Terms(limit, schedule=DAILY, carry=Carry(Decimal(percentage), most))
    one_by_one = 0
    for day in range(days):
        one_by_one = carried(terms, used if day == 0 else 0, 1, before=one_by_one)
    assert carried(terms, used, days) == one_by_one


def test_what_is_held_is_not_left_and_what_was_carried_is_allowed() -> None:
    counter = Counter(Span(None, None), used=3, held=4, carried=5)
    assert (counter.allowed(Terms(10)), counter.left(Terms(10))) == (15, 8)
    assert (counter.allowed(Terms()), counter.left(Terms())) == (None, None)
    assert counter.allowed(Terms(MAX_UNITS)) == MAX_UNITS


def test_access_ends_at_a_hard_limit_and_not_at_a_soft_one() -> None:
    hard, soft = Terms(10, is_hard=True), Terms(10)
    assert [has_access(hard, left) for left in (1, 0, -1, None)] == [True, False, False, True]
    assert [has_access(soft, left) for left in (1, 0, -1, None)] == [True] * 4


def test_usage_is_drawn_from_the_first_then_from_the_next_and_the_rest_from_the_last() -> None:
    assert draw(7, [5, 5]) == [5, 2]
    assert draw(12, [5, 5]) == [5, 7]
    assert draw(7, [-3, 5, 5]) == [0, 5, 2]
    assert draw(7, [2, None, 5]) == [2, 5, 0]
    assert draw(4, [-1, -1]) == [0, 4]


@given(amounts, rooms)
def test_whatever_is_drawn_adds_up_and_nothing_goes_beyond_but_from_the_last(
    amount: int, left: list[int | None]
) -> None:
    parts = draw(amount, left)
    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)
    assert all(room is None or part <= max(room, 0) for part, room in zip(parts[:-1], left[:-1], strict=True))
    # None is drawn from while an earlier one has room.
    for place, part in enumerate(parts):
        if part:
            earlier = zip(parts[:place], left[:place], strict=True)
            assert all(room is not None and taken == max(room, 0) for taken, room in earlier)


@given(amounts, st.lists(st.integers(0, 50), min_size=1, max_size=4))
def test_what_is_given_back_is_what_was_used_at_the_most_the_last_first(amount: int, used: list[int]) -> None:
    parts = give_back(amount, used)
    assert sum(parts) == min(amount, sum(used))
    assert all(0 <= part <= most for part, most in zip(parts, used, strict=True))
    for place, part in enumerate(parts):
        if part:
            assert parts[place + 1 :] == used[place + 1 :]


@given(amounts, st.integers(0, 50))
def test_what_was_drawn_within_a_limit_and_given_back_leaves_nothing(amount: int, room: int) -> None:
    parts = draw(amount, [room, room])
    assert give_back(amount, parts) == parts


def test_enforcement_counts_all_what_is_left_or_nothing() -> None:
    for enforce, counted in ((Enforce.REJECT, 0), (Enforce.CAP, 4), (Enforce.OVERFLOW, 5)):
        assert admitted(5, 4, enforce) == counted
        assert admitted(4, 4, enforce) == 4
        assert admitted(5, None, enforce) == 5
    assert admitted(1, -3, Enforce.CAP) == 0


def test_thresholds_are_reached_at_their_part_of_the_limit_or_at_so_many_units() -> None:
    parts = [Decimal(50), Decimal("99.5"), Decimal(100)]
    assert reached(99, 200, parts, is_percentage=True) == []
    assert reached(100, 200, parts, is_percentage=True) == [Decimal(50)]
    assert reached(199, 200, parts, is_percentage=True) == parts[:2]
    assert reached(200, 200, parts, is_percentage=True) == parts
    # A part of nothing is never reached, and of no limit neither.
    assert reached(5, 0, parts, is_percentage=True) == reached(5, None, parts, is_percentage=True) == []
    assert reached(50, None, parts, is_percentage=False) == [Decimal(50)]


@pytest.mark.parametrize("limit", [3, 7])
def test_a_threshold_of_a_limit_that_it_does_not_divide_is_reached_with_the_next_unit(limit: int) -> None:
    half = [Decimal(50)]
    assert reached(limit // 2, limit, half, is_percentage=True) == []
    assert reached(limit // 2 + 1, limit, half, is_percentage=True) == half
