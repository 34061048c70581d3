"""Whoever has the link of one invoice has no other's."""

from collections.abc import Callable

import pytest

from kelviq_server.billing.payment_links.rules import read_token, token_of

KEY, INVOICE = b"a secret", "INV-20310131093000-FCM4B"


def test_a_token_stands_for_the_invoice_that_it_was_made_for() -> None:
    assert read_token(KEY, token_of(KEY, 12, INVOICE)) == (12, INVOICE)


@pytest.mark.parametrize("forge", [
    lambda token: token.replace("12-", "13-", 1),
    lambda token: token.replace("FCM4B", "FCM4C"),
    lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
    lambda token: token + "0",
    lambda token: token.upper(),
    lambda token: "",
    lambda token: token.replace("12-", "١٢-", 1),
])  # fmt: skip
def test_a_token_that_was_tampered_with_stands_for_nothing(forge: Callable[[str], str]) -> None:
    assert read_token(KEY, forge(token_of(KEY, 12, INVOICE))) is None


def test_another_instance_makes_other_tokens() -> None:
    assert read_token(b"another secret", token_of(KEY, 12, INVOICE)) is None
