"""A catalog file: what is written is read back, what is wrong is named with its place."""

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.calendar import ChargePeriod, Reset
from kelviq_server.pricing_as_code.catalog_file import read_catalog, write_catalog
from kelviq_server.pricing_as_code.errors import CatalogMistakes
from kelviq_server.pricing_as_code.records import Catalog

clean = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40)
names = clean.filter(lambda text: bool(text.strip()))
words = st.sampled_from(
    [
        "no",
        "null",
        "~",
        "1e5",
        "0x1F",
        "1:30",
        "2024-01-01",
        "=",
        "<<",
        "- a",
        "a: b",
        "",
        " x",
        ".5",
        "\x85",
        "\u2028a",
        "\r\n",
    ]
)
texts = words | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=60)
numbers = st.integers(-(10**20), 10**20) | st.decimals(allow_nan=False, allow_infinity=False)
amounts = st.decimals(0, 10**9, places=12)
json = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(texts, part, max_size=3),
    max_leaves=8,
)
free = st.dictionaries(texts, json, max_size=3)
counts = st.integers(0, 2**63 - 1)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects that have any of these keys."""
    return st.fixed_dictionaries({}, optional=fields)


alerts = some(enabled=st.booleans(), thresholds=st.lists(amounts, max_size=2), thresholdType=st.just("BALANCE"))
rollovers = some(enabled=st.booleans(), percentage=st.integers(0, 100), limit=counts)
terms = {"reset": st.sampled_from(Reset).map(str), "rollover": rollovers, "usageAlerts": alerts}
tiers = st.fixed_dictionaries(
    {"upTo": st.sampled_from(["inf", None]) | st.integers(1, 9)}, optional={"unitAmount": amounts}
)
charges = st.fixed_dictionaries(
    {"chargePeriod": st.sampled_from([*map(str, ChargePeriod), "QUARTERLY"])},
    optional={
        "priceData": some(amount=amounts, block_size=st.integers(1, 9)),
        "tiers": st.lists(tiers, max_size=2),
        "advanced": some(minQuantity=counts, max_quantity=counts),
    },
)
components = some(
    feature=st.just("calls"), priceModel=st.just("TIERED"), charges=st.lists(charges, max_size=2), **terms
)
prices = st.fixed_dictionaries(
    {"priceType": st.sampled_from(["PAID", "FREE"])},
    optional={"currency": st.just("JPY"), "chargeCatalogPrice": st.lists(components, max_size=2)},
)
entitlements = st.fixed_dictionaries(
    {"feature": st.just("calls")},
    optional={"value": st.none() | st.booleans() | numbers, "own key": json, **terms},
)
plans = st.fixed_dictionaries(
    {"identifier": st.just("pro"), "product": st.just("suite"), "name": names},
    optional={
        "metadata": free,
        "description": clean | st.just("a\nb\n"),
        "entitlements": st.lists(entitlements, max_size=2),
        "prices": st.lists(prices, max_size=2),
        "license": some(enabled=st.booleans(), durationUnit=st.just("DAY")),
        "ordering": st.integers(-5, 5),
    },
)
features = st.fixed_dictionaries(
    {"identifier": st.just("calls"), "name": names, "type": st.just("METER")},
    optional={"meter": free, "featureDetails": free, "metadata": free},
)
products = st.fixed_dictionaries(
    {"identifier": st.just("suite"), "name": names, "taxCode": st.just("saas")},
    optional={"description": clean | st.just("a\nb\n")},
)


@given(products, features, plans)
def test_what_is_written_is_read_back(product: Any, feature: Any, plan: Any) -> None:
    catalog = Catalog.model_validate({"products": [product], "features": [feature], "plans": [plan]})
    text = write_catalog(catalog)
    assert read_catalog(text) == catalog
    assert write_catalog(read_catalog(text)) == text


def test_a_text_that_ends_in_empty_lines_does_not_end_the_file() -> None:
    for text in ("\n", "a\n\n", "\n\n\n"):
        product = {"identifier": "suite", "name": "Suite", "taxCode": "saas"}
        feature = {"identifier": "sso", "name": "SSO", "type": "BOOLEAN", "metadata": {"last": [text]}}
        plan = {"identifier": "pro", "name": "Pro", "product": "suite"}
        catalog = Catalog.model_validate({"products": [product], "features": [feature], "plans": [plan]})
        assert read_catalog(write_catalog(catalog)) == catalog


@given(st.lists(words | texts, min_size=1, max_size=5))
def test_texts_that_look_like_something_else_are_quoted_for_every_reader(given_texts: list[str]) -> None:
    product = {"identifier": "suite", "name": "Suite", "taxCode": "saas", "description": ""}
    feature = {"identifier": "sso", "name": "SSO", "type": "BOOLEAN", "metadata": {"texts": given_texts}}
    text = write_catalog(Catalog.model_validate({"products": [product], "features": [feature]}))
    assert yaml.safe_load(text)["features"][0]["metadata"]["texts"] == given_texts


def test_defaults_are_left_out_and_numbers_are_plain_and_exact() -> None:
    text = """\
products: [{identifier: suite, name: Suite, taxCode: saas, currency: USD, description: ''}]
plans:
  - identifier: pro
    name: no
    product: suite
    isVisible: true
    license: {enabled: false}
    prices:
      - priceType: PAID
        freeTrial: false
        chargeCatalogPrice:
          - {priceModel: FLAT, rollover: {}, usageAlerts: {},
             charges: [{chargePeriod: QUARTERLY, priceData: {amount: 0.100000000000000000}, tiers: [], advanced: {}}]}
