"""A server that is told to stop notes what it brought to its endpoints, so that nobody is told twice."""

from random import Random

import pytest

from tests.contract.crowd import SECONDS, Burst, Crowd, all_told, duplicates
from tests.contract.killable import Start
from tests.contract.receivers import receivers

ENDPOINTS = [f"/hooks/{number}" for number in range(5)]
STOPS = 4


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "several processes"])
def test_stops_under_load_tell_nobody_twice(start_again: Start, options: tuple[str, ...]) -> None:
    chance, crowd = Random(20261125), Crowd()
    with receivers() as told:
        server = start_again(*options)
        with server.client() as client:
            secrets = {path: told.listen(client, path) for path in ENDPOINTS}
        for _ in range(STOPS):
            burst = Burst(server, crowd)
            wanted = told.count + chance.randint(1, 300)
            assert told.has_come_true(lambda wanted=wanted: told.count >= wanted, SECONDS), "nothing is told any more"
            server.stop()
            burst.join()
            server = start_again(*options)
        log = all_told(server, told, secrets)
        server.stop()
        assert duplicates(told, log, crowd, secrets) == dict.fromkeys(ENDPOINTS, 0)
