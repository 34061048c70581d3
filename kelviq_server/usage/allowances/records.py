"""Allowances: on which terms a customer uses a meter, and what was used of it in the current period."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.catalog.prices.records import ThresholdType
from kelviq_server.core.allowance import Carry, Counter, Schedule, Span, Terms, allowed, carried_into
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.usage.meters.rules import quantity_of

# In place of a subscription, where nothing grants what is used.
NOTHING: Final = UUID(int=0)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_INSTANT: Final = datetime.resolution


@dataclass(frozen=True, slots=True)
class Alerts:
    """At which usage the merchant is told: parts of the limit in percent, or units."""

    threshold_type: ThresholdType
    thresholds: Sequence[Decimal]


@dataclass(frozen=True, slots=True)
class Granted:
    """A meter that a subscription grants, and on which terms."""

    feature_id: UUID
    terms: Terms
    alerts: Alerts | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds meters: a customer, by one of their subscriptions, which may be about to end."""

    customer_id: UUID
    lineage_id: UUID
    subscription_id: UUID
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class OverrideLimit:
    """What holds for a customer instead of what subscriptions grant, and until when; without units no limit does."""

    units: int | None
    until: datetime | None


@dataclass(slots=True, kw_only=True)
class Allowance:
    """One row, as it is kept. Whoever has locked it changes it in place, and writes it once."""

    customer_id: UUID
    feature_id: UUID
    lineage_id: UUID
    subscription_id: UUID | None = None
    is_granted: bool = False
    ends_at: datetime | None = None
    usage_limit: int | None = None
    is_hard: bool = False
    every: ChargePeriod | None = None
    anchor_at: datetime | None = None
    time_zone: str | None = None
    carry_percentage: Decimal | None = None
    carry_limit: int | None = None
    alert_type: ThresholdType | None = None
    alert_thresholds: list[Decimal] = field(default_factory=list[Decimal])
    is_overridden: bool = False
    override_limit: int | None = None
    override_until: datetime | None = None
    since: datetime
    reset_at: datetime | None = None
    charged_until: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    total: Decimal = Decimal(0)
    count: int = 0
    latest_at: datetime | None = None
    held: int = 0
    carried: int = 0
    alerted: list[Decimal] = field(default_factory=list[Decimal])
    # Whether its counter is what the days of its period come to.
    is_whole: bool = True

    @property
    def schedule(self) -> Schedule:
        """Return when it begins again."""
        if self.every is None or self.anchor_at is None or self.time_zone is None:
            return Schedule()
        return Schedule(self.every, self.anchor_at, self.time_zone)

    @property
    def span(self) -> Span:
        """Return the period that its counter is of."""
        return Span(self.period_start, self.period_end)

    def grants_at(self, now: datetime) -> bool:
        """Say whether the customer has it at an instant."""
        return self.is_granted and (self.ends_at is None or now < self.ends_at)

    def is_countable_at(self, now: datetime) -> bool:
        """Say whether usage may be counted for it at an instant: the customer has it, or nothing is what it is of."""
        return self.grants_at(now) or self.lineage_id == NOTHING

    def period_start_at(self, now: datetime) -> datetime | None:
        """Return where the period begins that an instant belongs to, which is not over yet; None where none does."""
        is_over = self.period_end is not None and now >= self.period_end
        return self.schedule.around(now).start if is_over else self.period_start

    def counts_at(self, at: datetime) -> bool:
        """Say whether what was used at an instant counts in the current period, since usage was set to zero in it."""
        return at in self.span and (self.reset_at is None or self.reset_at <= at)

    def counted_since(self, now: datetime) -> datetime | None:
        """Return since when its counter counts at an instant: since its period began, or since it was set to zero."""
        return max(filter(None, (self.period_start_at(now), self.reset_at)), default=None)

    def pass_time(self, aggregation: Aggregation, now: datetime) -> bool:
        """Begin again where the period is over, with what is carried from it; say whether it was."""
        if self.period_end is None or now < self.period_end:
            return False
        span = self.schedule.around(now)
        self.carried = carried_into(self.counter(aggregation), lambda end: self.terms_at(end - _INSTANT), span)
        self.period_start, self.period_end = span.start, span.end
        self.total, self.count, self.latest_at, self.alerted = Decimal(0), 0, None, []
        self.is_whole = True
        return True

    def is_overridden_at(self, now: datetime) -> bool:
        """Say whether something else holds at an instant than what the subscription says."""
        return self.is_overridden and (self.override_until is None or now < self.override_until)

    def terms_at(self, now: datetime) -> Terms:
        """Return the terms at an instant; a limit that nothing but an override gives is hard."""
        limit = self.override_limit if self.is_overridden_at(now) else self.usage_limit
        carry = None if self.carry_percentage is None else Carry(self.carry_percentage, self.carry_limit)
        return Terms(limit, self.is_hard or self.lineage_id == NOTHING, self.schedule, carry)

    def allowed_at(self, now: datetime) -> int | None:
        """Return how much may be used in the period as it stands at an instant; None without a limit."""
        limit = self.override_limit if self.is_overridden_at(now) else self.usage_limit
        return allowed(limit, self.carried)

    def used(self, aggregation: Aggregation) -> int:
        """Return what was used in the period, in whole units."""
        return quantity_of(aggregation, self.total, self.count)

    def counter(self, aggregation: Aggregation) -> Counter:
        """Return the counter of its period."""
        return Counter(self.span, self.used(aggregation), self.held, self.carried)


def drawing_order(allowances: Iterable[Allowance], now: datetime) -> list[Allowance]:
    """Return what is drawn from at an instant, in this order: what begins again soonest goes first.

    Of what begins again at one instant, what has a limit goes first. Where nothing grants the meter, it is what is kept
    of nothing.
    """
    found = list(allowances)
    granted = [each for each in found if each.grants_at(now)]
    if not granted:
        return [each for each in found if each.lineage_id == NOTHING]
    if len(granted) == 1:
        return granted
    return sorted(granted, key=lambda each: (each.period_end or _NEVER, each.usage_limit is None, each.lineage_id))


@dataclass(slots=True)
class Day:
    """What was used within a day of one allowance, or of the part of it in which a period began or terms held."""

    customer_id: UUID
    feature_id: UUID
    lineage_id: UUID
    starts_at: datetime
    total: Decimal = Decimal(0)
    count: int = 0
    latest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """What is needed to count reports: who the customers are, their allowances, and how many features there are."""

    features: int
    organization: int
    customers: Mapping[str, UUID]
    allowances: Sequence[Allowance]
