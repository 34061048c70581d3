"""A batch of what is due is worked on for a while, and the rest is left to others."""

import asyncio
from collections.abc import Sequence

import pytest

from kelviq_server.platform.due import carry_out_each


async def test_all_are_done_some_at_once() -> None:
    done, busy, most = list[int](), 0, 0

    async def do(each: int) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        done.append(each)

    async def leave(rest: Sequence[int]) -> None:
        raise AssertionError(rest)

    assert await carry_out_each(range(20), do, leave, at_once=6) == 20
    assert (sorted(done), most) == (list(range(20)), 6)


async def test_what_time_is_too_short_for_is_left() -> None:
    done, left = list[int](), list[int]()

    async def do(each: int) -> None:
        done.append(each)
        took_long = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, took_long.set)
        await took_long.wait()

    async def leave(rest: Sequence[int]) -> None:
        left.extend(rest)

    count = await carry_out_each(range(1000), do, leave, at_once=2, seconds=0.05)
    assert count == len(done)
    assert left
    assert [*sorted(done), *left] == list(range(1000))


async def test_what_fails_stops_nothing_else_and_is_told() -> None:
    done = list[int]()

    async def do(each: int) -> None:
        if each == 3:
            raise ValueError("three")
        done.append(each)

    async def leave(rest: Sequence[int]) -> None:
        raise AssertionError(rest)

    with pytest.raises(ValueError, match="three"):
        await carry_out_each(range(9), do, leave, at_once=1)
    assert done == [0, 1, 2, 4, 5, 6, 7, 8]
