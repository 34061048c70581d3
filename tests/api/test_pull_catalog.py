"""A catalog is pulled from a server that is not ours: other fields, fewer fields, and answers that are none."""

from typing import Any

import httpx
import pytest

from kelviq_server.platform.json_body import dump
from kelviq_server.pricing_as_code.errors import CatalogFault
from kelviq_server.pricing_as_code.pull import Found, pull_catalog
from kelviq_server.pricing_as_code.server import Server, connect

PRODUCT = {"id": "p1", "identifier": "suite", "name": "Suite", "taxCode": "saas", "images": [{}, {}], "files": [{}]}
PLAN: dict[str, Any] = {
    "identifier": "pro",
    "name": "Pro",
    "product": "p1",
    "files": [{}],
    "countries": ["DE"],
    "isLatest": True,
}
FEATURE: dict[str, Any] = {
    "id": "f1",
    "identifier": "calls",
    "name": "Calls",
    "featureType": "METER",
    "description": None,
}
GRANTED = {"feature": FEATURE, "details": {"value": 1, "rollover": {}, "isInherited": False, "mine": None}}
CHARGE = {"chargePeriod": "MONTHLY", "priceData": {"amount": 1, "currency": "USD"}, "tiers": None, "label": "x"}
PRICE = {
    "id": "x",
    "priceType": "PAID",
    "currency": "USD",
    "chargeCatalogPrice": [{"feature": "f1", "charges": [CHARGE]}],
}


def listed(*entries: Any) -> dict[str, Any]:
    return {"count": len(entries), "next": None, "previous": None, "results": entries}


def answers(**changes: Any) -> dict[str, Any]:
    """Return what the server answers, by the end of the path; a feature of its plan is in no list."""
    return {
        "products/": listed(PRODUCT), "p1/settings/": {"currency": "USD", "vpn": True}, "catalog/features/": listed(),
        "features/f1/": FEATURE, "catalog/plans/": listed(PLAN), "pro/features/": listed(GRANTED),
        "pro/prices/": listed(PRICE),
    } | changes  # fmt: skip


async def pulled(said: dict[str, Any]) -> Found:
    def answer(request: httpx.Request) -> httpx.Response:
        found = next(each for end, each in said.items() if request.url.path.endswith(end))
        return found if isinstance(found, httpx.Response) else httpx.Response(200, content=dump(found))

    async with connect("https://elsewhere.example/api/v1/", "sk_1", httpx.MockTransport(answer)) as client:
        return await pull_catalog(Server(client))


async def test_what_is_unknown_or_missing_does_not_matter() -> None:
    found = await pulled(answers())
    [plan] = found.catalog().plans
    assert plan.minimal() == {
        "identifier": "pro", "name": "Pro", "product": "suite",
        "entitlements": ({"feature": "calls", "value": 1, "mine": None},),
        "prices": ({
            "priceType": "PAID", "currency": "USD",
            "chargeCatalogPrice": (
                {"feature": "calls", "charges": ({"chargePeriod": "MONTHLY", "priceData": {"amount": 1}},)},
            ),
        },),
    }  # fmt: skip
    assert found.published == {"pro"}


async def test_what_a_file_does_not_hold_is_said_once_for_each() -> None:
    assert (await pulled(answers())).warnings == [
        "product suite has 2 images and 1 files, which a file does not hold",
        "plan pro has 1 files and 1 countries, which a file does not hold",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"products/": httpx.Response(200, content=b"<html>")}, "the answer is not that of a Kelviq API"),
        ({"products/": {"results": 5}}, "GET /catalog/products/: the answer is not a list"),
        ({"products/": httpx.Response(301, headers={"Location": "/"})}, "301: Moved Permanently"),
        ({"products/": httpx.Response(403, json={"detail": "No."})},
         "https://elsewhere.example/api/v1/ refuses the key: No."),
        ({"products/": httpx.Response(400, json={"a": {"b": [{"c": ["One.", "Two."]}]}})}, "400: a.b[0].c: One. Two."),
        ({"products/": httpx.Response(500, content=b"")}, "500: Internal Server Error"),
        ({"products/": listed({**PRODUCT, "taxCode": "moon"})},
         'product suite cannot be written down: taxCode: "moon" is not possible here'),
        ({"catalog/plans/": listed({**PLAN, "name": None})},
         "plan pro cannot be written down: name: this key is missing"),
        ({"pro/prices/": listed({**PRICE, "trialPeriod": -1})},
         "plan pro cannot be written down: prices[0].trialPeriod: "),
    ],
)  # fmt: skip
async def test_an_odd_answer_is_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CatalogFault) as caught:
        await pulled(answers(**changes))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "billing.example.com", "ftp://billing.example.com", "http://", "http://[::1", "http://a:b", "http://a?b"],
)
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(CatalogFault, match="is not an address"):
        connect(url, "sk_1")


def test_what_is_no_key_is_not_shown() -> None:
    with pytest.raises(CatalogFault, match="the key is not a key") as caught:
        connect("http://localhost", "schlüssel")
    assert "schl" not in str(caught.value)
