"""Prices of a plan: what comes back, and every rule, with the path of what breaks it."""

from decimal import Decimal
from typing import Any

import pytest

from tests.api.catalog import charge, entry, feature, plan, price, product, set_prices, tiered
from tests.api.conftest import BASE, Client

PRO = "/catalog/plans/pro/"
USAGE = {"reset": "EVERY_MONTH", "resetTime": "BEGINNING_OF_PERIOD"}
ALERTS = {"enabled": True, "thresholds": [75, 90], "thresholdType": "PERCENTAGE"}


async def test_prices_of_every_model_come_back_as_they_were_set(api: Client) -> None:
    names = ("flat", "package", "tiered", "volume", "stairstep")
    ids = {name: (await feature(api, name=name))["id"] for name in names}
    steps = tiered(("10", None, None))["tiers"]
    assert steps
    entries = [
        entry(charge(amount=20)),
        entry({**charge(amount=0.001), "advanced": {"min_quantity": 1, "max_quantity": 500}}, feature=ids["flat"]),
        entry({"chargePeriod": "MONTHLY", "priceData": {"amount": 10, "block_size": 100}},
              feature=ids["package"], priceModel="PACKAGE"),
        entry(tiered((1000, 0.1, 0), (5000, 0.05, 2), ("inf", 0.02, 0)), feature=ids["tiered"], priceModel="TIERED"),
        entry(tiered((100, 0.01, 0), ("inf", 0.007, 0)), feature=ids["volume"], priceModel="VOLUME"),
        entry(tiered((10000, 0, 50), ("inf", 0, 150)), feature=ids["stairstep"], priceModel="STAIRSTEP",
              usageAlerts=ALERTS, rollover={"enabled": True, "percentage": 50, "limit": 750}, **USAGE),
    ]  # fmt: skip
    await plan(api)
    [made] = await set_prices(api, "pro", price(*entries, freeTrial=True, trialPeriod=14, taxBehavior="INCLUSIVE"))
    assert (made["currency"], made["freeTrial"], made["trialPeriod"], made["taxBehavior"]) == (
        "USD", True, 14, "INCLUSIVE",
    )  # fmt: skip
    for sent, answered in zip(entries, made["chargeCatalogPrice"], strict=True):
        for name, value in sent.items():
            if name != "charges":
                assert answered[name] == value
        for wanted, had in zip(sent["charges"], answered["charges"], strict=True):
            assert had["chargePeriod"] == wanted["chargePeriod"]
            assert had["tiers"] == wanted.get("tiers", [])
            assert had["advanced"] == wanted.get("advanced", {})
            assert had["priceData"] == wanted.get("priceData", {"currency": "USD"})
    assert (await api.get(PRO + "prices/")).json()["results"] == [made]


