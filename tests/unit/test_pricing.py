"""What a quantity costs, in each of the five models."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.money import round_half_away
from kelviq_server.core.pricing import BeyondLastTier, PriceModel, Rate, Tier, exact_amount, parts, price_units

MOST = 2**63 - 1
# Numbers that other billing systems' public test suites and documentation expect: input, quantity, price in USD.
VECTORS: list[tuple[str, dict[str, Any], int, str]] = [
    ("KQ1", {"rate": "0.01"}, 15000, "150"),
    ("KQ2", {"size": 100, "price": 10}, 205, "30"),
    ("KQ3", {"kind": "tiered", "tiers": [[1000, "0.10"], [5000, "0.05"]]}, 3500, "225"),
    ("KQ4", {"kind": "volume", "tiers": [[100000, "0.01"], [None, "0.007"]]}, 120000, "840"),
    ("KQ5", {"steps": [[10000, 50], [50000, 150]]}, 12000, "150"),
]
LAGO_GRADUATED = [[10, 10, 2], [20, 5, 3], [None, 5, 3]]
LAGO_VOLUME = [[100, 2, 10], [200, 1, 0], [None, "0.5", 50]]
OPENMETER_VOLUME = [[5, 0, 100], [10, 0, 150], [15, 10, 0], [None, 5, 0]]
AUTUMN = [[100, "0.1", 0], [500, "0.05", 0], [None, "0.02", 0]]
for kind, tiers, pairs in (
    ("tiered", LAGO_GRADUATED, [(0, "2"), (1, "12"), (11, "110"), (21, "163")]),
    ("volume", LAGO_VOLUME, [(0, "10"), (1, "12"), (100, "210"), (200, "200")]),
    ("tiered", [[5, 0, 100], [10, 0, 50], [15, 5, 0], [None, 1, 0]], [(22, "182")]),
    ("volume", OPENMETER_VOLUME, [(0, "100"), (3, "100"), (5, "100"), (15, "150")]),
    ("tiered", AUTUMN, [(50, "5"), (100, "10"), (250, "17.5"), (500, "30")]),
    ("volume", AUTUMN, [(50, "5"), (100, "10"), (101, "5.05"), (500, "25"), (1000, "20")]),
):
    VECTORS += [(f"{kind}-{quantity}", {"kind": kind, "tiers": tiers}, quantity, price) for quantity, price in pairs]
VECTORS += [
    ("LG-pack-free0", {"size": 10, "price": 100, "free": 0}, 121, "1300"),
    ("LG-pack-free10", {"size": 10, "price": 100, "free": 10}, 121, "1200"),
]


def rate_of(vector: dict[str, Any]) -> Rate:
    if "rate" in vector:
        return Rate(PriceModel.FLAT, Decimal(str(vector["rate"])))
    if "size" in vector:
        return Rate(PriceModel.PACKAGE, Decimal(str(vector["price"])), vector["size"])
    if "steps" in vector:
        steps = tuple(Tier(bound, flat_amount=Decimal(str(flat))) for bound, flat in vector["steps"])
        return Rate(PriceModel.STAIRSTEP, tiers=steps)
    tiers = tuple(Tier(bound, *(Decimal(str(amount)) for amount in amounts)) for bound, *amounts in vector["tiers"])
    return Rate(PriceModel(vector["kind"].upper()), tiers=tiers)


@pytest.mark.parametrize(("vector", "quantity", "price"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_a_price_is_what_other_billing_systems_expect(vector: dict[str, Any], quantity: int, price: str) -> None:
    # Units that are free are taken off the quantity: they are not part of a rate.
    paid = max(0, quantity - vector.get("free", 0))
    assert price_units(rate_of(vector), paid, 2) == round_half_away(Decimal(price), 2)


def test_every_price_of_the_shared_vectors_comes_out() -> None:
    file = Path(__file__).parents[2].parent / "shared/vectors/billing.json"
    if not file.is_file():
        pytest.skip(f"NOT COMPARED WITH THE SHARED VECTORS: there is no {file}")
    kinds = {"flat", "package", "tiered", "volume", "stairstep"}
    shared = [entry for entry in json.loads(file.read_text())["vectors"] if entry["kind"] in kinds]
    assert len(shared) == len(VECTORS), "the vectors above are not all of them"
    for entry in shared:
        given_input = {"kind": entry["kind"], **entry["input"]}
        paid = max(0, given_input["units"] - given_input.get("free", 0))
        expected = round_half_away(Decimal(str(entry["expected"])), 2)
        assert price_units(rate_of(given_input), paid, 2) == expected, entry["id"]


amounts = st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=6)
quantities = st.integers(0, MOST) | st.integers(0, 300)
exponents = st.sampled_from([0, 2, 3])


@st.composite
def tier_lists(draw: st.DrawFn) -> tuple[Tier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 200) | st.integers(1, MOST), max_size=5)))
    return tuple(Tier(bound, draw(amounts), draw(amounts)) for bound in [*bounds, None])


@st.composite
def rates(draw: st.DrawFn, models: tuple[PriceModel, ...] = tuple(PriceModel)) -> Rate:
    model = draw(st.sampled_from(models))
    if model in (PriceModel.FLAT, PriceModel.PACKAGE):
        return Rate(model, draw(amounts), draw(st.integers(1, 10**6)))
    return Rate(model, tiers=draw(tier_lists()))


@given(rates(), quantities, exponents)
def test_the_parts_add_up_to_the_price(rate: Rate, quantity: int, exponent: int) -> None:
    total = sum(
        Fraction(part.unit_amount) * part.quantity + Fraction(part.flat_amount) for part in parts(rate, quantity)
    )
    assert Fraction(exact_amount(rate, quantity)) == total
    # Rounding by hand: halves up, of what is never negative.
    assert price_units(rate, quantity, exponent) == (total * 10**exponent * 2 + 1) // 2


@given(rates((PriceModel.TIERED,)), quantities)
def test_the_tiers_share_the_quantity_out(rate: Rate, quantity: int) -> None:
    assert sum(piece.quantity for piece in parts(rate, quantity)) == quantity


@given(rates((PriceModel.FLAT, PriceModel.PACKAGE, PriceModel.TIERED)), st.tuples(quantities, quantities), exponents)
def test_more_never_costs_less(rate: Rate, pair: tuple[int, int], exponent: int) -> None:
    less, more = sorted(pair)
    assert price_units(rate, less, exponent) <= price_units(rate, more, exponent)


@given(tier_lists(), st.tuples(quantities, quantities))
def test_a_higher_step_never_costs_less_where_the_steps_ascend(tiers: tuple[Tier, ...], pair: tuple[int, int]) -> None:
    flats = sorted(tier.flat_amount for tier in tiers)
    rate = Rate(
        PriceModel.STAIRSTEP,
        tiers=tuple(Tier(tier.up_to, flat_amount=flat) for tier, flat in zip(tiers, flats, strict=True)),
    )
    less, more = sorted(pair)
    assert price_units(rate, less, 2) <= price_units(rate, more, 2)


@given(amounts, amounts, quantities, exponents)
def test_one_endless_tier_is_the_same_in_both_models(
    unit: Decimal, flat: Decimal, quantity: int, exponent: int
) -> None:
    tiers = (Tier(None, unit, flat),)
    tiered, volume = (Rate(model, tiers=tiers) for model in (PriceModel.TIERED, PriceModel.VOLUME))
    assert price_units(tiered, quantity, exponent) == price_units(volume, quantity, exponent)


@given(amounts, quantities)
def test_a_package_of_one_is_flat(amount: Decimal, quantity: int) -> None:
    assert price_units(Rate(PriceModel.PACKAGE, amount), quantity, 2) == price_units(
        Rate(PriceModel.FLAT, amount), quantity, 2
    )


def test_the_largest_quantity_at_the_finest_price_keeps_every_digit() -> None:
    rate = Rate(PriceModel.FLAT, Decimal("999999999999.999999999999"))
    exact = (10**24 - 1) * MOST
    assert price_units(rate, MOST, 3) == (exact + 5 * 10**8) // 10**9


@pytest.mark.parametrize(("exponent", "units"), [(0, 1), (2, 50), (3, 500)])
def test_the_currency_decides_where_a_price_is_rounded(exponent: int, units: int) -> None:
    assert price_units(Rate(PriceModel.FLAT, Decimal("0.0005")), 1000, exponent) == units


def test_a_bound_belongs_to_the_tier_below_it() -> None:
    tiers = (Tier(10, Decimal(2)), Tier(None, Decimal(1)))
    assert [price_units(Rate(PriceModel.VOLUME, tiers=tiers), quantity, 0) for quantity in (10, 11)] == [20, 11]


def test_what_the_tiers_do_not_reach_has_no_price() -> None:
    for model in (PriceModel.TIERED, PriceModel.VOLUME, PriceModel.STAIRSTEP):
        with pytest.raises(BeyondLastTier):
            price_units(Rate(model, tiers=(Tier(10, Decimal(1)),)), 11, 2)
    with pytest.raises(ValueError, match="not negative"):
        price_units(Rate(PriceModel.FLAT, Decimal(1)), -1, 2)
