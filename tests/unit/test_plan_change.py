"""However often a subscription is changed, each stretch is paid at its own price, and nobody gains by going round."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.discount import Discount, FixedAmount, Percentage
from kelviq_server.core.invoice import Item, TaxRule, make_invoice
from kelviq_server.subscriptions.changes.errors import TrialEndPast
from kelviq_server.subscriptions.changes.records import EndTrial, ProrationBehavior
from kelviq_server.subscriptions.life.records import Subscription, SubscriptionStatus, Worth
from tests.unit.changing import START, UNTAXED, Bill, Plan, bought, example, reckoned, renewed, share, taken_over

NOW, NEXT, NEVER = ProrationBehavior
MONTHLY, YEARLY = ChargePeriod.MONTHLY, ChargePeriod.YEARLY
INTERVALS = (ChargePeriod.DAILY, ChargePeriod.WEEKLY, MONTHLY, YEARLY)

taxes = st.builds(TaxRule, st.decimals(0, 30, places=1), st.booleans())
parts = st.lists(st.integers(0, 10**7), min_size=1, max_size=3).map(tuple[int, ...])
monthly = st.builds(Plan, parts, taxes)
plans = st.builds(Plan, parts, taxes, st.sampled_from(INTERVALS), st.booleans())
discounts = st.builds(
    Discount,
    st.decimals(1, 100, places=1).map(Percentage) | st.integers(1, 10**7).map(FixedAmount),
    st.none() | st.integers(1, 3),
)
prorating = st.sampled_from([NOW, NEXT])
# How far into what is left of the period somebody waits before the next change, in millionths.
waits = st.integers(0, 10**6)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def someone(start: str, end: str, units: int, tax: TaxRule = UNTAXED, every: ChargePeriod = MONTHLY) -> Subscription:
    """Return the record of somebody who paid so much for a period."""
    return example(
        charge_period=every, anchor_at=day(start), period_start=day(start), period_end=day(end), trial_start_at=None,
        trial_end_at=None, worth=[Worth("Pro", units, tax)],
    )  # fmt: skip


def after(bill: Bill, wait: int) -> datetime:
    """Return an instant within what is left of the current period: so many millionths later."""
    period = bill.subscription.period
    at = max(bill.subscription.modified_at, period.start)
    return at + (period.end - at - timedelta(microseconds=1)) * wait // 10**6


# The vectors of ../shared/vectors/billing.json, of proration, with their sources there.
@pytest.mark.parametrize(
    ("start", "end", "at", "old", "new", "credit", "debit"),
    [
        pytest.param("2025-06-01", "2025-07-01", "2025-06-16", 10000, 30000, 5000, 15000, id="PO-pro-0"),
        pytest.param("2024-02-18", "2024-03-18", "2024-02-25", 10000, 30000, 7586, 22759, id="PO-pro-2"),
        pytest.param("2024-08-01", "2025-08-01", "2024-10-01", 100000, 0, 83288, 0, id="PO-pro-3"),
        pytest.param("2023-02-18", "2024-02-18", "2023-09-05", 100000, 300000, 45479, 136438, id="PO-pro-5"),
    ],
)
def test_a_change_credits_and_charges_what_others_expect(
    start: str, end: str, at: str, old: int, new: int, credit: int, debit: int
) -> None:
    every = YEARLY if old == 100000 else MONTHLY
    change = reckoned(someone(start, end, old, every=every), Plan((new,), every=every), day(at))
    assert [item.amount_units for item in change.items] == [-credit, debit][: 1 + (new > 0)]


def test_another_interval_credits_the_rest_of_the_year_and_charges_a_whole_month() -> None:
    """The vector PO-year-month."""
    change = reckoned(someone("2025-06-01", "2026-06-01", 100000, every=YEARLY), Plan((10000,)), day("2025-08-13"))
    assert [item.amount_units for item in change.items] == [-80000, 10000]
    assert change.timing.period is not None
    assert (change.timing.period.start, change.timing.period.end) == (day("2025-08-13"), day("2025-09-13"))
    assert (change.timing.anchor_at, change.timing.period_index) == (day("2025-08-13"), 0)


@pytest.mark.parametrize(
    ("units", "net", "tax"),
    [pytest.param(20000, -19333, -4833, id="LG-cn-0"), pytest.param(16000, -15467, -3867, id="LG-cn-1")],
)
def test_a_credit_has_its_tax_rounded_like_a_charge(units: int, net: int, tax: int) -> None:
    quarter = TaxRule(Decimal(25))
    change = reckoned(someone("2025-06-01", "2025-07-01", units, quarter), Plan((0,), quarter), day("2025-06-02"))
    [line] = make_invoice(change.items, [], 0, 0).lines
    assert (line.taxed.net_units, line.taxed.tax_units) == (net, tax)


def test_the_day_of_a_subscription_never_drifts_whatever_it_is_changed_to() -> None:
    """The vector ANCH-31."""
    bill, plan = Bill.of(Plan((1000,))), Plan((2000,))
    starts = list[str]()
    for _ in range(14):
        bill.change(plan, after(bill, 500_000), NOW)
        bill.subscription, _ = renewed(bill.subscription, plan)
        starts.append(bill.subscription.period.start.strftime("%m-%d"))
    assert starts[:4] == ["02-28", "03-31", "04-30", "05-31"]
    assert starts[12:] == ["02-29", "03-31"]


def price_after(plan: Plan, discount: Discount | None) -> int:
    """Return what a whole period costs, reckoned by hand."""
    whole = sum(plan.units)
    match discount and discount.off:
        case Percentage(percent):
            return whole - int(whole * Fraction(percent) / 100 + Fraction(1, 2))
        case FixedAmount(units):
            return max(whole - units, 0)
        case _:
            return whole


@given(
    plans,
    st.lists(st.tuples(plans, waits, prorating), min_size=1, max_size=6),
    st.none() | discounts,
)
def test_each_stretch_is_paid_at_its_own_price_to_half_a_unit_a_line(
    first: Plan, changes: Sequence[tuple[Plan, int, ProrationBehavior]], discount: Discount | None
) -> None:
    """The bound: a line is off by at most half a minor unit; its tax by another half, and by the tax of the first.

    A change writes a line for each part of what there was, and one for each part of what there is from now on.
    """
    bill = Bill.of(first, discount)
    net, gross, lines, tax_lines = Fraction(0), Fraction(0), Fraction(0), Fraction(len(first.units))
    plan, cycle, holds, since = first, 0, first.is_discounted, START

    def stretch(until: datetime) -> None:
        nonlocal net, gross
        counts = discount if holds and discount is not None and discount.holds(cycle) else None
        period = bill.subscription.period
        part = price_after(plan, counts) * share(period.start, period.end, since, until)
        net += part
        gross += part * (1 if plan.tax.is_inclusive else 1 + Fraction(plan.tax.rate_percent) / 100)

    for to, wait, behavior in changes:
        at = after(bill, wait)
        stretch(at)
        bill.change(to, at, behavior)
        for each in (plan, to):
            lines += len(each.units)
            tax_lines += len(each.units) * (1 + Fraction(each.tax.rate_percent) / 100)
        # Another interval begins a period, and a period is a cycle; a discount that does not hold is lost.
        cycle += to.every is not plan.every
        plan, holds, since = to, holds and to.is_discounted, at
        bill.subscription = replace(bill.subscription, modified_at=at)
    stretch(bill.subscription.period.end)
    assert abs(bill.net_units - net) <= lines / 2
    assert abs(bill.gross_units - gross) <= lines / 2 + tax_lines / 2
    _, invoice = renewed(bill.subscription, plan, discount)
    waiting = sum(item.amount_units for item in bill.subscription.carried)
    counts = discount if holds and discount is not None and discount.holds(cycle + 1) else None
    assert invoice.subtotal_units - invoice.discount_units == price_after(plan, counts) + waiting


@given(plans, plans, parts, taxes, waits, prorating, prorating, st.none() | discounts)
def test_a_detour_at_one_instant_costs_nothing(
    first: Plan, second: Plan, units: tuple[int, ...], tax: TaxRule, wait: int, one: ProrationBehavior,
    other: ProrationBehavior, discount: Discount | None,
) -> None:  # fmt: skip
    second = replace(second, is_discounted=True)
    third = Plan(units, tax, second.every)
    direct, detour = Bill.of(first, discount), Bill.of(first, discount)
    at = after(direct, wait)
    direct.change(third, at, other)
    detour.change(second, at, one)
    detour.change(third, at, other)
    assert detour.gross_units == direct.gross_units
    assert detour.net_units == direct.net_units
    same = replace(direct.subscription, id=detour.subscription.id, predecessor_id=detour.subscription.predecessor_id)
    assert replace(detour.subscription, carried=[]) == replace(same, carried=[])


@given(monthly, monthly, waits, prorating, prorating, st.none() | discounts)
def test_there_and_back_at_one_instant_is_nothing(
    plan: Plan, other: Plan, wait: int, one: ProrationBehavior, two: ProrationBehavior, discount: Discount | None
) -> None:
    bill = Bill.of(plan, discount)
    before, gross = bill.subscription, bill.gross_units
    at = after(bill, wait)
    bill.change(other, at, one)
    bill.change(plan, at, two)
    assert bill.gross_units == gross
    assert bill.subscription.worth == [part for part in before.worth if part.amount_units]
    assert (bill.subscription.period, bill.subscription.cycle) == (before.period, before.cycle)


@given(st.lists(st.tuples(plans, waits, prorating), min_size=1, max_size=8), plans, discounts)
def test_a_discount_lets_nobody_gain_by_changing_to_and_fro(
    changes: Sequence[tuple[Plan, int, ProrationBehavior]], first: Plan, discount: Discount
) -> None:
    """Whoever always had the discount would pay no more for each stretch, to half a unit a line."""
    bill = Bill.of(first, discount)
    least, lines, since, plan = Fraction(0), 0, START, first
    for to, wait, behavior in [*changes, (first, 10**6, NOW)]:
        at = after(bill, wait)
        period = bill.subscription.period
        least += price_after(plan, discount) * share(period.start, period.end, since, at)
        bill.change(to, at, behavior)
        lines += len(plan.units) + len(to.units)
        plan, since = to, at
        bill.subscription = replace(bill.subscription, modified_at=at)
    period = bill.subscription.period
    least += price_after(plan, discount) * share(period.start, period.end, since, period.end)
    assert bill.net_units >= least - Fraction(lines, 2)


@given(plans, st.lists(plans, max_size=5), discounts, st.integers(1, 3))
def test_a_discount_is_over_after_its_cycles_whatever_is_changed(
    first: Plan, others: Sequence[Plan], discount: Discount, cycles: int
) -> None:
    discount = replace(discount, cycles=cycles)
    bill = Bill.of(first, discount)
    for plan in others:
        bill.change(plan, after(bill, 500_000), NOW)
    plan = others[-1] if others else first
    for _ in range(cycles - 1):
        bill.subscription, _ = renewed(bill.subscription, plan, discount)
    bill.subscription, invoice = renewed(bill.subscription, plan, discount)
    assert bill.subscription.cycle >= cycles
    assert (invoice.discount_units, sum(part.amount_units for part in bill.subscription.worth)) == (0, sum(plan.units))


used_items = st.lists(st.builds(Item, st.just("Calls (used)"), st.integers(1, 10**4), st.just(UNTAXED)), max_size=2)


@given(plans, st.lists(st.tuples(plans, waits, st.sampled_from(list(ProrationBehavior)), used_items), max_size=6),
       st.none() | discounts)  # fmt: skip
def test_credits_never_exceed_what_was_charged(
    first: Plan,
    changes: Sequence[tuple[Plan, int, ProrationBehavior, Sequence[Item]]],
    discount: Discount | None,
) -> None:
    """Neither at a change, by any part, nor in all; however the difference is charged, or is not."""
    bill, lines = Bill.of(first, discount), 0
    charged = [(line.item.what, line.item.amount_units - line.discount_units) for line in bill.invoices[0].lines]
    for plan, wait, behavior, more in changes:
        before, at = bill.subscription, after(bill, wait)
        change = bill.change(plan, at, behavior, more)
        assert [(part.what, part.amount_units) for part in before.worth if part.amount_units] == [
            each for each in charged if each[1] > 0
        ]
        new = [*change.items, *change.carried[len(before.carried) :]]
        credits = [item for item in new if item.amount_units < 0 and item not in before.carried]
        for item in credits:
            [paid] = [part for part in before.worth if item.what == f"Unused time on {part.what}"]
            assert 0 < -item.amount_units <= paid.amount_units
            assert not item.is_discountable
        if change.timing.period != before.period:
            charged = [
                (line.item.what, line.item.amount_units - line.discount_units)
                for line in bill.invoices[-1].lines
                if line.item.period == change.timing.period and line.item.what.startswith("Part")
            ]
        elif behavior is not NEVER:
            charged = [(part.what, part.amount_units) for part in change.worth]
        lines += len(before.worth) + len(plan.units)
        bill.subscription = replace(bill.subscription, modified_at=at)
        assert bill.net_units >= -Fraction(lines, 2)


@given(monthly, st.lists(monthly, min_size=1, max_size=4), monthly, waits, waits, st.none() | discounts)
def test_what_was_changed_for_nothing_is_never_credited_at_more_than_was_paid(
    first: Plan, others: Sequence[Plan], last: Plan, wait: int, later: int, discount: Discount | None
) -> None:
    bill = Bill.of(first, discount)
    paid, at = bill.net_units, after(bill, wait)
    for plan in others:
        assert bill.change(plan, at, NEVER).items == []
    assert bill.net_units == paid
    bill.subscription = replace(bill.subscription, modified_at=at)
    at = after(bill, later)
    change = bill.change(last, at, NOW)
    period = bill.subscription.period
    credit = -sum(item.amount_units for item in change.items if item.amount_units < 0)
    assert credit <= paid * share(period.start, period.end, at, period.end) + Fraction(len(first.units), 2)


def test_what_is_prorated_later_waits_and_is_charged_with_whatever_comes_first() -> None:
    bill, pro, max_plan = Bill.of(Plan((1000,))), Plan((3000,)), Plan((5000,))
    half = START + (bill.subscription.period.end - START) / 2
    assert bill.change(pro, half, NEXT).items == []
    assert [item.amount_units for item in bill.subscription.carried] == [-500, 1500]
    change = bill.change(max_plan, half, NOW)
    assert [item.amount_units for item in change.items] == [-1500, 2500, -500, 1500]
    assert bill.subscription.carried == []
    bill.change(pro, half, NEXT)
    _, invoice = renewed(bill.subscription, pro)
    assert [line.item.amount_units for line in invoice.lines] == [3000, -2500, 1500]


def test_a_discount_is_taken_off_once_in_a_cycle_though_a_change_ends_what_was_metered() -> None:
    discount = Discount(FixedAmount(400), None)
    bill = Bill.of(Plan((1000,)), discount)
    half = START + (bill.subscription.period.end - START) / 2
    used = [Item("API Calls (used)", 900, UNTAXED)]
    first = bill.change(Plan((3000,)), half, NOW, used)
    second = bill.change(Plan((2000,)), half, NOW)
    assert [each.amount_units for each in (*first.items, *second.items)] == [-300, 1300, -1300, 800]
    _, invoice = renewed(bill.subscription, Plan((2000,)), discount)
    assert [line.item.amount_units for line in invoice.lines] == [2000, 900]
    assert invoice.discount_units == 400


@given(monthly, st.integers(1, 10**7), waits, st.sampled_from(list(ProrationBehavior)), st.none() | discounts)
def test_what_is_bought_once_leaves_nothing_to_an_invoice_that_never_comes(
    first: Plan, units: int, wait: int, behavior: ProrationBehavior, discount: Discount | None
) -> None:
    bill = Bill.of(first, discount)
    change = bill.change(Plan((units,), every=ChargePeriod.ONE_TIME), after(bill, wait), behavior)
    assert (change.carried, change.worth, change.timing.period) == ([], [], None)
    assert change.items


def trial(plan: Plan, days: int = 14) -> Subscription:
    """Return a record on trial."""
    end = START + timedelta(days=days)
    return example(
        status=SubscriptionStatus.TRIALING, charge_period=plan.every, anchor_at=end, period_index=-1,
        period_start=START, period_end=end, trial_start_at=START, trial_end_at=end, worth=[], carried=[],
    )  # fmt: skip


@given(plans, plans, st.sampled_from(list(ProrationBehavior)))
def test_a_change_within_a_trial_costs_nothing_and_leaves_its_end(one: Plan, two: Plan, how: ProrationBehavior) -> None:
    before = trial(one)
    change = reckoned(before, two, START + timedelta(days=3), how)
    assert (change.items, change.carried, change.worth) == ([], [], [])
    after = taken_over(before, change, START + timedelta(days=3))
    assert (after.status, after.period, after.cycle) == (SubscriptionStatus.TRIALING, before.period, 0)
    _, invoice = renewed(after, two)
    assert invoice.subtotal_units == sum(two.units)


@given(plans, discounts, st.sampled_from(list(ProrationBehavior)))
def test_a_trial_that_ends_now_charges_a_whole_period_once(
    plan: Plan, discount: Discount, how: ProrationBehavior
) -> None:
    at = START + timedelta(days=3)
    before = replace(trial(plan), discount_id=plan.id)
    change = reckoned(before, plan, at, how, discount=discount, end_trial=EndTrial())
    after = taken_over(before, change, at)
    assert (after.status, after.period.start, after.trial_end_at) == (SubscriptionStatus.ACTIVE, at, at)
    invoice = make_invoice(change.items, change.terms.discounts, change.timing.cycle, 0)
    paid = invoice.subtotal_units - invoice.discount_units
    assert (
        paid == price_after(plan, discount if plan.is_discounted else None) == sum(w.amount_units for w in after.worth)
    )
    assert after.cycle == 0
    following, _ = renewed(after, plan, discount)
    assert (following.period.start, following.cycle) == (after.period.end, 1)


def test_a_trial_may_end_later_and_not_earlier_than_now() -> None:
    plan, at = Plan((1000,)), START + timedelta(days=3)
    later = at + timedelta(days=60)
    change = reckoned(trial(plan), plan, at, end_trial=EndTrial(later))
    after = taken_over(trial(plan), change, at)
    assert (after.status, after.period.start, after.period.end) == (SubscriptionStatus.TRIALING, START, later)
    for past in (at, at - timedelta(seconds=1)):
        with pytest.raises(TrialEndPast):
            reckoned(trial(plan), plan, at, end_trial=EndTrial(past))


def test_a_trial_that_begins_within_a_period_gives_back_the_rest_of_it() -> None:
    plan, (before, _) = Plan((1000,)), bought(Plan((1000,)))
    half = START + (before.period.end - START) / 2
    change = reckoned(before, plan, half, end_trial=EndTrial(half + timedelta(days=9)))
    after = taken_over(before, change, half)
    assert [item.amount_units for item in change.items] == [-500]
    assert (after.status, after.worth, after.period.start) == (SubscriptionStatus.TRIALING, [], half)
    following, invoice = renewed(after, plan)
    assert (following.period.start, invoice.subtotal_units) == (half + timedelta(days=9), 1000)


@given(st.lists(st.tuples(waits, st.sampled_from(INTERVALS)), min_size=1, max_size=8))
def test_periods_have_no_gap_and_no_overlap_whatever_is_changed(steps: Sequence[tuple[int, ChargePeriod]]) -> None:
    """A changed subscription's periods follow each other: a new one begins where the change ended the one before."""
    bill = Bill.of(Plan((1000,)))
    covered = [(bill.subscription.period.start, bill.subscription.period.end)]
    for wait, every in steps:
        before, plan, at = bill.subscription, Plan((1000,), every=every), after(bill, wait)
        bill.change(plan, at, NOW)
        if bill.subscription.period != before.period:
            assert every is not before.charge_period
            covered[-1] = (covered[-1][0], at)
            covered.append((bill.subscription.period.start, bill.subscription.period.end))
        bill.subscription, _ = renewed(replace(bill.subscription, modified_at=at), plan)
        covered.append((bill.subscription.period.start, bill.subscription.period.end))
    for one, two in pairwise(covered):
        assert one[1] == two[0]
