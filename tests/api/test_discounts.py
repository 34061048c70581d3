"""Discounts: made, changed, found and given up."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kelviq_server.platform.database import transaction
from kelviq_server.promotions.discounts import steps
from tests import make
from tests.api import catalog
from tests.api.conftest import Client
from tests.make import Made

PERCENTAGE = {"name": "Launch", "type": "PERCENTAGE", "percentage": 20}
FIXED = {"name": "Ten off", "type": "FIXED_AMOUNT", "amount": "10.00", "currency": "USD"}
AT = datetime.fromisoformat("2030-01-31T00:00:00+00:00")
FIXED_NOW = "This cannot change once the discount was redeemed."


async def create(api: Client, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/discounts/", {**PERCENTAGE, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def redeem(made: Made, discount: dict[str, Any], order_id: str = "ORD-1") -> str:
    """Redeem a discount for a new customer, and return the customer's id."""
    customer = await make.customer(made.sandbox)
    async with transaction(made.sandbox) as tx:
        await steps.redeem(
            tx, UUID(discount["id"]), order_id=order_id, customer_id=customer.id, currency="USD", amount_units=980
        )
    return customer.external_id


async def listed(api: Client, query: str = "") -> list[str]:
    return [entry["code"] for entry in (await api.get(f"/discounts/{query}")).json()["results"]]


async def test_a_discount_reads_as_it_was_written(api: Client) -> None:
    plain = await create(api, code=" Launch20 ")
    assert plain["createdOn"] == plain["modifiedOn"]
    assert {**plain, "id": "", "createdOn": "", "modifiedOn": ""} == {
        "id": "", "name": "Launch", "code": "Launch20", "type": "PERCENTAGE", "percentage": 20, "amount": None,
        "currency": None, "recurring": True, "cycles": None, "redemptionLimit": None, "redemptions": 0,
        "expiresOn": None, "enabled": True, "status": "ACTIVE", "restrictions": [], "metadata": {}, "createdOn": "",
        "modifiedOn": "",
    }  # fmt: skip
    assert (await api.get(f"/discounts/{plain['id']}/")).json() == plain
    assert (await api.get("/discounts/")).json()["results"] == [plain]
    rich = await create(
        api, **FIXED, percentage=None, code="TEN", recurring=True, cycles=3, redemption_limit=100, enabled=False,
        expiresOn="2040-01-01T01:00:00+01:00", metadata={"some_key": {"b": 1.50, "a": None}},
    )  # fmt: skip
    assert (rich["amount"], rich["currency"], rich["percentage"], rich["cycles"]) == ("10.00", "USD", None, 3)
    assert (rich["redemptionLimit"], rich["expiresOn"]) == (100, "2040-01-01T00:00:00.000000Z")
    assert (rich["enabled"], rich["status"], rich["metadata"]) == (
        False,
        "DISABLED",
        {"some_key": {"b": 1.5, "a": None}},
    )


@pytest.mark.parametrize(
    ("sent", "currency", "shown"),
    [
        (10, "USD", "10.00"),
        ("0.01", "usd", "0.01"),
        (1500, "JPY", "1500"),
        ("1.500", "KWD", "1.500"),
        (9.5, "EUR", "9.50"),
    ],
)
async def test_an_amount_is_a_number_or_a_text_and_shown_with_all_decimals(
    api: Client, sent: Any, currency: str, shown: str
) -> None:
    fixed = await create(api, **{**FIXED, "percentage": None, "amount": sent, "currency": currency})
    assert (fixed["amount"], fixed["currency"]) == (shown, currency.upper())
    path = f"/discounts/{fixed['id']}/"
    assert (await api.patch(path, {"amount": fixed["amount"]})).json() == fixed


async def test_a_percentage_is_kept_to_four_decimals(api: Client) -> None:
    assert (await create(api, percentage=33.3333))["percentage"] == 33.3333
    assert (await create(api, percentage="0.0001"))["percentage"] == 0.0001
    assert (await create(api, percentage=100))["percentage"] == 100


