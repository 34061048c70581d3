"""A request that had to begin earlier is not sent at all."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from kelviq_server.platform.outgoing import Outgoing, TooLate
from tests.contract.receivers import receivers


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
