"""What tests of checkout start from: sessions, and what a page sends; over HTTP alone."""

from typing import Any

from tests.api import catalog
from tests.api.conftest import Client

SUCCESS = "https://example.com/welcome"


def body(plan: str = "pro", period: str = "MONTHLY", **fields: Any) -> dict[str, Any]:
    """Return the body of a session."""
    return {"planIdentifier": plan, "chargePeriod": period, "successUrl": SUCCESS, **fields}


async def opened(api: Client, plan: str = "pro", period: str = "MONTHLY", **fields: Any) -> str:
    """Open a session and return its id."""
    answer = await catalog.made(api, "/checkout/", body(plan, period, **fields))
    assert answer["checkoutUrl"] == f"http://testserver/checkout/{answer['checkoutSessionId']}/"
    return answer["checkoutSessionId"]


async def refused(api: Client, plan: str = "pro", period: str = "MONTHLY", **fields: Any) -> Any:
    """Return why a session is not opened."""
    answer = await api.post("/checkout/", body(plan, period, **fields))
    assert answer.status_code == 400, answer.text
    return answer.json()


async def shown(api: Client, id: str) -> dict[str, Any]:
    """Return a session as it is shown."""
    answer = await api.get(f"/checkout/sessions/{id}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def timeline(api: Client, id: str) -> list[str]:
    """Return the codes of what happened to a session, the oldest first."""
    page = (await api.get(f"/checkout/sessions/{id}/events/?page_size=100")).json()
    return [event["code"].removeprefix("checkout_session.") for event in reversed(page["results"])]


async def last_event(api: Client, id: str) -> dict[str, Any]:
    """Return what happened last to a session."""
    return (await api.get(f"/checkout/sessions/{id}/events/")).json()["results"][0]