async def test_without_a_code_one_is_made_of_characters_that_nobody_mixes_up(api: Client) -> None:
    codes = {(await create(api))["code"] for _ in range(20)} | {(await create(api, code=None))["code"]}
    assert len(codes) == 21
    assert {len(code) for code in codes} == {10}
    assert not set("".join(codes)) & set("01OIL")


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"name": " "}, {"name": ["This field may not be blank."]}),
        ({"code": "two words"}, {"code": ["White space is not allowed."]}),
        ({"code": " \t "}, {"code": ["This field may not be blank."]}),
        ({"code": "x" * 65}, {"code": ["Ensure this field has no more than 64 characters."]}),
        ({"code": "x\u0000"}, {"code": ["Null characters are not allowed."]}),
        ({"type": "HALF"}, {"type": ['"HALF" is not a valid choice.']}),
        ({"percentage": None}, {"percentage": ["This field is required."]}),
        ({"percentage": 0}, {"percentage": ["Ensure this value is greater than 0."]}),
        ({"percentage": 100.01}, {"percentage": ["Ensure this value is less than or equal to 100."]}),
        ({"percentage": 1.00001}, {"percentage": ["Ensure that there are no more than 4 decimal places."]}),
        ({"percentage": "a fifth"}, {"percentage": ["A valid number is required."]}),
        ({"percentage": True}, {"percentage": ["A valid number is required."]}),
        (
            {"amount": 5, "currency": "USD"},
            {name: ["Only a FIXED_AMOUNT discount has this."] for name in ("amount", "currency")},
        ),
        ({**FIXED}, {"percentage": ["Only a PERCENTAGE discount has this."]}),
        ({**FIXED, "percentage": None, "amount": "-1"}, {"amount": ["A valid number is required."]}),
        ({**FIXED, "percentage": None, "amount": 0}, {"amount": ["Ensure this value is greater than 0."]}),
        (
            {**FIXED, "percentage": None, "amount": 10**13},
            {"amount": ["Ensure this value is less than or equal to 1000000000000."]},
        ),
        ({**FIXED, "percentage": None, "amount": "1.005"}, {"amount": ["USD has no more than 2 decimal places."]}),
        ({**FIXED, "percentage": None, "currency": "XXX"}, {"currency": ['"XXX" is not a valid choice.']}),
        (
            {"type": "FIXED_AMOUNT", "percentage": None},
            {"amount": ["This field is required."], "currency": ["This field is required."]},
        ),
        ({"cycles": 0}, {"cycles": ["Ensure this value is greater than or equal to 1."]}),
        ({"recurring": False, "cycles": 2}, {"cycles": ["Only a recurring discount has cycles."]}),
        ({"redemptionLimit": 0}, {"redemptionLimit": ["Ensure this value is greater than or equal to 1."]}),
        (
            {"expiresOn": "2030-01-01"},
            {"expiresOn": ["Enter a valid instant with its time zone, such as 2025-06-04T06:03:30Z."]},
        ),
        ({"enabled": "yes"}, {"enabled": ["Must be a valid boolean."]}),
        ({"metadata": []}, {"metadata": ["Invalid data. Expected a dictionary, but got list."]}),
        ({"restrictions": [{}]}, {"restrictions": [{"product": ["restrictions[0].product: This field is required."]}]}),
    ],
)
async def test_a_fault_names_its_field(api: Client, fields: dict[str, Any], faults: dict[str, Any]) -> None:
    answer = await api.post("/discounts/", {**PERCENTAGE, **fields})
    assert (answer.status_code, answer.json()) == (400, faults)
    assert await listed(api) == []
    discount = await create(api)
    answer = await api.patch(f"/discounts/{discount['id']}/", {**PERCENTAGE, **fields})
    assert (answer.status_code, answer.json()) == (400, faults)
    assert (await api.get(f"/discounts/{discount['id']}/")).json() == discount


async def test_a_discount_needs_a_name_and_a_type(api: Client) -> None:
    answer = await api.post("/discounts/", {})
    assert (answer.status_code, set(answer.json())) == (400, {"name", "type"})


