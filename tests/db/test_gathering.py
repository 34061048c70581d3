"""What comes while something is being written is written together, and what fails fails alone."""

import asyncio
from collections.abc import Sequence

import pytest

from kelviq_server.platform.database import Tenant
from kelviq_server.platform.gathering import Gathering

ONE, OTHER = Tenant(1, None), Tenant(2, None)


class Writer:
    """Writes numbers, and remembers which came together; 13 cannot be written."""

    def __init__(self) -> None:
        self.batches: list[tuple[Tenant, list[int]]] = []
        self.may_go_on = asyncio.Event()

    async def write(self, tenant: Tenant, numbers: Sequence[int]) -> list[int]:
        self.batches.append((tenant, list(numbers)))
        await self.may_go_on.wait()
        if 13 in numbers:
            raise ValueError("thirteen")
        return [number * 10 for number in numbers]


async def handed_in(gathering: Gathering[int, int], *numbers: int, tenant: Tenant = ONE) -> list[asyncio.Task[int]]:
    """Hand numbers in, one after the other, and return what waits for each."""
    tasks = [asyncio.create_task(gathering.hand_in(tenant, number)) for number in numbers]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def made(limit: int = 3) -> tuple[Writer, Gathering[int, int]]:
    writer = Writer()
    return writer, Gathering(writer.write, limit)


def test_what_comes_alone_is_written_at_once_and_the_rest_together() -> None:
    async def story() -> None:
        writer, gathering = made()
        tasks = await handed_in(gathering, 1)
        tasks += await handed_in(gathering, 2, 3, 4, 5)
        assert writer.batches == [(ONE, [1])]
        writer.may_go_on.set()
        assert await asyncio.gather(*tasks) == [10, 20, 30, 40, 50]
        assert [numbers for _, numbers in writer.batches] == [[1], [2, 3, 4], [5]]

    asyncio.run(story())


def test_one_that_cannot_be_written_fails_alone() -> None:
    async def story() -> None:
        writer, gathering = made()
        tasks = await handed_in(gathering, 1)
        tasks += await handed_in(gathering, 2, 13, 3)
        writer.may_go_on.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert found[:2] == [10, 20]
        assert (type(found[2]), found[3]) == (ValueError, 30)
        assert await gathering.hand_in(ONE, 4) == 40

    asyncio.run(story())


def test_who_goes_away_takes_nobody_along_and_tenants_do_not_wait_for_each_other() -> None:
    async def story() -> None:
        writer, gathering = made()
        [first] = await handed_in(gathering, 1)
        [gone, stays] = await handed_in(gathering, 2, 3)
        [other] = await handed_in(gathering, 7, tenant=OTHER)
        assert writer.batches == [(ONE, [1]), (OTHER, [7])]
        gone.cancel()
        writer.may_go_on.set()
        assert await asyncio.gather(first, stays, other) == [10, 30, 70]
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(story())


def test_with_a_limit_of_one_each_is_written_by_itself_at_once() -> None:
    async def story() -> None:
        writer, gathering = made(limit=1)
        tasks = await handed_in(gathering, 1, 2)
        assert writer.batches == [(ONE, [1]), (ONE, [2])]
        writer.may_go_on.set()
        assert await asyncio.gather(*tasks) == [10, 20]

    asyncio.run(story())
