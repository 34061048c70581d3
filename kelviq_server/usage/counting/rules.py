"""How much of what is reported is counted, and where: pure, in the order in which it comes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.core.allowance import MAX_UNITS, Enforce, admitted, draw, give_back
from kelviq_server.usage.allowances import rules as allowances
from kelviq_server.usage.allowances.records import Allowance, Day, drawing_order
from kelviq_server.usage.counting.errors import NothingLeft, PeriodOver, TooMuch
from kelviq_server.usage.counting.records import Crossing, Running, Share
from kelviq_server.usage.meters.records import Meter

# Our id of a customer, and a feature's.
Pair = tuple[UUID, UUID]
Key = tuple[UUID, UUID, UUID]


class Counting:
    """Counts reports for allowances that are locked; what changed is written afterwards, once."""

    def __init__(
        self,
        now: datetime,
        found: Iterable[Allowance],
        meters: Mapping[UUID, Meter],
        known_values: Mapping[Key, set[bytes]] | None = None,
    ) -> None:
        self.now = now
        # By the allowance, which is quicker to look up than what it is of, and when the day begins.
        self._days: dict[tuple[int, datetime], Day] = {}
        self.values: list[tuple[Day, bytes]] = []
        # Of what was charged already: subscription, feature, and when the day begins.
        self.behind: list[tuple[UUID, UUID, datetime]] = []
        self._touched: dict[int, Running] = {}
        self._known_values = dict(known_values or {})
        self._meters = meters
        rows: dict[Pair, list[Allowance]] = {}
        begun: set[int] = set()
        for each in found:
            if each.pass_time(meters[each.feature_id].aggregation, now):
                begun.add(id(each))
            rows.setdefault((each.customer_id, each.feature_id), []).append(each)
        self._by_pair: dict[Pair, list[Running]] = {}
        # What has ended, and was not charged for the last time yet: what was used before the end is its own.
        self._ended: dict[Pair, list[Running]] = {}
        for pair, allowances_of in rows.items():
            aggregation = meters[pair[1]].aggregation
            ordered = drawing_order(allowances_of, now)
            self._by_pair[pair] = [_running(each, aggregation, now, id(each) in begun) for each in ordered]
            ended = [each for each in allowances_of if each.is_granted and not each.grants_at(now)]
            if ended:
                self._ended[pair] = [_running(each, aggregation, now, id(each) in begun) for each in ended]

    @property
    def days_by_aggregation(self) -> dict[Aggregation, list[Day]]:
        """Return what is to be added day by day, by how that is done."""
        found: dict[Aggregation, list[Day]] = {}
        for day in self._days.values():
            found.setdefault(self._meters[day.feature_id].aggregation, []).append(day)
        return found

    def drawn_from(self, pair: Pair) -> Sequence[Running]:
        """Return what usage of a feature is drawn from, in this order; empty where there is no row for it yet."""
        return self._by_pair.get(pair, ())

    @property
    def touched(self) -> tuple[list[Allowance], list[Allowance]]:
        """Return the allowances that have changed: those in total and count alone, and the others."""
        found: tuple[list[Allowance], list[Allowance]] = ([], [])
        for row in self._touched.values():
            found[row.has_begun_anew or bool(row.allowance.alerted) or row.allowance.latest_at is not None].append(
                row.allowance
            )
        return found

    def use(self, pair: Pair, amount: int, at: datetime, enforce: Enforce | None) -> tuple[list[Share], int]:
        """Count so much more, or less, of a feature; return what was counted, and how much of it was beyond the limit.

        Raises NothingLeft, PeriodOver, TooMuch.
        """
        rows = self._current(pair, at)
        if not rows:
            return self._use_late(pair, amount, at, enforce), 0
        if amount < 0:
            parts = [-part for part in give_back(-amount, [row.used for row in rows])]
            return self._add(rows, parts, at), 0
        rooms = [row.left for row in rows]
        left = None if None in rooms else sum(room for room in rooms if room is not None)
        if enforce is not None:
            counted = admitted(amount, left, enforce)
            if counted < amount and enforce is Enforce.REJECT:
                raise NothingLeft
            amount = counted
        beyond = 0 if left is None else min(max(amount - max(left, 0), 0), amount)
        return self._add(rows, draw(amount, rooms), at), beyond

    def set_to(self, pair: Pair, value: int, at: datetime, enforce: Enforce | None) -> tuple[list[Share], int]:
        """Let so much be what was used in the current period; return what that changed. Raises what `use` does."""
        rows = self._current(pair, at)
        if not rows:
            raise PeriodOver
        return self.use(pair, value - sum(row.used for row in rows), at, enforce)

    def event(self, values: Sequence[tuple[Pair, Decimal | bytes]], at: datetime) -> list[Share]:
        """Count what a raw event adds to each meter, whole: for the first of which something is left, else the last.

        Only where a meter adds up; else for the first. Raises TooMuch, and then none of it is counted.
        """
        chosen = [(*self._chosen(pair, at), value) for pair, value in values]
        if any(
            not isinstance(value, bytes) and abs(row.allowance.total + value) > MAX_UNITS for row, _, value in chosen
        ):
            raise TooMuch
        return [self._count_event(row, value, at, is_late=is_late) for row, is_late, value in chosen]

    def _chosen(self, pair: Pair, at: datetime) -> tuple[Running, bool]:
        """Return the allowance for which a raw event is counted, and whether its period is over."""
        current = self._current(pair, at)
        rows = current or self.drawn_from(pair)
        row = rows[0]
        if row.aggregation in (Aggregation.SUM, Aggregation.COUNT):
            row = next((each for each in rows if each.left is None or each.left > 0), rows[-1])
        return row, not current

    def _count_event(self, row: Running, value: Decimal | bytes, at: datetime, *, is_late: bool) -> Share:
        if isinstance(value, bytes):
            return self._different(row, value, at, is_late=is_late)
        if not is_late:
            allowances.count(row.allowance, row.aggregation, value, at)
            row.used = row.allowance.used(row.aggregation)
            self._touch(row)
        return self._note(row, value, at, is_late=is_late)

    def crossings(self) -> list[Crossing]:
        """Return the thresholds that were reached; each is returned once in a period, ever."""
        return [
            Crossing(row.allowance, row.used, row.allowed, threshold)
            for row in self._touched.values()
            if row.allowance.alert_thresholds
            for threshold in allowances.thresholds_reached(row.allowance, row.used, row.allowed)
        ]

    def _current(self, pair: Pair, at: datetime) -> Sequence[Running]:
        ended = [row for row in self._ended.get(pair, ()) if row.allowance.grants_at(at)]
        return [row for row in ended or self.drawn_from(pair) if row.allowance.counts_at(at)]

    def _use_late(self, pair: Pair, amount: int, at: datetime, enforce: Enforce | None) -> list[Share]:
        if amount < 0 or enforce in (Enforce.REJECT, Enforce.CAP):
            # What was left in a period that is over, nobody can say.
            raise PeriodOver
        return [self._note(self.drawn_from(pair)[0], Decimal(amount), at, is_late=True)]

    def _add(self, rows: Sequence[Running], parts: Sequence[int], at: datetime) -> list[Share]:
        shares: list[Share] = []
        if any(row.used + part > MAX_UNITS for row, part in zip(rows, parts, strict=True)):
            raise TooMuch
        for row, part in zip(rows, parts, strict=True):
            if part:
                row.used += part
                row.allowance.total += part
                row.allowance.count += 1
                self._touch(row)
                shares.append(self._note(row, Decimal(part), at, is_late=False))
        return shares

    def _different(self, row: Running, digest: bytes, at: datetime, *, is_late: bool) -> Share:
        """Count a value where different values are counted: one that was there before in the period adds nothing."""
        known = self._known_values.setdefault(_key(row.allowance), set())
        is_new = digest not in known
        if is_new and not is_late:
            known.add(digest)
            row.allowance.count += 1
            row.used += 1
            self._touch(row)
        share = self._note(row, Decimal(is_new), at, is_late=is_late, times=int(is_new))
        self.values.append((self._days[id(row.allowance), share.starts_at], digest))
        return share

    def _note(self, row: Running, value: Decimal, at: datetime, *, is_late: bool, times: int = 1) -> Share:
        """Add to the day."""
        allowance = row.allowance
        starts_at = allowances.day_of(allowance, at)
        day = self._days.get((id(allowance), starts_at))
        if day is None:
            day = self._days[id(allowance), starts_at] = Day(*_key(allowance), starts_at)
        allowances.add_to_day(day, row.aggregation, value, at, times)
        share = Share(allowance.feature_id, allowance.lineage_id, starts_at, value, is_late)
        if is_late and row.has_begun_anew:
            # Else it would seem to belong to the period that is still written there.
            self._touch(row)
        if allowance.charged_until is not None and starts_at < allowance.charged_until:
            self.behind.append((allowance.lineage_id, allowance.feature_id, starts_at))
        return share

    def _touch(self, row: Running) -> None:
        self._touched[id(row.allowance)] = row


def _key(allowance: Allowance) -> Key:
    return (allowance.customer_id, allowance.feature_id, allowance.lineage_id)


def _running(allowance: Allowance, aggregation: Aggregation, now: datetime, has_begun_anew: bool) -> Running:
    return Running(allowance, aggregation, allowance.used(aggregation), allowance.allowed_at(now), has_begun_anew)
