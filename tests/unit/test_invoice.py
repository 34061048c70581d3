"""An invoice adds up, whatever stands on it."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.billing.invoices.rules import lines_of, paid_amounts
from kelviq_server.core.discount import Discount, FixedAmount, Percentage
from kelviq_server.core.invoice import Item, TaxRule, make_invoice, taxed
from kelviq_server.core.tax import Taxed

GERMAN = TaxRule(Decimal(19))
HOLDS_GERMAN = TaxRule(Decimal(19), is_inclusive=True)
NONE = TaxRule(Decimal(0))

rules = st.builds(TaxRule, st.decimals(0, 30, places=3), st.booleans(), st.booleans(), st.booleans())
items = st.lists(
    st.builds(Item, st.just("x"), st.integers(-(10**9), 10**9), rules, is_discountable=st.booleans()), max_size=8
)
discounts = st.lists(
    st.builds(
        Discount,
        st.decimals(0, 100, places=2).map(Percentage) | st.integers(0, 10**9).map(FixedAmount),
        st.none() | st.integers(1, 3),
    ),
    max_size=3,
)


def test_discount_then_tax_then_credit() -> None:
    invoice = make_invoice(
        [Item("Pro", 4900, GERMAN), Item("Seats", 1001, GERMAN, quantity=7, unit_price=Decimal("1.43"))],
        [Discount(Percentage(Decimal(20)), cycles=1)],
        cycle=0,
        credit_units=1000,
    )
    assert [line.discount_units for line in invoice.lines] == [980, 200]
    assert [line.taxed for line in invoice.lines] == [Taxed(3920, 745), Taxed(801, 152)]
    assert (invoice.subtotal_units, invoice.discount_units, invoice.tax_units) == (5901, 1180, 897)
    assert (invoice.total_units, invoice.credit_units, invoice.due_units) == (5618, 1000, 4618)


def test_a_discount_is_over_after_its_cycles_and_spares_what_it_may_not_touch() -> None:
    items = [Item("Pro", 1000, NONE), Item("Setup", 500, NONE, is_discountable=False)]
    half = [Discount(Percentage(Decimal(50)), cycles=2)]
    assert [make_invoice(items, half, cycle, 0).total_units for cycle in range(3)] == [1000, 1000, 1500]


def test_discounts_take_from_what_the_ones_before_them_left() -> None:
    both = [Discount(Percentage(Decimal(50)), None), Discount(FixedAmount(400), None)]
    assert make_invoice([Item("Pro", 1000, NONE)], both, 0, 0).total_units == 100
    assert make_invoice([Item("Pro", 1000, NONE)], both[::-1], 0, 0).total_units == 300


def test_what_outweighs_the_charges_becomes_credit() -> None:
    change = [Item("Unused of Max", -5000, GERMAN), Item("Rest of Pro", 2000, GERMAN)]
    invoice = make_invoice(change, [], 0, credit_units=700)
    assert (invoice.total_units, invoice.credit_units, invoice.due_units) == (-3570, -3570, 0)


def test_a_business_elsewhere_pays_no_tax() -> None:
    here = TaxRule(Decimal(19), is_reverse_charge=True)
    assert taxed(1000, here) == Taxed(1000, 0)
    less = TaxRule(Decimal(19), is_inclusive=True, is_reverse_charge=True)
    assert taxed(1190, less) == Taxed(1000, 0)
    same = TaxRule(Decimal(19), is_inclusive=True, is_reverse_charge=True, keeps_price=True)
    assert taxed(1190, same) == Taxed(1190, 0)
    assert taxed(1190, HOLDS_GERMAN) == Taxed(1000, 190)


def test_a_price_that_is_lowered_by_its_tax_adds_up_as_it_is_paid() -> None:
    """What is taken off it is lowered alike; what comes on top of other prices is not touched."""
    less = TaxRule(Decimal(20), is_inclusive=True, is_reverse_charge=True)
    tenth = [Discount(Percentage(Decimal(10)), None)]
    plain = make_invoice([Item("Pro", 12000, less)], [], 0, 0)
    assert (plain.subtotal_units, plain.discount_units, plain.tax_units, plain.total_units) == (10000, 0, 0, 10000)
    lowered = make_invoice([Item("Pro", 12000, less)], tenth, 0, 0)
    assert (lowered.subtotal_units, lowered.discount_units, lowered.total_units) == (10000, 1000, 9000)
    mixed = make_invoice([Item("Pro", 12000, less), Item("Setup", 1000, GERMAN)], tenth, 0, 0)
    assert (mixed.subtotal_units, mixed.discount_units, mixed.tax_units, mixed.total_units) == (11000, 1100, 171, 10071)
    kept = replace(less, keeps_price=True)
    assert make_invoice([Item("Pro", 12000, kept)], tenth, 0, 0).subtotal_units == 12000


@given(items, discounts, st.integers(0, 3))
def test_what_is_issued_adds_up_as_it_is_paid(items: list[Item], discounts: list[Discount], cycle: int) -> None:
    made = make_invoice(items, discounts, cycle, 0)
    lines = lines_of(made)
    assert [sum(units) for units in zip((0, 0), *map(paid_amounts, lines), strict=True)] == [
        made.subtotal_units, made.discount_units,
    ]  # fmt: skip
    on_top = sum(line.tax_units for line in lines if not line.is_tax_inclusive)
    assert made.subtotal_units - made.discount_units + on_top == made.total_units
    for line in made.lines:
        assert 0 <= line.less_units <= line.discount_units


@given(items, discounts, st.integers(0, 3), st.integers(0, 10**10))
def test_an_invoice_adds_up(items: list[Item], discounts: list[Discount], cycle: int, credit_units: int) -> None:
    invoice = make_invoice(items, discounts, cycle, credit_units)
    assert [line.item for line in invoice.lines] == items
    assert invoice.total_units == sum(line.taxed.net_units for line in invoice.lines) + invoice.tax_units
    assert invoice.due_units >= 0
    assert invoice.due_units + invoice.credit_units == invoice.total_units
    assert invoice.credit_units <= credit_units
    assert invoice.due_units == 0 or invoice.credit_units == credit_units, "credit pays before the customer does"
    for line in invoice.lines:
        assert 0 <= line.discount_units <= max(line.item.amount_units, 0)
        assert line.item.is_discountable or line.discount_units == 0
        if line.item.tax.is_inclusive and not line.item.tax.is_reverse_charge:
            assert line.taxed.gross_units == line.item.amount_units - line.discount_units
