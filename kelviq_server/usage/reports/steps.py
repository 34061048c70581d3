"""How reports are counted: many at once, in one transaction, each exactly once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Raw

from kelviq_server.core.errors import Refusal
from kelviq_server.customers import steps as customers
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.usage.alerts import steps as alerts
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.allowances.records import Locked
from kelviq_server.usage.counting.records import Share
from kelviq_server.usage.counting.rules import Counting, Key, Pair
from kelviq_server.usage.meters.records import Meter, Meters
from kelviq_server.usage.meters.steps import meters_now, meters_of
from kelviq_server.usage.reports import rules, store
from kelviq_server.usage.reports.errors import KeyOfAnother, NoSuchCustomer
from kelviq_server.usage.reports.records import Accepted, Behaviour, Outcome, Report, UsageEvent, UsedKey
from kelviq_server.usage.reports.store import list_events, list_events_after, list_keys

__all__ = ["count_all", "list_events", "list_events_after", "list_keys"]

# In place of a meter, where none counts what is reported.
_NO_METER = UUID(int=0)


class CountAnew(Exception):
    """To be counted anew, in another transaction: as `ungranted` what nothing grants, as far as can be seen."""

    def __init__(self, ungranted: Collection[Pair] = ()) -> None:
        super().__init__()
        self.ungranted = frozenset(ungranted)


@dataclass(slots=True)
class _Item:
    """A report on its way: which meters count it, with what each adds of a raw event, and what was counted of it."""

    place: int
    report: Report
    id: UUID
    at: datetime
    meters: Sequence[tuple[Meter, Decimal | bytes | None]]
    customer_id: UUID | None = None
    shares: list[Share] = field(default_factory=list[Share])
    beyond: int = 0


async def count_all(
    tx: Tx, reports: Sequence[Report], ungranted: Collection[Pair] = frozenset[Pair]()
) -> list[Outcome]:
    """Count reports in their order and return what became of each; one that is refused stops none of the others.

    Raises CountAnew where nothing grants something that is not among the pairs `ungranted`: a subscription may be about
    to begin that would not see what is counted meanwhile. The customers of those are shared before anything else is
    locked, so that none of their subscriptions begins until that is counted. And where meters came about, which may
    count some of the events: their allowances are locked in one order with the others.

    Nobody waits for long, least of all for one of several customers: LockNotAvailable is raised instead.
    """
    await allowances.lock_impatiently(tx, is_of_many=len({report.customer for report in reports}) > 1)
    if ungranted:
        await customers.lock_shared(tx, {id for id, _ in ungranted})
        await allowances.insert_ungranted(tx, ungranted, tx.now)
    known = await meters_of(tx, identifiers={report.feature for report in reports if report.feature is not None})
    outcomes: list[Outcome | None] = [None] * len(reports)
    items = _read(tx, reports, known, outcomes)
    await _unless_known(tx, reports, outcomes)
    items = await _first_time(tx, items, outcomes)
    if items:
        await _count(tx, items, known, outcomes, ungranted)
    return [outcome for outcome in outcomes if outcome is not None]


def _read(tx: Tx, reports: Sequence[Report], known: Meters, outcomes: list[Outcome | None]) -> list[_Item]:
    """Return the reports that may be counted; the outcome of the others is noted."""
    items: list[_Item] = []
    for place, report in enumerate(reports):
        at = rules.instant_of(report.happened_at, tx.now)
        meter = None if report.feature is None else known.by_identifier.get(report.feature)
        refusal = at if isinstance(at, Refusal) else None
        if report.feature is not None:
            refusal = rules.refusal_of(report, meter) or refusal
        if refusal is not None or isinstance(at, Refusal):
            outcomes[place] = refusal
            continue
        counting = rules.counted_by(report, known) if meter is None else [(meter, None)]
        items.append(_Item(place, report, new_id(tx.machine_now), at, counting))
    return items


async def _unless_known(tx: Tx, reports: Sequence[Report], outcomes: list[Outcome | None]) -> None:
    """Let what cannot be counted any more, but was under its key, end as it did then."""
    refused = {place: report for place, report in enumerate(reports) if outcomes[place] is not None and report.key}
    if not refused:
        return
    earlier = {
        each.key: each for each in await list_keys(tx, {report.key for report in refused.values() if report.key})
    }
    told = await _told(tx, earlier)
    for place, report in refused.items():
        if report.key in earlier and earlier[report.key].digest == report.digest:
            outcomes[place] = told[report.key]


async def _first_time(tx: Tx, items: Sequence[_Item], outcomes: list[Outcome | None]) -> list[_Item]:
    """Take the keys of reports and return those that were not reported before; the outcome of the others is noted.

    Of those with one key the first has it, until it turns out that it is refused.
    """
    first = _first_of_keys(items)
    if not first:
        return list(items)
    keys = [UsedKey(key, item.id, item.report.digest) for key, item in first.items()]
    earlier = {each.key: each for each in await store.insert_keys(tx, keys)}
    told = await _told(tx, earlier)
    fresh: list[_Item] = []
    for item in items:
        key = item.report.key
        if key is None or key not in earlier:
            fresh.append(item)
        else:
            outcomes[item.place] = told[key] if item.report.digest == earlier[key].digest else KeyOfAnother()
    return fresh


def _first_of_keys(items: Sequence[_Item]) -> dict[str, _Item]:
    return {item.report.key: item for item in reversed(items) if item.report.key is not None}


async def _told(tx: Tx, earlier: Mapping[str, UsedKey]) -> dict[str, Outcome]:
    """Return what became of reports under these keys, by key."""
    if not earlier:
        return {}
    found = {event.id: event for event in await store.list_events(tx, {each.event_id for each in earlier.values()})}
    number = await allowances.find_organization_number(tx)
    return {key: rules.replayed(found[each.event_id], number) for key, each in earlier.items()}


async def _count(
    tx: Tx, items: Sequence[_Item], known: Meters, outcomes: list[Outcome | None], ungranted: Collection[Pair]
) -> None:
    locked = await _lock(tx, items, ungranted)
    if locked.features != known.number and any(item.report.feature is None for item in items):
        await meters_now(tx)
        raise CountAnew
    counting = Counting(tx.now, locked.allowances, known.by_id, await _known_values(tx, items, locked))
    owners: dict[str, _Item] = {}
    for item in items:
        key = item.report.key
        owner = None if key is None else owners.get(key)
        if owner is None:
            outcomes[item.place] = outcome = _count_one(item, counting, locked)
            if key is not None and isinstance(outcome, Accepted):
                owners[key] = item
        else:
            # Twice in one batch: it is kept once.
            is_same = owner.report.digest == item.report.digest
            outcomes[item.place] = outcomes[owner.place] if is_same else KeyOfAnother()
    counted = [item for item in items if isinstance(o := outcomes[item.place], Accepted) and o.id == item.id]
    await _write(tx, counting, counted)
    await _settle_keys(tx, items, owners)


def _count_one(item: _Item, counting: Counting, locked: Locked) -> Outcome:
    report = item.report
    item.customer_id = locked.customers.get(report.customer)
    if item.customer_id is None:
        return NoSuchCustomer()
    try:
        if report.feature is None:
            values = [((item.customer_id, meter.id), value) for meter, value in item.meters if value is not None]
            item.shares = counting.event(values, item.at)
        else:
            [(meter, _)] = item.meters
            use = counting.set_to if report.behaviour is Behaviour.SET else counting.use
            pair = (item.customer_id, meter.id)
            item.shares, item.beyond = use(pair, report.value, item.at, report.enforce)
    except Refusal as refusal:
        return refusal
    return rules.accepted(report, item.id, item.at, item.shares, item.beyond, locked.organization)


async def _lock(tx: Tx, items: Sequence[_Item], ungranted: Collection[Pair]) -> Locked:
    """Lock the allowances that reports are counted for; raises CountAnew where there is none."""
    pairs = {(item.report.customer, meter.id) for item in items for meter, _ in item.meters}
    # Who reports what no meter counts must be known, too.
    pairs |= {(item.report.customer, _NO_METER) for item in items if not item.meters}
    locked = await allowances.lock_for_reports(tx, pairs)
    granted = {(each.customer_id, each.feature_id) for each in locked.allowances if each.grants_at(tx.now)}
    wanted = {(id, feature) for customer, feature in pairs if (id := locked.customers.get(customer)) is not None}
    missing = {pair for pair in wanted - granted if pair[1] != _NO_METER}
    if not missing <= set(ungranted):
        raise CountAnew(missing)
    return locked


async def _known_values(tx: Tx, items: Sequence[_Item], locked: Locked) -> dict[Key, set[bytes]]:
    """Return which of the values that are reported were counted before, where a meter counts different ones."""
    reported: dict[Pair, set[bytes]] = {}
    for item in items:
        customer_id = locked.customers.get(item.report.customer)
        for meter, value in item.meters:
            if isinstance(value, bytes) and customer_id is not None:
                reported.setdefault((customer_id, meter.id), set()).add(value)
    if not reported:
        return {}
    wanted = [
        (each, digest) for each in locked.allowances for digest in reported.get((each.customer_id, each.feature_id), ())
    ]
    return await allowances.list_known_values(tx, wanted, tx.now)


async def _settle_keys(tx: Tx, items: Sequence[_Item], owners: Mapping[str, _Item]) -> None:
    """Give back the keys of what was refused after all, or hand them to what was counted in its place."""
    first = _first_of_keys(items)
    lost = [key for key, item in first.items() if owners.get(key) is not item]
    if lost:
        await store.delete_keys(tx, lost)
    if handed := [UsedKey(key, owners[key].id, owners[key].report.digest) for key in lost if key in owners]:
        await store.insert_keys(tx, handed)


async def _write(tx: Tx, counting: Counting, counted: Sequence[_Item]) -> None:
    crossings = counting.crossings()
    await allowances.write_counted(tx, counting.touched)
    await allowances.add_days(tx, counting.days_by_aggregation, counting.values, counting.behind)
    if counted:
        await store.insert_events(tx, [_event(tx, item) for item in counted if item.customer_id is not None])
    if crossings:
        await alerts.tell(tx, crossings)


def _event(tx: Tx, item: _Item) -> UsageEvent:
    report, is_added_up = item.report, item.report.feature is not None
    assert item.customer_id is not None
    return UsageEvent(
        id=item.id,
        customer_id=item.customer_id,
        key=report.key,
        event_name=report.event_name,
        happened_at=item.at,
        received_at=tx.now,
        feature_id=item.meters[0][0].id if is_added_up else None,
        behaviour=report.behaviour if is_added_up else None,
        value=report.value if is_added_up else None,
        beyond=item.beyond if report.enforce is not None else None,
        properties=Raw((report.properties_text or "null").encode()),
        resource_id=report.resource_id,
        counted=item.shares,
    )
