"""What one customer may do, as somebody keeps it who goes through time hour by hour and counts unit by unit."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

AT = datetime(2031, 1, 30, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)
# In place of a subscription, where nothing grants what is used.
NOTHING = UUID(int=0)
Begins = Literal["never", "each day", "each week", "each month"]


@dataclass(frozen=True)
class Terms:
    """On which terms a plan grants a meter."""

    limit: int | None
    begins: Begins = "never"
    is_hard: bool = True
    # How much of a hundred units is carried over, and how many at the most.
    carry: tuple[int, int | None] | None = None


# Days and weeks are those of the calendar, months those of the subscription.
PLANS: Mapping[str, Mapping[str, Terms]] = {
    "small": {
        "calls": Terms(10, "each day"),
        "tokens": Terms(40, "each month", is_hard=False),
        "users": Terms(5, "each week"),
    },
    "large": {
        "calls": Terms(30, "each month", carry=(50, 10)),
        "tokens": Terms(None, is_hard=False),
        "peak": Terms(9, "each week"),
        "last": Terms(50),
    },
    "daily": {"calls": Terms(5, "each day", carry=(75, None)), "users": Terms(3), "peak": Terms(20, "each day")},
    "empty": {},
}


@dataclass(frozen=True)
class Used:
    """What was counted once: a number of units, a value of an event, or who did something."""

    at: datetime
    value: Any


def _aggregated(meter: str, counted: list[Used]) -> int:
    match meter:
        case "users":
            return len({each.value for each in counted})
        case "peak":
            return max((each.value for each in counted), default=0)
        case "last":
            # Of several at one instant it is the one that came last.
            return max(enumerate(counted), key=lambda each: (each[1].at, each[0]))[1].value if counted else 0
        case _:
            return sum(each.value for each in counted)


@dataclass
class Pot:
    """A meter, as one subscription grants it, or none."""

    meter: str
    lineage: UUID
    terms: Terms = Terms(None)
    is_granted: bool = False
    ends_at: datetime | None = None
    anchor: datetime = AT
    start: datetime | None = None
    end: datetime | None = None
    counted: list[Used] = field(default_factory=list[Used])
    # Since when it counts, where usage was set to zero, or moved to where it is granted.
    zero_at: datetime | None = None
    carried: int = 0
    override: tuple[int | None, datetime] | None = None

    @property
    def used(self) -> int:
        return _aggregated(self.meter, self.counted)

    def grants(self, now: datetime) -> bool:
        return self.is_granted and (self.ends_at is None or now < self.ends_at)

    def counts(self, at: datetime) -> bool:
        if self.zero_at is not None and at < self.zero_at:
            return False
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def limit(self, now: datetime) -> int | None:
        return self.override[0] if self.override is not None and now < self.override[1] else self.terms.limit

    def left(self, now: datetime) -> int | None:
        limit = self.limit(now)
        return None if limit is None else limit + self.carried - self.used

    def tick(self, now: datetime) -> None:
        """Begin again where the period ends at this hour."""
        if self.end is None or now < self.end:
            return
        limit = self.limit(now - timedelta(seconds=1))
        if self.terms.carry is None or limit is None:
            self.carried = 0
        else:
            percent, most = self.terms.carry
            part = max(limit + self.carried - self.used, 0) * percent // 100
            self.carried = part if most is None else min(part, most)
        self.counted = []
        self.begin(now)

    def begin(self, now: datetime) -> None:
        """Find the period that an instant belongs to."""
        match self.terms.begins:
            case "never":
                self.start = self.end = None
            case "each day":
                self.start = now.replace(hour=0)
                self.end = self.start + 24 * HOUR
            case "each week":
                self.start = now.replace(hour=0) - now.weekday() * 24 * HOUR
                self.end = self.start + 7 * 24 * HOUR
            case "each month":
                index = 0
                while _months_later(self.anchor, index + 1) <= now:
                    index += 1
                self.start, self.end = _months_later(self.anchor, index), _months_later(self.anchor, index + 1)


def _months_later(anchor: datetime, months: int) -> datetime:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    last = 29 if month == 1 and year % 4 == 0 else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last))


@dataclass
class Subscription:
    """What the customer pays for, month by month."""

    lineage: UUID
    plan: str
    anchor: datetime
    ends_at: datetime | None = None
    is_over: bool = False


class Model:
    """Everything about one customer."""

    def __init__(self) -> None:
        self.now = AT
        self.subscriptions: list[Subscription] = []
        self.pots: dict[tuple[str, UUID], Pot] = {}
        self.overrides: dict[str, tuple[int | None, datetime]] = {}

    def advance(self, hours: int) -> None:
        for _ in range(hours):
            self.now += HOUR
            for pot in self.pots.values():
                pot.tick(self.now)
            for each in self.subscriptions:
                if not each.is_over and each.ends_at is not None and each.ends_at <= self.now:
                    self._release(each)

    def subscribe(self, plan: str, lineage: UUID) -> None:
        new = Subscription(lineage, plan, self.now)
        self.subscriptions.append(new)
        self._grant(new)

    def change(self, each: Subscription, plan: str) -> None:
        each.plan = plan
        self._grant(each)

    def cancel(self, each: Subscription, *, at_once: bool) -> None:
        if at_once:
            self._release(each)
            return
        index = 0
        while _months_later(each.anchor, index) <= self.now:
            index += 1
        each.ends_at = _months_later(each.anchor, index)
        self._grant(each)

    def _release(self, each: Subscription) -> None:
        each.is_over = True
        changed: set[str] = set()
        for (meter, lineage), pot in self.pots.items():
            if lineage == each.lineage and pot.is_granted:
                pot.is_granted = False
                changed.add(meter)
        for meter in changed:
            self._deal(meter)

    def _grant(self, each: Subscription) -> None:
        granted = PLANS[each.plan]
        changed = set(granted)
        for meter, terms in granted.items():
            pot = self.pots.setdefault((meter, each.lineage), Pot(meter, each.lineage, anchor=each.anchor))
            is_first = not any(other.grants(self.now) for other in self._of(meter))
            begins_anew = not pot.is_granted or pot.terms.begins != terms.begins
            pot.terms, pot.is_granted, pot.ends_at = terms, True, each.ends_at
            if begins_anew:
                pot.begin(self.now)
            if is_first:
                nothing = self._nothing(meter)
                if nothing.counted:
                    pot.counted += nothing.counted
                    nothing.counted, nothing.zero_at = [], self.now
        for (meter, lineage), pot in self.pots.items():
            if lineage == each.lineage and pot.is_granted and meter not in granted:
                pot.is_granted = False
                changed.add(meter)
        for meter in changed:
            self._deal(meter)

    def override(self, meter: str, limit: int | None, until: datetime) -> None:
        self.overrides[meter] = (limit, until)
        self._nothing(meter)
        self._deal(meter)

    def no_override(self, meter: str) -> None:
        del self.overrides[meter]
        self._deal(meter)

    def _deal(self, meter: str) -> None:
        """Give what holds instead to the first that is drawn from, and nothing to the others."""
        first = next(iter(self._order(meter)), None)
        for pot in self._of(meter):
            pot.override = self.overrides.get(meter)
            if pot.override is not None and pot.override[0] is not None and pot is not first:
                pot.override = (0, pot.override[1])

    def zero(self, meter: str) -> None:
        self._nothing(meter)
        for pot in self._of(meter):
            pot.counted, pot.zero_at = [], self.now

    def _of(self, meter: str) -> Iterator[Pot]:
        return (pot for (name, _), pot in self.pots.items() if name == meter)

    def _nothing(self, meter: str) -> Pot:
        if (meter, NOTHING) not in self.pots:
            self.pots[meter, NOTHING] = Pot(meter, NOTHING)
            self._deal(meter)
        return self.pots[meter, NOTHING]

    def _order(self, meter: str) -> list[Pot]:
        granted = [pot for pot in self._of(meter) if pot.grants(self.now)]
        if not granted:
            return [pot for pot in self._of(meter) if pot.lineage == NOTHING]
        return sorted(granted, key=lambda pot: (pot.end or NEVER, pot.terms.limit is None, pot.lineage))

    def _drawn_from(self, meter: str) -> list[Pot]:
        if not any(pot.grants(self.now) for pot in self._of(meter)):
            self._nothing(meter)
        return self._order(meter)

    def use(self, how: str, value: int, at: datetime, enforce: str | None) -> tuple[int, int] | str:
        """Return how much was counted and how much of it was beyond the limit, or what refuses it."""
        current = [pot for pot in self._drawn_from("calls") if pot.counts(at)]
        if how == "SET":
            value -= sum(pot.used for pot in current)
        if not current:
            is_enforced = enforce in ("reject", "cap")
            return "PeriodOver" if how == "SET" or value < 0 or is_enforced else (value, 0)
        taken: Counter[UUID] = Counter()
        for _ in range(-value):
            last = next((pot for pot in reversed(current) if pot.used > 0), None)
            if last is not None:
                last.counted.append(Used(at, -1))
                taken[last.lineage] += 1
        rooms = [pot.left(self.now) for pot in current]
        room = None if None in rooms else sum(room for room in rooms if room is not None)
        beyond = 0 if room is None else max(value - max(room, 0), 0)
        if beyond and enforce == "reject":
            return "NothingLeft"
        if beyond and enforce == "cap":
            value, beyond = value - beyond, 0
        for _ in range(value):
            pot = next((pot for pot in current if (left := pot.left(self.now)) is None or left > 0), current[-1])
            pot.counted.append(Used(at, 1))
        return max(value, 0) - sum(taken.values()), beyond

    def happen(self, number: int, user: str, at: datetime) -> None:
        for meter, value in (("tokens", number), ("users", user), ("peak", number), ("last", number)):
            current = [pot for pot in self._drawn_from(meter) if pot.counts(at)]
            if current:
                has_room: Callable[[Pot], bool] = lambda pot: (left := pot.left(self.now)) is None or left > 0  # noqa: E731
                first = current[0] if meter != "tokens" else next(filter(has_room, current), current[-1])
                first.counted.append(Used(at, value))

    def may(self) -> "Counter[tuple[Any, ...]]":
        """Return what the customer may do: of each subscription and meter the answer."""
        found: Counter[tuple[Any, ...]] = Counter()
        granted: set[str] = set()
        for pot in self.pots.values():
            if pot.grants(self.now):
                granted.add(pot.meter)
                found[self._access(pot, pot.terms.is_hard)] += 1
        for meter, (_, until) in self.overrides.items():
            if meter not in granted and self.now < until:
                found[self._access(self.pots[meter, NOTHING], True)] += 1
        return found

    def _access(self, pot: Pot, is_hard: bool) -> tuple[Any, ...]:
        limit, left = pot.limit(self.now), pot.left(self.now)
        has_access = left is None or left > 0 or not is_hard
        return pot.meter, has_access, pot.end, is_hard, None if limit is None else limit + pot.carried, pot.used, left
