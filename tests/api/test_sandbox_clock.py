"""The sandbox's clock: frozen, advanced, released, and never put back."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from kelviq_server.platform.database import transaction
from kelviq_server.platform.settings import Settings
from kelviq_server.worker import work
from tests import due, make
from tests.api.conftest import Client, client_for
from tests.conftest import SECRET
from tests.due import Chores
from tests.make import Made
from tests.webhooks import forget_deliveries

PATH = "/sandbox/clock/"
AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
WIRE = "2031-01-31T09:30:00.000000Z"


async def move(api: Client, **body: Any) -> dict[str, Any]:
    answer = await api.post(PATH, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def faults(api: Client, **body: Any) -> Any:
    answer = await api.post(PATH, body)
    assert answer.status_code == 400, answer.text
    return answer.json()


async def test_a_new_sandbox_goes_by_the_machine(api: Client) -> None:
    clock = (await api.get(PATH)).json()
    now = datetime.fromisoformat(clock.pop("now"))
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock == {
        "status": "RUNNING", "frozenAt": None, "target": None, "handle": None, "carriedOut": 0, "failure": None
    }  # fmt: skip


async def test_a_frozen_clock_stands_still_where_it_was(api: Client, made: Made) -> None:
    frozen = await move(api, frozen=True)
    assert (frozen["status"], frozen["frozenAt"]) == ("FROZEN", frozen["now"])
    assert abs(datetime.fromisoformat(frozen["now"]) - datetime.now(UTC)) < timedelta(seconds=5)
    assert (await api.get(PATH)).json() == frozen
    async with transaction(made.sandbox) as tx:
        assert tx.now == datetime.fromisoformat(frozen["now"])
    assert (await move(api, frozen=True))["now"] == frozen["now"]


async def test_a_released_clock_runs_on_from_where_it_stood(api: Client, made: Made) -> None:
    await move(api, now=WIRE)
    released = await move(api, frozen=False)
    assert (released["status"], released["frozenAt"]) == ("RUNNING", None)
    async with transaction(made.sandbox) as tx:
        later = tx.now
    assert AT <= datetime.fromisoformat(released["now"]) < later < AT + timedelta(seconds=30)
    # Letting it run again changes nothing, and freezing it stops it where it now is.
    again = await move(api, frozen=False)
    frozen = await move(api, frozen=True)
    assert later < datetime.fromisoformat(again["now"]) < datetime.fromisoformat(frozen["now"])
    assert datetime.fromisoformat(frozen["now"]) < AT + timedelta(seconds=30)


async def test_a_clock_that_stood_still_for_long_does_not_catch_up(api: Client, made: Made) -> None:
    past = datetime.now(UTC) - timedelta(days=400)
    await make.freeze_clock(made.sandbox, past)
    now = datetime.fromisoformat((await move(api, frozen=False))["now"])
    assert past <= now < past + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("start", "step", "there"),
    [
        ("2031-01-31T09:30:00Z", {"months": 1}, "2031-02-28T09:30:00.000000Z"),
        ("2031-01-31T09:30:00Z", {"months": 13}, "2032-02-29T09:30:00.000000Z"),
        ("2032-02-29T00:00:00Z", {"months": 12}, "2033-02-28T00:00:00.000000Z"),
        ("2031-03-31T23:59:59Z", {"months": 1, "days": 1}, "2031-05-01T23:59:59.000000Z"),
        ("2031-12-31T23:00:00Z", {"hours": 1, "seconds": 1}, "2032-01-01T00:00:01.000000Z"),
        ("2031-01-31T09:30:00.123456Z", {"days": 3}, "2031-02-03T09:30:00.123456Z"),
        ("2031-01-31T09:30:00Z", {"months": 120}, "2041-01-31T09:30:00.000000Z"),
    ],
)
async def test_a_step_goes_by_the_calendar(api: Client, start: str, step: dict[str, int], there: str) -> None:
    await move(api, now=start)
    assert (await move(api, advance=step))["now"] == there


async def test_a_clock_is_never_put_back(api: Client) -> None:
    fault = {"now": ["A clock is never put back."]}
    assert await faults(api, now="2001-01-01T00:00:00Z") == fault
    await move(api, now=WIRE)
    assert await faults(api, now="2031-01-31T09:29:59.999999Z") == fault
    assert (await move(api, now="2031-01-31T11:30:00+02:00"))["now"] == WIRE
    await move(api, frozen=False)
    assert await faults(api, now="2031-01-31T09:29:59Z") == fault


async def test_snake_case_and_what_says_the_same_twice_are_fine(api: Client) -> None:
    assert (await move(api, now=WIRE, frozen=True))["status"] == "FROZEN"
    assert (await move(api, advance={"days": 1}, frozen=True))["now"] == "2031-02-01T09:30:00.000000Z"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"nonFieldErrors": ["Send frozen, now or advance."]}),
        ({"freeze": True}, {"nonFieldErrors": ["Send frozen, now or advance."]}),
        ({"frozen": None}, {"frozen": ["This field may not be null."]}),
        ({"frozen": "yes"}, {"frozen": ["Must be a valid boolean."]}),
        ({"now": None}, {"now": ["This field may not be null."]}),
        (
            {"now": "2031-01-01"},
            {"now": ["Enter a valid instant with its time zone, such as 2025-06-04T06:03:30Z."]},
        ),
        ({"advance": None}, {"advance": ["This field may not be null."]}),
        ({"advance": 5}, {"advance": ["Invalid data. Expected a dictionary, but got int."]}),
        ({"advance": {}}, {"advance": ["Say how far: months, days, hours or seconds."]}),
        ({"advance": {"month": 1}}, {"advance": ["Say how far: months, days, hours or seconds."]}),
        (
            {"advance": {"months": -1, "days": "1"}},
            {
                "advance": {
                    "months": ["Ensure this value is greater than or equal to 0."],
                    "days": ["A valid integer is required."],
                }
            },
        ),
        ({"now": WIRE, "advance": {"days": 1}}, {"advance": ["Send either now or advance."]}),
        (
            {"now": WIRE, "frozen": False},
            {"frozen": ["A clock that is moved stands still; let it run when it has arrived."]},
        ),
        (
            {"advance": {"days": 1}, "frozen": False},
            {"frozen": ["A clock that is moved stands still; let it run when it has arrived."]},
        ),
        ({"advance": {"months": 120, "seconds": 1}}, {"advance": ["A clock is advanced by 10 years at most."]}),
        ({"now": "2300-01-01T00:00:00Z"}, {"now": ["A clock is advanced by 10 years at most."]}),
    ],
)
async def test_what_contradicts_itself_or_leads_too_far_is_refused_and_moves_nothing(
    api: Client, body: dict[str, Any], errors: Any
) -> None:
    assert await faults(api, **body) == errors
    assert (await api.get(PATH)).json()["status"] == "RUNNING"


async def test_no_clock_goes_beyond_the_year_2500_and_everything_works_there(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, datetime(2499, 12, 1, tzinfo=UTC))
    assert await faults(api, advance={"months": 2}) == {"advance": ["No clock goes beyond the year 2500."]}
    await move(api, now="2500-01-01T00:00:00Z")
    answer = await api.post("/customers/", {"customerId": "late"})
    assert (answer.status_code, answer.json()["createdOn"]) == (201, "2500-01-01T00:00:00.000000Z")
    assert (await api.get("/customers/?start_date=2500-01-01")).json()["count"] == 1


async def test_production_has_no_clock_of_its_own(app: Starlette, made: Made) -> None:
    production = client_for(app, made.keys.production.server.plain)
    for answer in (await production.get(PATH), await production.post(PATH, {"frozen": True})):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


async def test_a_browser_may_not_touch_the_clock(app: Starlette, made: Made) -> None:
    browser = client_for(app, made.keys.sandbox.client.plain)
    for answer in (await browser.get(PATH), await browser.post(PATH, {"frozen": True})):
        assert answer.status_code == 403


async def test_what_falls_due_is_done_when_the_answer_comes(api: Client, made: Made) -> None:
    renewals = Chores("Renewals")
    async with due.used([renewals]):
        await make.freeze_clock(made.sandbox, AT)
        await renewals.add(made.sandbox, AT + timedelta(days=3))
        arrived = await move(api, advance={"months": 1})
        assert (arrived["status"], arrived["carriedOut"], arrived["target"]) == ("FROZEN", 1, None)
        assert await due.done(made.sandbox) == [("Renewals", AT + timedelta(days=3), AT + timedelta(days=3))]
        # The count is that of the latest advance.
        assert (await move(api, advance={"months": 1}))["carriedOut"] == 0


async def test_another_tenants_clock_and_work_are_left_alone(api: Client, made: Made) -> None:
    other, renewals = await make.organization(), Chores("Renewals")
    async with due.used([renewals]):
        for tenant in (other.sandbox, made.production):
            await renewals.add(tenant, AT)
        await move(api, now=WIRE)
        for tenant in (other.sandbox, made.production):
            assert await due.done(tenant) == []
            async with transaction(tenant) as tx:
                assert tx.now < AT


async def test_what_takes_long_is_answered_at_once_and_refuses_another_move(api: Client, made: Made) -> None:
    renewals = Chores("Renewals")
    async with due.used([renewals], patience=timedelta()):
        await make.freeze_clock(made.sandbox, AT)
        await renewals.add(made.sandbox, AT + timedelta(days=1))
        await renewals.add(made.sandbox, AT + timedelta(days=2))
        answer = await api.post(PATH, {"advance": {"days": 3}})
        clock = answer.json()
        assert (answer.status_code, clock["status"]) == (202, "ADVANCING")
        assert (clock["now"], clock["target"]) == ("2031-02-02T09:30:00.000000Z", "2031-02-03T09:30:00.000000Z")
        assert (clock["frozenAt"], clock["carriedOut"]) == (clock["now"], 1)
        assert clock["handle"] is not None
        assert (await api.get(PATH)).json() == clock
        for body in ({"frozen": False}, {"now": "2031-02-03T09:30:00Z"}, {"advance": {"days": 1}}):
            refused = await api.post(PATH, body)
            assert (refused.status_code, refused.json()) == (
                409, {"detail": "The clock is on its way to a later instant; wait until it has arrived."}
            )  # fmt: skip
        assert (await api.get(PATH)).json() == clock
        stopped = await api.post(PATH, {"frozen": True})
        assert (stopped.status_code, stopped.json()["status"], stopped.json()["target"]) == (200, "FROZEN", None)
        assert stopped.json()["now"] == clock["now"]


async def test_of_two_moves_at_once_each_is_whole(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    answers = await asyncio.gather(*(api.post(PATH, {"advance": {"days": 1}}) for _ in range(8)))
    moved = [answer.json() for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({clock["handle"] for clock in moved}) == len(moved) > 0
    now = datetime.fromisoformat((await api.get(PATH)).json()["now"])
    assert now == AT + timedelta(days=len(moved))


async def test_what_fails_stops_the_clock_there_and_is_done_on_the_next_try(api: Client, made: Made) -> None:
    trials, renewals = Chores("Trials"), Chores("Renewals", fails=True)
    async with due.used([trials, renewals]):
        await make.freeze_clock(made.sandbox, AT)
        await renewals.add(made.sandbox, AT + timedelta(days=1))
        await trials.add(made.sandbox, AT + timedelta(hours=1))
        await trials.add(made.sandbox, AT + timedelta(days=2))
        answer = await api.post(PATH, {"advance": {"days": 3}})
        text = "Renewals could not be carried out at 2031-02-01T09:30:00.000000Z; the clock stands there."
        assert (answer.status_code, answer.json()) == (409, {"detail": text})
        clock = (await api.get(PATH)).json()
        assert (clock["status"], clock["now"], clock["failure"]) == ("FROZEN", "2031-02-01T09:30:00.000000Z", text)
        assert clock["carriedOut"] == 1
        renewals.fails = False
        arrived = await move(api, now="2031-02-03T09:30:00Z")
        assert (arrived["failure"], arrived["carriedOut"]) == (None, 2)
        assert [(name, at) for name, due_at, at in await due.done(made.sandbox) if due_at == at] == [
            ("Trials", AT + timedelta(hours=1)),
            ("Renewals", AT + timedelta(days=1)),
            ("Trials", AT + timedelta(days=2)),
        ]


async def test_the_worker_finishes_what_takes_long_and_does_what_is_due_by_a_running_clock(
    api: Client, app: Starlette, made: Made, tmp_path: Path
) -> None:
    other, renewals = await make.organization(), Chores("Renewals")
    await forget_deliveries()
    async with due.used([renewals], patience=timedelta()):
        for tenant in (made.sandbox, other.sandbox):
            await make.freeze_clock(tenant, AT)
            await renewals.add(tenant, AT + timedelta(seconds=1), again=2)
        handle = (await api.post(PATH, {"advance": {"days": 90}})).json()["handle"]
        await move(client_for(app, other.keys.sandbox.server.plain), frozen=False)
        worker = asyncio.create_task(work(Settings(data_dir=tmp_path, secret=SECRET)))
        async with asyncio.timeout(30):
            while (clock := (await api.get(PATH)).json())["status"] == "ADVANCING":
                pass
            while not await due.done(other.sandbox):
                pass
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
        assert (clock["handle"], clock["carriedOut"], clock["now"]) == (handle, 3, "2031-05-01T09:30:00.000000Z")
        assert [due_at == at for _, due_at, at in await due.done(made.sandbox)] == [True] * 3
        [(_, due_at, at)] = await due.done(other.sandbox)
        assert due_at <= at < due_at + timedelta(seconds=30)
