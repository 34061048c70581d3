"""A licence is bought, used on two machines, moved, shared with the world, and taken back."""

from tests.api import licenses, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client


async def test_a_licence_goes_from_machine_to_machine(api: Client) -> None:
    await subs.freeze(api)
    await licenses.monthly(api, license={**licenses.THREE_FOR_A_YEAR, "activationLimit": 2})
    await money.customer(api, email="ada@example.com")
    subscription = await subs.subscribed(api)
    [key] = subscription["license"]
    # The app asks for the key at its first start, and keeps the id of the machine.
    desk, laptop = await licenses.activate(api, key), await licenses.activate(api, key, instanceName="Laptop")
    assert [await licenses.code(api, key, each) for each in (desk, laptop)] == ["VALID", "VALID"]
    status, refused = await licenses.refused(api, "/license/activate/", {"licenseKey": key["licenseKey"]})
    assert (status, refused) == (403, {"error": "Activation limit reached (2/2)."})

    # The laptop is sold: uninstalled there, there is room for the new one.
    gone = {"licenseKey": key["licenseKey"], "instanceId": laptop["instanceId"]}
    assert (await api.post("/license/deactivate/", gone)).status_code == 200
    tablet = await licenses.activate(api, key, instanceName="Tablet")
    assert await licenses.code(api, key, laptop) == "INSTANCE_NOT_FOUND"

    # The merchant is kind: one machine more, for this customer alone.
    await api.patch(f"/licenses/{key['id']}/", {"activationLimit": 3})
    await licenses.activate(api, key, instanceName="Phone")
    whole = await licenses.shown(api, key)
    assert {each["instanceName"] for each in whole["instances"]} == {None, "Tablet", "Phone"}

    # The key is found on the web: another one, and nobody is active any more.
    other = (await api.post(f"/licenses/{key['id']}/regenerate/")).json()
    assert await licenses.code(api, key, tablet) == "INVALID_KEY"
    desk = await licenses.activate(api, other)

    # A month later it still holds; cancelled, it ends with what was paid.
    await subs.advance(api, "2031-02-28T09:30:00Z")
    await subs.cancelled(api, subscription, "CURRENT_PERIOD_ENDS")
    assert await licenses.code(api, other, desk) == "VALID"
    await subs.advance(api, "2031-03-31T09:30:00Z")
    assert await licenses.code(api, other, desk) == "EXPIRED"