async def test_a_code_is_taken_in_any_spelling_until_its_discount_is_deleted(api: Client) -> None:
    first, other = await create(api, code="Straße"), await create(api, code="Other")
    refused = (400, {"code": ["A discount with this code already exists."]})
    answer = await api.post("/discounts/", {**PERCENTAGE, "code": "STRASSE"})
    assert (answer.status_code, answer.json()) == refused
    answer = await api.patch(f"/discounts/{other['id']}/", {"code": "strasse"})
    assert (answer.status_code, answer.json()) == refused
    # Its own code, spelt in another way.
    assert (await api.patch(f"/discounts/{first['id']}/", {"code": "STRASSE"})).json()["code"] == "STRASSE"
    assert (await api.delete(f"/discounts/{first['id']}/")).status_code == 204
    assert (await api.patch(f"/discounts/{other['id']}/", {"code": "strasse"})).status_code == 200


async def test_a_change_changes_what_it_names_and_nothing_when_all_is_so_already(api: Client) -> None:
    discount = await create(api, cycles=3, metadata={"a": 1})
    path = f"/discounts/{discount['id']}/"
    answered = {name: value for name, value in discount.items() if name not in ("id", "createdOn", "modifiedOn")}
    assert (await api.patch(path, answered)).json() == discount
    assert (await api.patch(path, {})).json() == discount
    once = (await api.patch(path, {"recurring": False})).json()
    assert (once["recurring"], once["cycles"]) == (False, None)
    assert once["modifiedOn"] > discount["modifiedOn"]
    fixed = (await api.patch(path, {"type": "FIXED_AMOUNT", "amount": 5, "currency": "EUR"})).json()
    assert (fixed["percentage"], fixed["amount"], fixed["currency"]) == (None, "5.00", "EUR")
    # So much of another currency, where that has such an amount.
    assert (await api.patch(path, {"currency": "JPY"})).json()["amount"] == "5"
    back = (await api.patch(path, {"type": "PERCENTAGE", "percentage": 12.5, "name": "Back"})).json()
    assert (back["percentage"], back["amount"], back["currency"], back["name"]) == (12.5, None, None, "Back")
    assert back["metadata"] == {"a": 1}


async def test_from_the_first_redemption_on_what_was_promised_is_fixed(api: Client, made: Made) -> None:
    discount = await create(api, code="Fixed", redemptionLimit=5)
    path = f"/discounts/{discount['id']}/"
    await redeem(made, discount, "ORD-1")
    await redeem(made, discount, "ORD-2")
    for fields in (
        {"percentage": 21}, {"recurring": False}, {"cycles": 3}, {"code": "Else"},
        {"type": "FIXED_AMOUNT", "amount": "1.00", "currency": "USD"},
    ):  # fmt: skip
        answer = await api.patch(path, fields)
        assert (answer.status_code, answer.json()) == (400, {name: [FIXED_NOW] for name in fields})
    answer = await api.patch(path, {"redemptionLimit": 1})
    reason = "Ensure this value is greater than or equal to 2, the redemptions so far."
    assert (answer.status_code, answer.json()) == (400, {"redemptionLimit": [reason]})
    product = await catalog.product(api)
    free = {
        "name": "Other", "enabled": False, "redemptionLimit": 2, "expiresOn": "2040-01-01T00:00:00.000000Z",
        "restrictions": [{"product": product["id"], "plan": None, "price": None}], "metadata": {"b": 2},
    }  # fmt: skip
    changed = (await api.patch(path, {**free, "percentage": 20, "code": "Fixed", "type": "PERCENTAGE"})).json()
    assert {name: changed[name] for name in free} == free
    async with transaction(made.sandbox) as tx:
        for order in ("ORD-1", "ORD-2"):
            await steps.release(tx, order_id=order)
    assert (await api.patch(path, {"percentage": 21})).json()["percentage"] == 21


