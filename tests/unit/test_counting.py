"""What is counted of a report, and where: as somebody counts by hand, unit by unit."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.catalog.features.records import Aggregation, FeatureType
from kelviq_server.catalog.prices.records import ThresholdType
from kelviq_server.core.allowance import MAX_UNITS, Enforce
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.usage.allowances.records import NOTHING, Allowance
from kelviq_server.usage.counting.errors import NothingLeft, PeriodOver, TooMuch
from kelviq_server.usage.counting.records import Share
from kelviq_server.usage.counting.rules import Counting
from kelviq_server.usage.meters.records import Meter

AT = datetime(2031, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
ADA, CALLS = UUID(int=1), UUID(int=2)
PAIR = (ADA, CALLS)
DAYS = {ChargePeriod.DAILY: 1, ChargePeriod.WEEKLY: 7, ChargePeriod.TWENTY_EIGHT_DAYS: 28}
How = Literal["DELTA", "SET"]


def meter(aggregation: Aggregation = Aggregation.SUM) -> dict[UUID, Meter]:
    return {CALLS: Meter(CALLS, "calls", "Calls", FeatureType.METER, False, aggregation, None, ())}


def allowance(
    number: int, limit: int | None, every: ChargePeriod | None = ChargePeriod.DAILY, at: datetime = AT
) -> Allowance:
    """Return what a subscription grants that began at an instant."""
    end = None if every is None else at + DAY * DAYS[every]
    return Allowance(
        customer_id=ADA, feature_id=CALLS, lineage_id=UUID(int=100 + number), subscription_id=UUID(int=number),
        is_granted=True, usage_limit=limit, every=every, anchor_at=at, time_zone="UTC", since=at,
        period_start=None if every is None else at, period_end=end,
    )  # fmt: skip


@dataclass
class Held:
    """A subscription as the model knows it."""

    name: UUID
    limit: int | None
    days: int | None
    start: datetime = AT
    used: int = 0

    @property
    def end(self) -> datetime | None:
        return None if self.days is None else self.start + DAY * self.days

    def has(self, at: datetime) -> bool:
        return self.end is None or self.start <= at < self.end

    def has_room(self) -> bool:
        return self.limit is None or self.used < self.limit


@dataclass
class Model:
    """Counts unit by unit."""

    held: list[Held]
    now: datetime = AT
    # What was counted of each, in the current period or not.
    ever: Counter[UUID] = field(default_factory=Counter[UUID])

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for each in self.held:
            while each.end is not None and each.end <= self.now:
                each.start, each.used = each.end, 0

    def order(self) -> list[Held]:
        never = datetime.max.replace(tzinfo=UTC)
        return sorted(self.held, key=lambda each: (each.end or never, each.limit is None, each.name))

    def use(self, how: How, value: int, at: datetime, enforce: Enforce | None) -> int | str:
        """Return how much was beyond the limit, or what refuses it."""
        current = [each for each in self.order() if each.has(at)]
        if how == "SET":
            if not current:
                return "PeriodOver"
            value -= sum(each.used for each in current)
        if not current:
            if value < 0 or enforce in (Enforce.REJECT, Enforce.CAP):
                return "PeriodOver"
            self.ever[self.order()[0].name] += value
            return 0
        for _ in range(-value):
            last = next((each for each in reversed(current) if each.used > 0), None)
            if last is not None:
                last.used -= 1
                self.ever[last.name] -= 1
        room = sum(max(each.limit - each.used, 0) if each.limit is not None else 10**6 for each in current)
        debt = sum(max(each.used - each.limit, 0) for each in current if each.limit is not None)
        room = max(room - debt, 0)
        if enforce is Enforce.REJECT and value > room:
            return "NothingLeft"
        if enforce is Enforce.CAP:
            value = min(value, room)
        for _ in range(value):
            each = next((each for each in current if each.has_room()), current[-1])
            each.used += 1
            self.ever[each.name] += 1
        return max(value - room, 0)


@dataclass(frozen=True)
class Reported:
    """Some time passes, and something is reported that was so many seconds ago."""

    seconds: int
    how: How
    value: int
    ago: int
    enforce: Enforce | None


HOURS = st.sampled_from([0, 0, 0, 1, 7, 24, 50, 24 * 8]).map(lambda hours: hours * 3600)
reports = st.builds(
    Reported, HOURS, st.sampled_from(["DELTA", "DELTA", "SET"]), st.integers(-12, 25), HOURS,
    st.sampled_from([None, None, *Enforce]),
)  # fmt: skip
subscriptions = st.lists(
    st.tuples(st.none() | st.integers(0, 20), st.sampled_from([None, *DAYS])), min_size=1, max_size=3
)


@given(subscriptions, st.lists(reports, min_size=1, max_size=12))
def test_whatever_is_reported_is_counted_as_by_hand(
    granted: list[tuple[int | None, ChargePeriod | None]], reported: list[Reported]
) -> None:
    rows = [allowance(number, *each) for number, each in enumerate(granted)]
    model = Model([Held(row.lineage_id, row.usage_limit, DAYS.get(row.every) if row.every else None) for row in rows])
    days: Counter[UUID] = Counter()
    shared: Counter[UUID] = Counter()
    for each in reported:
        model.pass_time(each.seconds)
        at = model.now - timedelta(seconds=each.ago)
        value = abs(each.value) if each.how == "SET" else each.value
        counting = Counting(model.now, rows, meter())
        use = counting.set_to if each.how == "SET" else counting.use
        came: int | str
        shares: list[Share] = []
        try:
            shares, came = use(PAIR, value, at, each.enforce)
        except (NothingLeft, PeriodOver) as refusal:
            came = type(refusal).__name__
        assert came == model.use(each.how, value, at, each.enforce)
        assert {row.lineage_id: row.total for row in rows if row.total} == {
            held.name: held.used for held in model.held if held.used
        }
        for share in shares:
            shared[share.lineage_id] += int(share.value)
        for day in counting.days_by_aggregation.get(Aggregation.SUM, ()):
            days[day.lineage_id] += int(day.total)
        # Only what has changed is written, and all of it.
        written = {id(row) for part in counting.touched for row in part}
        assert written >= {
            id(row) for row in rows for share in shares if share.lineage_id == row.lineage_id and not share.is_late
        }
    assert +days == +shared == +model.ever


def test_of_five_that_want_three_of_ten_three_have_them() -> None:
    rows = [allowance(1, 10)]
    counting = Counting(AT, rows, meter())
    for _ in range(3):
        counting.use(PAIR, 3, AT, Enforce.REJECT)
    for _ in range(2):
        with pytest.raises(NothingLeft):
            counting.use(PAIR, 3, AT, Enforce.REJECT)
    assert rows[0].total == 9


def test_what_is_held_is_left_for_nobody_else() -> None:
    row = allowance(1, 10)
    row.held = 8
    with pytest.raises(NothingLeft):
        Counting(AT, [row], meter()).use(PAIR, 3, AT, Enforce.REJECT)
    _, beyond = Counting(AT, [row], meter()).use(PAIR, 3, AT, Enforce.OVERFLOW)
    assert (row.total, beyond) == (3, 1)


def test_late_usage_stands_in_its_own_day_and_nowhere_else() -> None:
    row = allowance(1, 10)
    counting = Counting(AT + DAY * 5, [row], meter())
    with pytest.raises(PeriodOver):
        counting.use(PAIR, 7, AT + timedelta(hours=30), Enforce.REJECT)
    [share], beyond = counting.use(PAIR, 7, AT + timedelta(hours=30), None)
    assert (share.value, share.starts_at, share.is_late, beyond) == (7, AT + DAY, True, 0)
    assert row.total == 0
    assert [(day.starts_at, day.total) for day in counting.days_by_aggregation[Aggregation.SUM]] == [(AT + DAY, 7)]


def test_what_was_used_before_usage_was_set_to_zero_does_not_count_any_more() -> None:
    row = allowance(1, 10, None)
    row.reset_at = AT + timedelta(hours=2)
    counting = Counting(AT + timedelta(hours=3), [row], meter())
    [early], _ = counting.use(PAIR, 4, AT + timedelta(hours=1), None)
    [later], _ = counting.use(PAIR, 5, AT + timedelta(hours=2), None)
    assert (early.is_late, later.is_late, row.total) == (True, False, 5)
    assert early.starts_at < row.reset_at == later.starts_at


def test_a_day_is_divided_where_a_period_begins_and_where_terms_change() -> None:
    row = allowance(1, 10, at=AT + timedelta(hours=9))
    row.since = AT + timedelta(hours=15)
    counting = Counting(AT + timedelta(hours=20), [row], meter())
    hours = {hour: counting.use(PAIR, 1, AT + timedelta(hours=hour), None)[0][0].starts_at for hour in (8, 10, 14, 16)}
    assert {hour: (at - AT) // timedelta(hours=1) for hour, at in hours.items()} == {8: 0, 10: 9, 14: 9, 16: 15}


def test_what_was_charged_already_leaves_its_invoice_behind() -> None:
    row = allowance(1, 10)
    row.charged_until = AT + timedelta(hours=12)
    row.since = AT + timedelta(hours=12)
    counting = Counting(AT + timedelta(hours=20), [row], meter())
    counting.use(PAIR, 1, AT + timedelta(hours=13), None)
    assert counting.behind == []
    counting.use(PAIR, 1, AT + timedelta(hours=1), None)
    assert counting.behind == [(row.lineage_id, CALLS, AT)]


def test_no_more_than_fits_is_counted() -> None:
    row = allowance(1, None)
    counting = Counting(AT, [row], meter())
    counting.use(PAIR, MAX_UNITS, AT, None)
    with pytest.raises(TooMuch):
        counting.use(PAIR, 1, AT, None)
    assert row.total == MAX_UNITS


def test_what_nothing_grants_is_counted_of_nothing_and_a_subscription_that_has_ended_grants_nothing() -> None:
    ended = allowance(1, 10)
    ended.ends_at = AT + timedelta(hours=1)
    nothing = Allowance(customer_id=ADA, feature_id=CALLS, lineage_id=NOTHING, since=AT)
    Counting(AT, [ended, nothing], meter()).use(PAIR, 3, AT, None)
    Counting(ended.ends_at, [ended, nothing], meter()).use(PAIR, 4, ended.ends_at, None)
    assert (ended.total, nothing.total) == (3, 4)


def test_an_event_is_counted_whole_for_the_first_that_has_something_left() -> None:
    rows = [allowance(1, 5), allowance(2, 5, ChargePeriod.WEEKLY)]
    counting = Counting(AT, rows, meter())
    for _ in range(3):
        counting.event([(PAIR, Decimal("4.25"))], AT)
    assert [row.total for row in rows] == [Decimal("8.5"), Decimal("4.25")]
    counting.event([(PAIR, Decimal(1))], AT)
    counting.event([(PAIR, Decimal(1))], AT)
    # Nothing is left of either.
    assert [row.total for row in rows] == [Decimal("8.5"), Decimal("6.25")]


def test_an_event_that_is_too_much_for_one_meter_is_counted_by_none() -> None:
    spaces = UUID(int=3)
    rows = [allowance(1, None), replace(allowance(1, None), feature_id=spaces, total=Decimal(MAX_UNITS))]
    meters = meter() | {spaces: replace(meter()[CALLS], id=spaces)}
    counting = Counting(AT, rows, meters)
    with pytest.raises(TooMuch):
        counting.event([(PAIR, Decimal(1)), ((ADA, spaces), Decimal(1))], AT)
    assert [row.total for row in rows] == [0, MAX_UNITS]
    assert counting.touched == ([], [])
    assert counting.days_by_aggregation == {}


@pytest.mark.parametrize(
    ("aggregation", "used"),
    [(Aggregation.MAX, 9), (Aggregation.LATEST, 2), (Aggregation.AVG, 5), (Aggregation.COUNT, 3)],
)
def test_events_are_counted_as_their_meter_aggregates(aggregation: Aggregation, used: int) -> None:
    row = allowance(1, 100)
    counting = Counting(AT + DAY * 0.5, [row], meter(aggregation))
    for value, hours in ((4, 1), (9, 2), (2, 3)):
        counting.event([(PAIR, Decimal(value))], AT + timedelta(hours=hours))
    assert row.used(aggregation) == used
    [day] = counting.days_by_aggregation[aggregation]
    assert (day.total, day.count) == (row.total, row.count) == (row.total, 3)


def test_a_value_is_counted_once_in_a_period_and_again_in_the_next() -> None:
    row, known = allowance(1, 100), {(ADA, CALLS, UUID(int=101)): {b"a"}}
    counting = Counting(AT, [row], meter(Aggregation.UNIQUE), known)
    shares = [counting.event([(PAIR, value)], AT)[0].value for value in (b"a", b"b", b"b", b"c")]
    assert (shares, row.count) == ([0, 1, 0, 1], 2)
    counting = Counting(AT + DAY, [row], meter(Aggregation.UNIQUE))
    assert (counting.event([(PAIR, b"a")], AT + DAY)[0].value, row.count) == (1, 1)


def test_a_threshold_is_crossed_once_in_a_period() -> None:
    row = allowance(1, 10)
    row.alert_type, row.alert_thresholds = ThresholdType.PERCENTAGE, [Decimal(50), Decimal(100)]

    def crossed(amount: int, at: datetime) -> list[int]:
        counting = Counting(at, [row], meter())
        counting.use(PAIR, amount, at, None)
        return [int(each.threshold) for each in counting.crossings()]

    assert [crossed(each, AT) for each in (4, 1, 1, 20, -20, 9)] == [[], [50], [], [100], [], []]
    assert crossed(10, AT + DAY) == [50, 100]
