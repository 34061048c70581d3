"""What a server lacks of a wanted catalog, as a person reads it."""

from collections.abc import Callable

import pytest

from kelviq_server.pricing_as_code.catalog_file import in_order, read_catalog
from kelviq_server.pricing_as_code.difference import Difference, difference, same, settled_prices
from kelviq_server.pricing_as_code.errors import CatalogFault
from kelviq_server.pricing_as_code.pull import Found
from kelviq_server.pricing_as_code.records import CatalogPlan

TEXT = """\
products:
  - {identifier: suite, name: Suite, taxCode: saas, currency: EUR}
features:
  - {identifier: calls, name: Calls, type: METER, metadata: {a: {b: 1}}}
  - {identifier: sso, name: SSO, type: BOOLEAN}
plans:
  - {identifier: free, name: Free, product: suite, prices: [{priceType: FREE}]}
  - identifier: pro
    name: Pro
    product: suite
    basePlan: free
    entitlements: [{feature: calls, value: 5, mine: 1.0}, {feature: sso, value: true}]
    prices:
      - priceType: PAID
        currency: USD
        chargeCatalogPrice:
          - {feature: calls, paymentType: PAY_AS_YOU_GO, charges: [{chargePeriod: MONTHLY, priceData: {amount: 0.10}}]}
      - priceType: PAID
        chargeCatalogPrice:
          - feature: calls
            paymentType: PAY_AS_YOU_GO
            usageAlerts: {enabled: true, thresholds: [5], thresholdType: BALANCE}
            charges: [{chargePeriod: MONTHLY, priceData: {amount: 0.2}}]
"""


def found(text: str, *published: str) -> Found:
    """Return a server that has this catalog."""
    catalog = read_catalog(text)
    return Found(
        products={each.identifier: each for each in catalog.products},
        features={each.identifier: each for each in catalog.features},
        plans={
            each.identifier: each.model_copy(update={"prices": settled_prices(each.prices or (), "EUR")})
            for each in catalog.plans
        },
        published=set(published),
    )


def compared(change: Callable[[str], str], *published: str) -> Difference:
    """Return what a server that has TEXT lacks of the changed one."""
    changed = change(TEXT)
    assert changed != TEXT
    return difference(read_catalog(changed), found(TEXT, *published))


def test_the_same_catalog_differs_in_nothing() -> None:
    asked = difference(read_catalog(TEXT), found(TEXT, "free", "pro"))
    assert asked == Difference()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # The product's currency, and the two spellings of a number.
        ("- {identifier: free, name: Free, product: suite, prices: [{priceType: FREE}]}",
         "- {identifier: free, name: Free, product: suite, prices: [{priceType: FREE, currency: EUR}]}"),
        ("amount: 0.10", "amount: 0.1"),
        ("mine: 1.0", "mine: 1"),
        # What is paid afterwards is metered by month, and a regional price has the terms of the base price.
        ("paymentType: PAY_AS_YOU_GO, charges", "paymentType: PAY_AS_YOU_GO, reset: EVERY_MONTH, charges"),
        ("paymentType: PAY_AS_YOU_GO, charges",
         "paymentType: PAY_AS_YOU_GO, usageAlerts: {enabled: true, thresholds: [7], thresholdType: BALANCE}, charges"),
        ("[{feature: calls, value: 5, mine: 1.0}, {feature: sso, value: true}]",
         "[{feature: sso, value: true}, {feature: calls, mine: 1.0, value: 5}]"),
        ("    entitlements: [{feature: calls, value: 5, mine: 1.0}, {feature: sso, value: true}]\n", ""),
        (", prices: [{priceType: FREE}]", ""),
    ],
)  # fmt: skip
def test_what_means_the_same_is_no_difference(old: str, new: str) -> None:
    assert compared(lambda text: text.replace(old, new), "free", "pro") == Difference()


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("name: Suite", "name: Suites", ['~ product suite: name "Suite" -> "Suites"']),
        ("{a: {b: 1}}", "{a: {b: true, c: x}}", [
            "~ feature calls: metadata a b 1 -> true", '~ feature calls: metadata a c nothing -> "x"',
        ]),
        ("name: Pro", "name: Pro\n    links: [{name: a, url: 'https://a.example'}]\n    license: {enabled: true}", [
            "~ plan pro: license enabled false -> true",
            '~ plan pro: links [] -> [{"name":"a","url":"https://a.example"}]',
        ]),
        ("    basePlan: free\n", "", ['~ plan pro: basePlan "free" -> null']),
        ("value: 5, mine: 1.0", "value: 6", [
            "~ plan pro: entitlement calls value 5 -> 6", "~ plan pro: entitlement calls mine 1 -> nothing",
        ]),
        (", {feature: sso, value: true}", "", ["- plan pro: entitlement sso"]),
        ("amount: 0.2", "amount: 0.25", [
            "~ plan pro: price EUR of calls MONTHLY amount 0.2 -> 0.25",
        ]),
        ("amount: 0.10", "amount: 0.10, block_size: 7", [
            "~ plan pro: price USD of calls MONTHLY block_size null -> 7",
        ]),
        ("amount: 0.10}", "amount: 0.10}, advanced: {minQuantity: 2}", [
            "~ plan pro: price USD of calls MONTHLY min_quantity null -> 2",
        ]),
        ("prices: [{priceType: FREE}]", "prices: []", ["- plan free: price EUR"]),
        ("plans:", "plans:\n  - {identifier: new, name: New, product: suite, basePlan: pro}", [
            '+ plan new: name "New", product "suite"', '~ plan new: basePlan null -> "pro"',
        ]),
    ],
)  # fmt: skip
def test_a_difference_is_shown_value_to_value(old: str, new: str, lines: list[str]) -> None:
    assert compared(lambda text: text.replace(old, new)).lines == lines


