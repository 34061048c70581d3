"""What discounts are restricted to: products, plans and prices of one's own, as far as they were for sale."""

from typing import Any
from uuid import uuid4

from tests.api import catalog
from tests.api.conftest import Client
from tests.api.test_discounts import FIXED, PERCENTAGE, create


async def sold(api: Client, identifier: str = "pro", *currencies: str) -> dict[str, Any]:
    """Return a published plan, and its prices by currency."""
    plan = await catalog.plan(api, identifier)
    prices = [catalog.price(currency=currency) for currency in currencies or ("USD", "EUR")]
    kept = await catalog.set_prices(api, identifier, *prices)
    await catalog.publish(api, identifier)
    return {**plan, "prices": {price["currency"]: price["id"] for price in kept}}


def restriction(plan: dict[str, Any], currency: str | None = None) -> dict[str, Any]:
    price = None if currency is None else plan["prices"][currency]
    return {"product": plan["product"], "plan": plan["identifier"], "price": price}


async def refusal(api: Client, *restrictions: dict[str, Any], **fields: Any) -> Any:
    answer = await api.post("/discounts/", {**PERCENTAGE, **fields, "restrictions": list(restrictions)})
    assert answer.status_code == 400, answer.text
    return answer.json()


async def test_restrictions_read_as_they_were_written_each_once(api: Client) -> None:
    plan = await sold(api)
    whole = {"product": plan["product"], "plan": None, "price": None}
    rows = [restriction(plan, "EUR"), whole, restriction(plan)]
    discount = await create(api, restrictions=[*rows, rows[0], {"product": whole["product"]}])
    assert discount["restrictions"] == rows
    path = f"/discounts/{discount['id']}/"
    assert (await api.patch(path, {"restrictions": rows})).json() == discount
    assert (await api.patch(path, {"restrictions": [whole]})).json()["restrictions"] == [whole]
    assert (await api.patch(path, {"name": "Other"})).json()["restrictions"] == [whole]
    assert (await api.patch(path, {"restrictions": []})).json()["restrictions"] == []


async def test_only_what_is_there_and_belongs_together_can_be_named(api: Client) -> None:
    plan, other = await sold(api), await sold(api, "other")
    right, unknown = restriction(plan, "USD"), str(uuid4())
    plan_fault = {"plan": ["restrictions[1].plan: The product has no such plan that is or was for sale."]}
    price_fault = {"price": ["restrictions[1].price: The plan has no such price that is or was for sale."]}
    assert await refusal(api, right, {"product": unknown}) == {
        "restrictions": [{}, {"product": [f'restrictions[1].product: Invalid pk "{unknown}" - object does not exist.']}]
    }
    for wrong, fault in (
        ({**right, "plan": "nothing"}, plan_fault),
        ({**restriction(other), "product": plan["product"]}, plan_fault),
        ({**right, "price": unknown}, price_fault),
        ({**right, "price": other["prices"]["USD"]}, price_fault),
        ({**right, "plan": None}, {"plan": ["restrictions[1].plan: A price needs its plan beside it."]}),
    ):
        assert await refusal(api, right, wrong) == {"restrictions": [{}, fault]}
    many = await refusal(api, *[right] * 101)
    assert many == {"restrictions": ["Ensure this field has no more than 100 elements."]}


async def test_what_was_never_for_sale_cannot_be_named_and_so_nothing_named_is_ever_lost(api: Client) -> None:
    draft = await catalog.plan(api, "draft")
    [price] = await catalog.set_prices(api, "draft")
    row = {"product": draft["product"], "plan": "draft", "price": price["id"]}
    assert "plan" in (await refusal(api, row))["restrictions"][0]
    await catalog.publish(api, "draft")
    discount = await create(api, restrictions=[row])
    # The next version has other rows for its prices, and is discarded; the plan and its product are archived.
    [newer] = await catalog.set_prices(api, "draft", catalog.price(catalog.entry(catalog.charge(amount=59))))
    assert newer["id"] != price["id"]
    assert "price" in (await refusal(api, {**row, "price": newer["id"]}))["restrictions"][0]
    for path in ("/catalog/plans/draft/discard/", "/catalog/plans/draft/", f"/catalog/products/{row['product']}/"):
        assert (await api.delete(path)).status_code == 204
    assert (await api.get(f"/discounts/{discount['id']}/")).json() == discount
    assert (await api.patch(f"/discounts/{discount['id']}/", {"restrictions": [row]})).json() == discount


async def test_a_fixed_amount_is_in_the_currency_of_the_prices_that_it_names(api: Client) -> None:
    plan = await sold(api)
    fixed = {**FIXED, "percentage": None}
    assert await refusal(api, restriction(plan, "USD"), restriction(plan, "EUR"), **fixed) == {
        "restrictions": [{}, {"price": ["restrictions[1].price: The price is in EUR, the discount in USD."]}]
    }
    discount = await create(api, **fixed, restrictions=[restriction(plan, "USD"), restriction(plan)])
    path = f"/discounts/{discount['id']}/"
    answer = await api.patch(path, {"currency": "EUR"})
    assert (answer.status_code, answer.json()) == (
        400, {"currency": ["A restriction of the discount names a price in another currency."]}
    )  # fmt: skip
    answer = await api.patch(path, {"currency": "EUR", "restrictions": [restriction(plan, "EUR")]})
    assert (answer.status_code, answer.json()["currency"]) == (200, "EUR")
