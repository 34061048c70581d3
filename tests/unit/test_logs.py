"""What never reaches a log."""

import pytest

from kelviq_server.platform.logs import strike_out


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_Abc123",
        "sk_sandbox_" + "x" * 40,
        "ck_live_1",
        "kvqp_9",
        "kq_whsec_Ab1",
        "ada@example.com",
        "o'brien+x@a.co",
    ],
)
@pytest.mark.parametrize("around", ["{}", "key={};", 'Key (email)=({}) already "{}"', "GET /customers/{}/ HTTP"])
def test_keys_and_emails_are_struck_out(secret: str, around: str) -> None:
    assert secret not in strike_out(around.format(secret, secret))


def test_everything_else_stays() -> None:
    assert strike_out("customer 42 updated, 3 @ 5 ms") == "customer 42 updated, 3 @ 5 ms"
