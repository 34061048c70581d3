"""The customer operations answer as published."""

from tests.api.conftest import Client


async def test_a_created_customer_is_listed_and_retrieved(api: Client) -> None:
    created = await api.post("/customers/", {"customerId": "ada", "name": "Ada", "email": "ada@example.com"})
    assert created.status_code == 201
    listed = (await api.get("/customers/")).json()
    assert listed == {"count": 1, "next": None, "previous": None, "results": [created.json()]}
    assert (await api.get("/customers/ada/")).json() == created.json()
