"""A request that had to begin earlier is not sent at all."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, ip_network

import pytest

from kelviq_server.platform.outgoing import Outgoing, TooLate
from tests.contract.receivers import receivers


class StandsStill(IPv4Network):
    """A network in which an address to connect to is looked for until an instant; nothing else is done meanwhile."""

    until: datetime

    def __contains__(self, other: object) -> bool:
        while datetime.now(UTC) <= self.until:
            pass
        return super().__contains__(other)


async def test_a_process_that_stood_still_while_it_connected_sends_nothing() -> None:
    network, begin_by = StandsStill("127.0.0.0/8"), datetime.now(UTC) + timedelta(milliseconds=200)
    network.until = begin_by
    outgoing = Outgoing([network])
    with receivers() as told:
        with pytest.raises(TooLate):
            await outgoing.post(f"{told.url}/hook", {"webhook-id": "1"}, b"{}", begin_by=begin_by)
        assert told.count == 0
    await outgoing.close()


async def test_a_request_that_comes_too_late_is_not_sent() -> None:
    outgoing = Outgoing([ip_network("127.0.0.0/8")])
    now, headers = datetime.now(UTC), {"webhook-id": "1"}
    with receivers() as told:
        with pytest.raises(TooLate):
            await outgoing.post(f"{told.url}/hook", headers, b"{}", begin_by=now - timedelta(seconds=1))
        assert told.count == 0
        reply = await outgoing.post(f"{told.url}/hook", headers, b"{}", begin_by=now + timedelta(minutes=1))
        assert (reply.status, told.count) == (204, 1)
    await outgoing.close()
