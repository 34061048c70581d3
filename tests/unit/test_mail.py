"""A mail is written whatever stands in the names and addresses it is made of."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest

from kelviq_server.platform.mail import Mail, Mailbox


async def sent(folder: Path, *, to: str = "owner@acme.example.com", subject: str = "Welcome") -> EmailMessage:
    await Mailbox(folder, "Kelviq <kelviq@localhost>").send(Mail("key", to, subject, "Hello\n"))
    return cast("EmailMessage", message_from_bytes((folder / "key.eml").read_bytes(), policy=default))


@pytest.mark.parametrize("subject", ["A\nB", "A\r\nB", "A\u2028B", "A\x85 B\n", "A\tB"])
async def test_a_subject_stands_on_one_line(tmp_path: Path, subject: str) -> None:
    assert (await sent(tmp_path, subject=subject))["Subject"] == "A B"


async def test_a_line_break_adds_no_header(tmp_path: Path) -> None:
    assert (await sent(tmp_path, subject="A\nBcc: other@example.com"))["Bcc"] is None


@pytest.mark.parametrize(
    ("to", "written"),
    [
        ("o.k+1@acme.example.com", "o.k+1@acme.example.com"),
        ("owner@b\u00fccher.example", "owner@xn--bcher-kva.example"),
    ],
)
async def test_an_address_is_written_as_mail_servers_take_it(tmp_path: Path, to: str, written: str) -> None:
    assert (await sent(tmp_path, to=to))["To"] == written