"""
    catalog = read_catalog(text)
    assert catalog.plans[0].prices is not None
    assert catalog.plans[0].prices[0].charge_catalog_price[0].charges[0].price_data.amount == Decimal("0.1")
    assert (
        write_catalog(catalog).split("\n\n", 1)[1]
        == """\
products:
  - identifier: suite
    name: Suite
    taxCode: saas

plans:
  - identifier: pro
    name: 'no'
    product: suite
    prices:
      - priceType: PAID
        chargeCatalogPrice:
          - charges:
              - chargePeriod: THREE_MONTHS
                priceData: {amount: 0.1}
"""
    )


def test_an_empty_file_is_an_empty_catalog() -> None:
    assert read_catalog("") == read_catalog("# nothing\n") == read_catalog("plans: []\n") == Catalog()


GOOD = """\
products:
  - {identifier: suite, name: Suite, taxCode: saas}
features:
  - {identifier: calls, name: Calls, type: METER}
plans:
  - identifier: pro
    name: Pro
    product: suite
    entitlements:
      - {feature: calls, value: 5}
    prices:
      - priceType: PAID
        chargeCatalogPrice:
          - feature: calls
            charges:
              - {chargePeriod: MONTHLY, priceData: {amount: 49}}
"""
CHARGE = "plans[0].prices[0].chargeCatalogPrice[0]"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("taxCode: saas", "taxcode: saas", "line 2: products[0].taxcode: there is no such key; did you mean taxCode?"),
        ("taxCode: saas", "taxCode: sas", 'line 2: products[0].taxCode: "sas" is not possible here; did you mean'),
        (", taxCode: saas", "", "line 2: products[0].taxCode: this key is missing"),
        ("name: Calls", "name: 5", "line 4: features[0].name: a text is expected; put it in quotation marks"),
        ("identifier: calls", "identifier: Calls!", "line 4: features[0].identifier: "),
        ("features:", "feature:", "line 3: feature: there is no such key; did you mean features?"),
        ("name: Pro", "name: Pro\n    descr: x", "line 8: plans[0].descr: there is no such key; did you mean desc"),
        ("name: Pro", "name: Pro\n    colour: red", "line 8: plans[0].colour: there is no such key"),
        ("product: suite", "product: sweet", "line 8: plans[0].product: sweet is not among the products"),
        ("product: suite", "product: suit", "did you mean suite?"),
        ("product: suite", "product: suite\n    basePlan: pro", "plans: these plans are based on one another: pro"),
        ("feature: calls, value", "feature: call, value", "line 10: plans[0].entitlements[0].feature: call is not"),
        ("value: 5", "value: five", "line 10: plans[0].entitlements[0].value: true, false or a number is expected"),
        ("value: 5", "has_unlimited_usage: true", "did you mean hasUnlimitedUsage?"),
        ("PAID", "FREEE", 'line 12: plans[0].prices[0].priceType: "FREEE" is not possible here; did you mean FREE?'),
        ("- feature: calls", "- feature: cals", f"line 14: {CHARGE}.feature: cals is not among the features; did"),
        ("MONTHLY", "MONTLY", f'line 16: {CHARGE}.charges[0].chargePeriod: "MONTLY" is not possible here; did'),
        ("49", '"49"', f"line 16: {CHARGE}.charges[0].priceData.amount: A valid number is required."),
        ("49", "-1", f"line 16: {CHARGE}.charges[0].priceData.amount: "),
        ("  - {identifier: calls", "  - {identifier: calls, name: x, type: METER}\n  - {identifier: calls",
         "line 5: features[1].identifier: calls stands in features already"),
        ("    name: Pro", "    name: Pro\n    name: Pri", "line 8: the key name appears more than once"),
        ("    name: Pro", "   name: Pro", "line 7: "),
        ("name: Suite", "name: !!python/object x", "line 2: could not determine a constructor"),
        ("value: 5", "value: 5, own: {1: 2, a: .inf}", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_path(old: str, new: str, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if not said:
        assert read_catalog(text)
        return
    with pytest.raises(CatalogMistakes) as caught:
        read_catalog(text)
    assert said in str(caught.value)


def test_what_is_shared_can_be_said_once() -> None:
    text = """\
products:
  - &suite {identifier: suite, name: Suite, taxCode: saas}
  - {<<: *suite, identifier: books, taxCode: ebook}
"""
    assert [(each.identifier, each.name, each.tax_code) for each in read_catalog(text).products] == [
        ("suite", "Suite", "saas"), ("books", "Suite", "ebook"),
    ]  # fmt: skip


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(CatalogMistakes) as caught:
        read_catalog(GOOD.replace("saas", "sas").replace("49", "x").replace("METER", "METRE"))
    assert [mistake.line for mistake in caught.value.mistakes] == [2, 4, 16]


@pytest.mark.parametrize("text", ["- a", "5", "plans: 5", "plans: [5]", "plans: &a [*a]", "a: [", "\x00", "? [a]\n: b",
                                  "plans: {a: b}", "a: 1e999999999999999999999", "<<: 5", "[" * 5000])  # fmt: skip
def test_whatever_is_no_catalog_is_a_mistake(text: str) -> None:
    with pytest.raises(CatalogMistakes):
        read_catalog(text)
