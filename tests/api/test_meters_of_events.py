"""What meters make of raw events."""

from tests.api import subscriptions, usage
from tests.api.conftest import Client


async def test_different_values_are_told_apart_where_a_meter_never_begins_again(api: Client) -> None:
    meter = await usage.meter_of_events(api, "users", {"function": "UNIQUE", "field": "user"})
    await subscriptions.recurring(api, "pro", 5, granting=((meter, {"value": 9, "reset": "NEVER"}),))
    await usage.subscriber(api, "pro")
    for number, user in enumerate(("grace", "grace", "alan")):
        event = {
            "customerId": "ada", "eventName": "login", "idempotencyKey": f"{number}", "timestamp": usage.now(),
            "properties": {"user": user},
        }  # fmt: skip
        answer = await api.post("/report/event/", event)
        assert answer.status_code == 200, answer.text
    assert await usage.counted(api, "users") == [(9, 2, 7)]
