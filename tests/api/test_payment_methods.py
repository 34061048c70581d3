"""What customers pay with: test cards of the sandbox, one of them the default."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests import make
from tests.api import money
from tests.api.conftest import Client, client_for
from tests.make import Made

METHODS = "/payment-methods/"
VISA = {
    "brand": "visa", "last4": "4242", "expMonth": 12, "expYear": 2099, "funding": "credit", "country": "US"
}  # fmt: skip


async def listed(api: Client, query: str = "") -> list[int]:
    return [method["id"] for method in (await api.get(METHODS + query)).json()["results"]]


async def defaults(api: Client, *ids: int) -> list[bool]:
    return [(await api.get(f"{METHODS}{id}/")).json()["isDefault"] for id in ids]


async def refused(api: Client, **fields: Any) -> Any:
    """Return why a card is not saved."""
    answer = await api.post(METHODS, {"customerId": "ada", "cardNumber": money.VISA, **fields})
    assert answer.status_code == 400, answer.text
    return answer.json()


async def test_a_saved_card_shows_what_may_be_seen_of_it(api: Client) -> None:
    address = {"country": "DE", "city": "Berlin"}
    await money.customer(api, None, email="ada@example.com", billingAddress=address)
    card = await money.card(api, "ada", "4242-4242-4242-4242")
    whose = {"customerId": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "billingAddress": address}
    assert card == {
        "id": card["id"], "customer": whose, "methodType": "card", "methodData": VISA, "isDefault": True,
        "status": "succeeded", "createdOn": card["createdOn"], "modifiedOn": card["createdOn"],
    }  # fmt: skip
    assert (await api.get(f"{METHODS}{card['id']}/")).json() == card
    assert await money.one(api, METHODS) == card


async def test_methods_are_listed_newest_first_and_of_one_customer(api: Client) -> None:
    await money.customer(api, None, email="shared@example.com")
    await money.customer(api, None, "bob", email="Shared@example.com")
    await money.customer(api, None, "eve")
    ids = [(await money.card(api, name))["id"] for name in ("ada", "bob", "ada", "eve")]
    first, second, third, fourth = ids
    assert await listed(api) == [fourth, third, second, first]
    assert await listed(api, "?customer_id=ada") == [third, first]
    assert await listed(api, "?customer_email=SHARED@example.com") == [third, second, first]
    assert await listed(api, "?customer_email=shared@example.com&customer_id=bob") == [second]
    for nobody in ("?customer_id=nobody", "?customer_email=nobody", "?customer_id=bob&customer_email=x@example.com"):
        assert await listed(api, nobody) == []
    page = (await api.get(METHODS + "?page_size=3&page=2")).json()
    assert (page["count"], [method["id"] for method in page["results"]], page["next"]) == (4, [first], None)
    past = await api.get(METHODS + "?page=2")
    assert (past.status_code, past.json()) == (404, {"detail": "Invalid page."})


async def test_the_first_is_the_default_until_another_takes_its_place(api: Client) -> None:
    await money.customer(api, None)
    first = (await money.card(api, "ada", isDefault=False))["id"]
    second = (await money.card(api, "ada", money.GERMAN, isDefault=False))["id"]
    assert await defaults(api, first, second) == [True, False]
    third = (await money.card(api, "ada"))["id"]
    assert await defaults(api, first, second, third) == [False, False, True]
    chosen = await api.post(f"{METHODS}{second}/default/")
    assert (chosen.status_code, chosen.json()["isDefault"]) == (200, True)
    assert await defaults(api, first, second, third) == [False, True, False]
    again = await api.post(f"{METHODS}{second}/default/")
    assert again.json() == chosen.json(), "choosing it again changes nothing"


async def test_a_charge_goes_to_the_default(api: Client) -> None:
    await money.once(api)
    await money.customer(api)
    await money.card(api, "ada", money.GERMAN, isDefault=False)
    await money.charged(api)
    assert (await money.one(api, "/transaction/"))["last4"] == "4242"


async def test_the_default_goes_last(api: Client) -> None:
    await money.customer(api, None)
    first, second = [(await money.card(api, "ada"))["id"] for _ in range(2)]
    kept = await api.delete(f"{METHODS}{second}/")
    assert kept.status_code == 400
    assert kept.json()["detail"].startswith("The default payment method cannot be deleted while there are others.")
    assert (await api.delete(f"{METHODS}{first}/")).status_code == 204
    assert (await api.delete(f"{METHODS}{second}/")).status_code == 204
    assert await listed(api) == []
    for answer in (
        await api.get(f"{METHODS}{first}/"),
        await api.delete(f"{METHODS}{first}/"),
        await api.post(f"{METHODS}{first}/default/"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert (await money.card(api, "ada", isDefault=False))["isDefault"], "there is no other any more"


async def test_what_happens_to_methods_is_told(api: Client, made: Made) -> None:
    await money.customer(api)
    second = (await money.card(api, "ada", money.GERMAN))["id"]
    first = (await listed(api))[1]
    await api.post(f"{METHODS}{first}/default/")
    await api.delete(f"{METHODS}{second}/")
    told = [(event["type"], event["data"]["object"]) for event in (await make.events(made.sandbox))[1:]]
    assert [(kind, method["id"], method["is_default"]) for kind, method in told] == [
        ("payment_method.created", first, True),
        ("payment_method.updated", first, False),
        ("payment_method.created", second, True),
        ("payment_method.updated", second, False),
        ("payment_method.updated", first, True),
        ("payment_method.deleted", second, False),
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"cardNumber": "4000 0000 0000 0002"}, "The card was declined."),
        ({"cardNumber": "4000 0000 0000 9995"}, "The card was declined: insufficient funds."),
        ({"expMonth": 1, "expYear": 2020}, "The card has expired."),
        ({"cardNumber": "4111 1111 1111 1111"}, "Use a test card: no real card number is taken here."),
        ({"cardNumber": "4242 4242"}, "Enter a valid card number."),
    ],
)
async def test_a_card_that_cannot_be_saved_leaves_nothing(api: Client, fields: dict[str, Any], reason: str) -> None:
    await money.customer(api, None)
    assert await refused(api, **fields) == {"cardNumber": [reason]}
    assert await listed(api) == []


async def test_input_that_is_wrong_is_named_field_by_field(api: Client) -> None:
    empty = await api.post(METHODS, {})
    required = ["This field is required."]
    assert (empty.status_code, empty.json()) == (400, {"customerId": required, "cardNumber": required})
    wrong: dict[str, Any] = {
        "customer_id": "", "card_number": 4242, "exp_month": 13, "exp_year": "2030", "cvc": "12", "is_default": "yes"
    }  # fmt: skip
    answer = await api.post(METHODS, wrong)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "customerId": ["This field may not be blank."],
            "cardNumber": ["Not a valid string."],
            "expMonth": ["Ensure this value is less than or equal to 12."],
            "expYear": ["A valid integer is required."],
            "cvc": ["Enter the card's three or four digits."],
            "isDefault": ["Must be a valid boolean."],
        },
    )
    assert await refused(api) == {"detail": "Customer does not exist."}


async def test_bodies_may_be_in_snake_case(api: Client) -> None:
    await money.customer(api, None)
    body = {"customer_id": "ada", "card_number": money.VISA, "exp_month": 3, "exp_year": 2031, "is_default": True}
    saved = await api.post(METHODS, body)
    assert saved.json()["methodData"] == {**VISA, "expMonth": 3, "expYear": 2031}


async def test_without_a_gateway_there_is_nowhere_to_save_a_card(app: Starlette, made: Made) -> None:
    production = client_for(app, made.keys.production.server.plain)
    await money.customer(production, None)
    answer = await production.post(METHODS, {"customerId": "ada", "cardNumber": money.VISA})
    assert answer.status_code == 428
    assert answer.json() == {"detail": "No payment gateway is configured for this environment."}