def test_another_currency_makes_another_price_the_base_price() -> None:
    wanted = TEXT.replace("currency: EUR", "currency: USD").replace("[{priceType: FREE}]", "[]")
    wanted = wanted[: wanted.rindex("      - priceType")]
    assert difference(read_catalog(wanted), found(TEXT)).lines == [
        '~ product suite: currency "EUR" -> "USD"',
        "- plan free: price EUR",
        # It has had the alerts of the base price so far.
        "~ plan pro: price USD of calls usageAlerts enabled true -> false",
        "~ plan pro: price USD of calls usageAlerts thresholds [5] -> []",
        '~ plan pro: price USD of calls usageAlerts thresholdType "BALANCE" -> "PERCENTAGE"',
        "- plan pro: price EUR",
    ]


def test_everything_of_a_new_catalog_is_shown_base_plans_first() -> None:
    asked = difference(read_catalog(TEXT.replace("basePlan: free", "")), Found())
    assert [line.split(":")[0] for line in asked.lines] == [
        "+ product suite", "~ product suite", "+ feature calls", "+ feature sso", "+ plan free", "+ plan pro",
        "+ plan pro", "+ plan pro", "+ plan free", "+ plan pro", "+ plan pro",
    ]  # fmt: skip
    assert asked.unpublished == ("free", "pro")
    assert [change.is_new for change in asked.changes if change.kind == "plan"] == [True, True]


def test_what_is_published_is_what_changed_or_is_a_draft() -> None:
    renamed = compared(lambda text: text.replace("name: Pro", "name: P"), "free", "pro")
    assert renamed.unpublished == ("pro",)
    assert difference(read_catalog(TEXT), found(TEXT, "pro")).unpublished == ("free",)
    named = compared(lambda text: text.replace("name: SSO", "name: S"), "free", "pro")
    assert named.unpublished == ()


def test_what_never_changes_is_a_drift() -> None:
    asked = compared(
        lambda text: (
            text.replace("type: BOOLEAN", "type: CUSTOMIZABLE")
            .replace("type: METER,", "type: METER, featureDetails: {units: {singular: a}}, meter: {filters: []},")
            .replace("identifier: suite", "identifier: other")
            .replace("product: suite", "product: other")
        )
    )
    assert asked.drifts == (
        "! feature calls: featureDetails units nothing -> {\"singular\":\"a\"}",
        "! feature calls: meter filters nothing -> []",
        '! feature sso: type "BOOLEAN" -> "CUSTOMIZABLE"',
        '! plan free: product "suite" -> "other"',
        '! plan pro: product "suite" -> "other"',
    )  # fmt: skip


def test_what_only_the_server_has_is_named() -> None:
    asked = difference(read_catalog(""), found(TEXT))
    assert asked.changes == ()
    assert [line.split(" is ")[0] for line in asked.only_there] == [
        "product suite", "feature calls", "feature sso", "plan free", "plan pro",
    ]  # fmt: skip


def test_base_plans_come_first_and_a_circle_is_refused() -> None:
    def plan(name: str, base: str | None) -> CatalogPlan:
        return CatalogPlan.model_validate({"identifier": name, "name": name, "product": "suite", "basePlan": base})

    chain = [plan("c", "b"), plan("d", None), plan("b", "a"), plan("a", "elsewhere")]
    assert [each.identifier for each in in_order(chain)] == ["d", "a", "b", "c"]
    with pytest.raises(CatalogFault, match="a, b"):
        in_order([plan("a", "b"), plan("b", "a"), plan("c", None)])


def test_a_number_is_not_a_truth() -> None:
    assert same({"a": [1, 2]}, {"a": (1, 2)})
    assert not same([1], [True])
    assert not same({"a": 0}, {"a": False})
    assert not same({"a": None}, {})