async def test_the_status_goes_by_the_tenants_clock_and_the_count(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    ending = await create(api, code="ENDING", expiresOn="2030-02-01T00:00:00Z")
    off = await create(api, code="OFF", enabled=False, expiresOn="2030-02-01T00:00:00Z")
    full = await create(api, code="FULL", redemptionLimit=1)
    await create(api, code="LASTING", redemptionLimit=2)
    assert await listed(api, "?status=ACTIVE") == ["LASTING", "FULL", "ENDING"]
    await redeem(made, full)
    assert (await api.get(f"/discounts/{full['id']}/")).json()["status"] == "EXPIRED"
    await make.freeze_clock(made.sandbox, AT + timedelta(days=1) - timedelta(microseconds=1))
    assert await listed(api, "?status=ACTIVE") == ["LASTING", "ENDING"]
    await make.freeze_clock(made.sandbox, AT + timedelta(days=1))
    assert await listed(api, "?status=ACTIVE") == ["LASTING"]
    assert await listed(api, "?status=EXPIRED&search=e") == ["ENDING"]
    assert await listed(api, "?status=EXPIRED") == ["FULL", "ENDING"]
    assert await listed(api, "?status=DISABLED") == ["OFF"]
    assert (await api.patch(f"/discounts/{off['id']}/", {"enabled": True})).json()["status"] == "EXPIRED"
    assert (await api.patch(f"/discounts/{ending['id']}/", {"expiresOn": None})).json()["status"] == "ACTIVE"
    answer = await api.get("/discounts/?status=active")
    assert (answer.status_code, answer.json()) == (400, {"status": ['"active" is not a valid choice.']})


async def test_a_list_has_ten_a_page_newest_first_and_finds_codes_and_names(api: Client) -> None:
    for number in range(12):
        await create(api, code=f"CODE{number}", name=f"Spring % {number}")
    page = (await api.get("/discounts/")).json()
    assert (page["count"], len(page["results"]), page["results"][0]["code"]) == (12, 10, "CODE11")
    assert await listed(api, "?page=2") == ["CODE1", "CODE0"]
    assert await listed(api, "?page=last&page_size=5") == ["CODE1", "CODE0"]
    assert (await api.get("/discounts/?page=3")).status_code == 404
    assert await listed(api, "?search=code7") == ["CODE7"]
    assert await listed(api, '?search="PRING % 7"') == ["CODE7"]
    assert await listed(api, "?search=code7 8") == []
    await api.patch(f"/discounts/{page['results'][0]['id']}/", {"code": "WINTER", "name": "Cold"})
    assert await listed(api, "?search=winter cold") == ["WINTER"]


async def test_a_deleted_discount_is_gone_but_for_who_redeemed_it(api: Client, made: Made) -> None:
    discount = await create(api)
    path = f"/discounts/{discount['id']}/"
    customer = await redeem(made, discount)
    assert (await api.delete(path)).status_code == 204
    assert (await api.get("/discounts/")).json()["count"] == 0
    for method in ("GET", "PATCH", "DELETE"):
        assert (await api.request(method, path, json={})).status_code == 404
    [redemption] = (await api.get(path + "redemptions/")).json()["results"]
    assert redemption["customerId"] == customer
    assert (await api.get(f"/discounts/{uuid4()}/redemptions/")).status_code == 404


async def test_redemptions_are_listed_newest_first(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    discount, other = await create(api), await create(api)
    customers = [await redeem(made, discount, f"ORD-{number}") for number in range(12)]
    await redeem(made, other, "ORD-3")
    path = f"/discounts/{discount['id']}/redemptions/"
    page = (await api.get(path)).json()
    assert (page["count"], len(page["results"])) == (12, 10)
    assert page["results"][0] == {
        "orderId": "ORD-11", "customerId": customers[11], "amountUnits": 980, "currency": "USD",
        "redeemedOn": "2030-01-31T00:00:00.000000Z",
    }  # fmt: skip
    assert [entry["orderId"] for entry in (await api.get(path + "?page=last")).json()["results"]] == ["ORD-1", "ORD-0"]
    assert (await api.get(path + "?page=3")).status_code == 404
    # Which is no change of the merchant's.
    await make.freeze_clock(made.sandbox, AT + timedelta(days=1))
    await redeem(made, discount, "ORD-12")
    assert (await api.get(f"/discounts/{discount['id']}/")).json() == {**discount, "redemptions": 13}