async def test_amounts_keep_every_digit(api: Client) -> None:
    await plan(api)
    calls = await feature(api)
    text = (
        '{"prices":[{"priceType":"PAID","charge_catalog_price":[{"feature":"' + calls["id"] + '","charges":'
        '[{"charge_period":"MONTHLY","price_data":{"amount":0.000000000001}},'
        '{"charge_period":"YEARLY","price_data":{"amount":999999999999.123456789012}}]}]}]}'
    )
    answer = await api.http.post(f"{BASE}{PRO}prices/bulk/", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert '"amount":999999999999.123456789012' in answer.text
    assert Decimal("0.000000000001") == Decimal(str(answer.json()["prices"][0]["chargeCatalogPrice"][0]["charges"][0][
        "priceData"]["amount"]))  # fmt: skip


async def test_a_quarter_is_another_word_for_three_months(api: Client) -> None:
    await plan(api)
    [made] = await set_prices(api, "pro", price(entry(charge("QUARTERLY"))))
    assert made["chargeCatalogPrice"][0]["charges"][0]["chargePeriod"] == "THREE_MONTHS"


async def test_a_price_without_a_currency_is_in_the_products(api: Client) -> None:
    suite = await product(api)
    await api.patch(f"/catalog/products/{suite['id']}/settings/", {"currency": "eur"})
    await plan(api, product_id=suite["id"])
    [made] = await set_prices(api, "pro", {"priceType": "FREE"})
    assert (made["currency"], made["chargeCatalogPrice"]) == ("EUR", [])


async def test_regional_prices_have_the_meters_terms_of_the_base_price(api: Client) -> None:
    calls = await feature(api)
    await plan(api)
    terms = {
        "reset": "EVERY_MONTH", "resetTime": "SUBSCRIPTION_START", "usageAlerts": ALERTS,
        "rollover": {"enabled": True, "percentage": 12.5, "limit": None},
    }  # fmt: skip
    euro = price(entry(charge(amount=45), feature=calls["id"], reset="NEVER"), currency="EUR")
    dollar = price(entry(charge(amount=49), feature=calls["id"], **terms), currency="USD")
    # The base price is the one in the product's currency, wherever it stands.
    made = await set_prices(api, "pro", euro, dollar)
    assert [one["currency"] for one in made] == ["USD", "EUR"]
    for one in made:
        [component] = one["chargeCatalogPrice"]
        assert {name: component[name] for name in terms} == terms
    assert [one["chargeCatalogPrice"][0]["charges"][0]["priceData"]["amount"] for one in made] == [49, 45]


async def test_what_is_paid_afterwards_is_metered_by_month(api: Client) -> None:
    calls = await feature(api)
    await plan(api)
    usage = entry(tiered((100_000, 0, 0), ("inf", 0.0002, 0)), feature=calls["id"], priceModel="TIERED",
                  paymentType="PAY_AS_YOU_GO", usageAlerts={**ALERTS, "thresholdType": "BALANCE"})  # fmt: skip
    [made] = await set_prices(api, "pro", price(entry(charge(amount=20)), usage))
    assert made["chargeCatalogPrice"][1]["reset"] == "EVERY_MONTH"


METERED: dict[str, Any] = {"feature": "{meter}"}
ALREADY = "There is already"
IN_ALL = "A price in another currency"
CASES: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("no type", [{"currency": "USD"}], "prices[0].priceType", "This field is required."),
    ("a type of no kind", [price(priceType="CHEAP")], "prices[0].priceType", '"CHEAP" is not a valid choice.'),
    ("a currency of no country", [price(currency="ABC")], "prices[0].currency", '"ABC" is not a valid choice.'),
    ("gold", [price(currency="XAU")], "prices[0].currency", '"XAU" is not a valid choice.'),
    ("a currency twice", [price(), price()], "prices[1].currency", f"{ALREADY} a price in USD"),
    ("free with charges", [price(priceType="FREE")], "prices[0].chargeCatalogPrice", "A FREE price has no charges."),
    ("custom with charges", [price(priceType="CUSTOM")], "prices[0].chargeCatalogPrice", "A CUSTOM price has no"),
    ("free beside paid", [price(), {"priceType": "FREE", "currency": "EUR"}], "prices", "A plan is either free"),
    ("a trial of no days", [price(freeTrial=True)], "prices[0].trialPeriod", "Ensure this value is greater"),
    ("a trial of a one-time price", [price(entry(charge("ONE_TIME")), freeTrial=True, trialPeriod=7)],
     "prices[0].freeTrial", "A trial needs a recurring charge"),
    ("a trial too long", [price(freeTrial=True, trialPeriod=9999)], "prices[0].trialPeriod",
     "Ensure this value is less than or equal to 730."),
    ("the plan itself twice", [price(entry(), entry())], "prices[0].chargeCatalogPrice[1].feature",
     f"{ALREADY} an entry for the plan itself."),
    ("a feature twice", [price(entry(**METERED), entry(**METERED))], "prices[0].chargeCatalogPrice[1].feature",
     f"{ALREADY} an entry for this feature."),
    ("a feature that is none", [price(entry(feature="0192b0f4-0000-7000-8000-000000000000"))],
     "prices[0].chargeCatalogPrice[0].feature", "Invalid pk"),
    ("no UUID", [price(entry(feature="api-calls"))], "prices[0].chargeCatalogPrice[0].feature", "Must be a valid UUID"),
    ("a feature that is no meter", [price(entry(feature="{switch}"))], "prices[0].chargeCatalogPrice[0].feature",
     "only METER features are priced"),
    ("an archived feature", [price(entry(feature="{archived}"))], "prices[0].chargeCatalogPrice[0].feature",
     "is archived"),
    ("tiers without a feature", [price(entry(tiered(("inf", 1, 0)), priceModel="VOLUME"))],
     "prices[0].chargeCatalogPrice[0].feature", "VOLUME prices a feature"),
    ("usage without a feature", [price(entry(paymentType="PAY_AS_YOU_GO"))],
     "prices[0].chargeCatalogPrice[0].feature", "PAY_AS_YOU_GO prices the usage"),
    ("no charges", [price({"priceModel": "FLAT"})], "prices[0].chargeCatalogPrice[0].charges", "Ensure this field has"),
    ("a period twice", [price(entry(charge(), charge()))], "prices[0].chargeCatalogPrice[0].charges[1].chargePeriod",
     f"{ALREADY} a charge for this period."),
    ("a period of no kind", [price(entry(charge("HOURLY")))], "prices[0].chargeCatalogPrice[0].charges[0].chargePeriod",
     '"HOURLY" is not a valid choice.'),
    ("periods that differ", [price(entry(charge(), charge("YEARLY")), entry(charge(), **METERED))],
     "prices[0].chargeCatalogPrice[1].charges", "Every entry is charged for the same periods, here MONTHLY, YEARLY."),
    ("no amount", [price(entry({"chargePeriod": "MONTHLY"}))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount", "This field is required."),
    ("less than nothing", [price(entry(charge(amount=-1)))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount", "Ensure this value is greater than or equal to 0."),
    ("a text", [price(entry(charge(amount="49")))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount", "A valid number is required."),
    ("parts of a cent", [price(entry(charge(amount=29.995)))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount", "no more than 2 decimal places"),
    ("parts of a yen", [price(entry(charge(amount=29.5)), currency="JPY")],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount", "no decimal places"),
    ("too fine", [price(entry(charge(amount=1e-13), **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount", "no more than 12 decimal places"),
    ("a package of no size", [price(entry(charge(), priceModel="PACKAGE", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.blockSize", "This field is required."),
    ("a package of none", [price(entry({"chargePeriod": "MONTHLY", "priceData": {"amount": 1, "block_size": 0}},
                                       priceModel="PACKAGE", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.blockSize", "greater than or equal to 1"),
    ("blocks of a flat price", [price(entry({"chargePeriod": "MONTHLY", "priceData": {"amount": 1, "block_size": 5}}))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.blockSize", "Only PACKAGE comes in blocks."),
    ("tiers of a flat price", [price(entry({**charge(), **tiered(("inf", 1, 0))}))],
     "prices[0].chargeCatalogPrice[0].charges[0].tiers", "FLAT has no tiers."),
    ("no tiers", [price(entry(), entry({"chargePeriod": "MONTHLY"}, priceModel="TIERED", **METERED))],
     "prices[0].chargeCatalogPrice[1].charges[0].tiers", "TIERED needs at least one tier."),
    ("an amount beside tiers", [price(entry({**charge(), **tiered(("inf", 1, 0))}, priceModel="VOLUME", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount", "VOLUME is priced by tiers."),
    ("an end", [price(entry(tiered((10, 1, 0)), priceModel="TIERED", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].tiers[0].upTo", "The last tier is without end"),
    ("no end too early", [price(entry(tiered(("inf", 1, 0), (None, 1, 0)), priceModel="TIERED", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].tiers[0].upTo", "Only the last tier is without end"),
    ("tiers that do not ascend", [price(entry(tiered((10, 1, 0), (10, 1, 0), ("inf", 1, 0)), priceModel="TIERED",
                                              **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].tiers[1].upTo", "Tiers ascend: ensure this value is greater than 10."),
    ("a bound that is none", [price(entry(tiered(("most", 1, 0)), priceModel="TIERED", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].tiers[0].upTo", '"most" is not a valid choice.'),
    ("a unit price of a step", [price(entry(tiered(("inf", 1, 5)), priceModel="STAIRSTEP", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].tiers[0].unitAmount", "A step of STAIRSTEP has a flat amount only."),
    ("bounds of the plan itself", [price(entry(charge(advanced={"min_quantity": 1})))],
     "prices[0].chargeCatalogPrice[0].charges[0].advanced", "Quantities are bounded for FLAT prices"),
    ("bounds the wrong way round", [price(entry(charge(advanced={"min_quantity": 9, "max_quantity": 2}), **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].advanced.maxQuantity", "Ensure this value is not below"),
    ("usage by year", [price(entry(charge("YEARLY"), paymentType="PAY_AS_YOU_GO", **METERED))],
     "prices[0].chargeCatalogPrice[0].charges[0].chargePeriod", "MONTHLY is the plan's only charge period."),
    ("usage in steps", [price(entry(tiered(("inf", 0, 5)), priceModel="STAIRSTEP", paymentType="PAY_AS_YOU_GO",
                                    **METERED))],
     "prices[0].chargeCatalogPrice[0].priceModel", "PAY_AS_YOU_GO does not go with STAIRSTEP."),
    ("usage carried over", [price(entry(paymentType="PAY_AS_YOU_GO", rollover={"enabled": True, "percentage": 50},
                                        **METERED))],
     "prices[0].chargeCatalogPrice[0].rollover", "Nothing is left over with PAY_AS_YOU_GO"),
    ("usage by day", [price(entry(paymentType="PAY_AS_YOU_GO", reset="EVERY_DAY", **METERED))],
     "prices[0].chargeCatalogPrice[0].reset", "A PAY_AS_YOU_GO meter begins again with every monthly period"),
    ("a part of nothing", [price(entry(paymentType="PAY_AS_YOU_GO", usageAlerts=ALERTS, **METERED))],
     "prices[0].chargeCatalogPrice[0].usageAlerts.thresholdType", "only BALANCE is possible"),
    ("more than all", [price(entry(usageAlerts={**ALERTS, "thresholds": [101]}, **METERED))],
     "prices[0].chargeCatalogPrice[0].usageAlerts.thresholds", "thresholds[0]: Ensure this value is between 1"),
    ("no threshold", [price(entry(usageAlerts={"enabled": True}, **METERED))],
     "prices[0].chargeCatalogPrice[0].usageAlerts.thresholds", "Alerts need at least one threshold."),
    ("nothing to carry over", [price(entry(rollover={"enabled": True}, reset="NEVER", **METERED))],
     "prices[0].chargeCatalogPrice[0].rollover", "Rollover needs a recurring reset"),
    ("carry over the unlimited", [price(entry(rollover={"enabled": True}, hasUnlimitedUsage=True, **USAGE, **METERED))],
     "prices[0].chargeCatalogPrice[0].rollover", "Rollover needs a limit"),
    ("more than all is carried over", [price(entry(rollover={"enabled": True, "percentage": 101}, **USAGE, **METERED))],
     "prices[0].chargeCatalogPrice[0].rollover.percentage", "Ensure this value is less than or equal to 100."),
    ("a calendar of 28 days", [price(entry(reset="EVERY_28_DAYS", resetTime="BEGINNING_OF_PERIOD", **METERED))],
     "prices[0].chargeCatalogPrice[0].resetTime", "No calendar has periods of 28 days"),
    ("tiers beside a one-time price", [price(entry(charge("ONE_TIME")), entry(tiered(("inf", 1, 0), period="ONE_TIME"),
                                                                             priceModel="TIERED", **METERED))],
     "prices[0].chargeCatalogPrice[1].priceModel", "Beside a one-time base price only FLAT and PACKAGE are possible."),
    ("a region without the meter", [price(entry(), entry(**METERED)), price(entry(), currency="EUR")],
     "prices[1].chargeCatalogPrice", f"{IN_ALL} prices the same features as the base price in USD."),
    ("a region by other periods", [price(entry(), currency="EUR"), price(entry(charge("YEARLY")))],
     "prices[0].chargeCatalogPrice", f"{IN_ALL} has the periods, models and billing of the one in USD."),
]  # fmt: skip


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: filled(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [filled(part, ids) for part in value]
    return ids.get(value, value) if isinstance(value, str) else value


def messages(errors: Any) -> list[str]:
    if isinstance(errors, str):
        return [errors]
    parts = errors.values() if isinstance(errors, dict) else errors
    return [message for part in parts for message in messages(part)]


@pytest.fixture
async def ids(api: Client) -> dict[str, str]:
    """A plan named pro, and features of three kinds."""
    await plan(api)
    meter, archived = await feature(api), await feature(api)
    switch = await feature(api, "BOOLEAN", name="SSO")
    await api.delete(f"/catalog/features/{archived['id']}/")
    return {"{meter}": meter["id"], "{archived}": archived["id"], "{switch}": switch["id"]}


@pytest.mark.parametrize(("prices", "path", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_a_price_that_breaks_a_rule_is_refused_by_its_path(
    api: Client, ids: dict[str, str], prices: list[dict[str, Any]], path: str, message: str
) -> None:
    answer = await api.post(PRO + "prices/bulk/", {"prices": filled(prices, ids)})
    assert answer.status_code == 400, answer.text
    said = messages(answer.json())
    if path != "prices":
        assert all(line.startswith("prices[") for line in said)
    assert any(message in line and (path == "prices" or line.startswith(path)) for line in said), said
    assert (await api.get(PRO + "prices/")).json()["count"] == 0


async def test_all_faults_are_told_at_once_nested_like_the_body(api: Client, ids: dict[str, str]) -> None:
    bad = price(entry(), entry({"chargePeriod": "MONTHLY"}, feature=ids["{meter}"], priceModel="TIERED"))
    answer = await api.post(PRO + "prices/bulk/", {"prices": [bad, price(entry(), currency="EUR", freeTrial=True)]})
    path = "prices[0].chargeCatalogPrice[1].charges[0].tiers"
    first, second = answer.json()["prices"]
    assert first == {"chargeCatalogPrice": [{}, {"charges": [{"tiers": [f"{path}: TIERED needs at least one tier."]}]}]}
    assert list(second) == ["trialPeriod", "chargeCatalogPrice"]


async def test_switching_the_currency_offers_its_prices_again(api: Client) -> None:
    suite = await product(api)
    await plan(api, product_id=suite["id"])
    await set_prices(api, "pro", price(), price(currency="EUR", enabled=False), price(currency="INR", enabled=False))
    assert (await api.post(PRO + "publish/", {})).status_code == 200
    await api.patch(PRO, {"name": "Draft"})
    await api.patch(f"/catalog/products/{suite['id']}/settings/", {"currency": "EUR"})
    for version in (1, 2):
        listed = (await api.get(PRO + "prices/", params={"version": version})).json()["results"]
        assert {one["currency"]: one["enabled"] for one in listed} == {"USD": True, "EUR": True, "INR": False}


@pytest.mark.parametrize(
    "amount",
    ["100000000000000000.0000000000001", "1e400", "-1e400", "1e-400", "0." + "1" * 5000, "9" * 5000, "1e999999999"],
)
async def test_a_number_that_is_no_amount_is_refused_and_no_more(api: Client, amount: str) -> None:
    await plan(api)
    body = (
        '{"prices":[{"priceType":"PAID","chargeCatalogPrice":[{"charges":[{"chargePeriod":"MONTHLY","priceData":'
        '{"amount":' + amount + "}}]}]}]}"
    )
    answer = await api.http.post(f"{BASE}{PRO}prices/bulk/", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "prices[0].chargeCatalogPrice[0].charges[0].priceData.amount: " in answer.text


async def test_a_plan_that_prices_an_archived_feature_can_get_another_amount(api: Client) -> None:
    calls, suite = await feature(api), await product(api)
    for name in ("pro", "other"):
        await plan(api, name, suite["id"])
    await set_prices(api, "pro", price(entry(feature=calls["id"])))
    await api.delete(f"/catalog/features/{calls['id']}/")
    await set_prices(api, "pro", price(entry(charge(amount=50), feature=calls["id"])))
    refused = await api.post("/catalog/plans/other/prices/bulk/", {"prices": [price(entry(feature=calls["id"]))]})
    assert "is archived" in refused.text


async def test_the_base_price_is_one_with_charges(api: Client) -> None:
    calls = await feature(api)
    await plan(api)
    custom = {"priceType": "CUSTOM", "currency": "USD"}
    euro, pound = (
        price(entry(feature=calls["id"], reset=reset), currency=currency)
        for currency, reset in (("EUR", "EVERY_MONTH"), ("GBP", "EVERY_YEAR"))
    )
    made = await set_prices(api, "pro", custom, euro, pound)
    resets = {one["currency"]: [each["reset"] for each in one["chargeCatalogPrice"]] for one in made}
    assert resets == {"EUR": ["EVERY_MONTH"], "USD": [], "GBP": ["EVERY_MONTH"]}


async def test_a_body_with_very_many_faults_is_told_the_first_hundred(api: Client) -> None:
    await plan(api)
    prices = [price(*[{"charges": [{}] * 8}] * 90, currency="USD") for _ in range(40)]
    answer = await api.post(PRO + "prices/bulk/", {"prices": prices})
    assert answer.status_code == 400
    said = messages(answer.json())
    assert len(said) == 101
    assert answer.json()["nonFieldErrors"] == ["There is more at fault; these are the first 100."]
