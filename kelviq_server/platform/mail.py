"""Mails. For now they go to a directory, one file each, which any mail program opens."""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from kelviq_server.platform.database import assert_no_transaction
from kelviq_server.platform.vault import write_private


@dataclass(frozen=True, slots=True)
class Mail:
    """What is to be sent; the key names it, so that sending it twice makes one file."""

    key: str
    to: str
    subject: str
    text: str


class Mailbox:
    """A development mailbox: a directory of .eml files."""

    def __init__(self, directory: Path, sender: str) -> None:
        self._directory = directory
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Deliver the mail."""
        assert_no_transaction()
        message = EmailMessage()
        message["From"], message["To"] = self._sender, _address(mail.to)
        # A header is one line; a break in a name that stands there would keep the mail from being sent at all.
        message["Subject"] = " ".join(mail.subject.split())
        message.set_content(mail.text, cte="quoted-printable")
        await asyncio.to_thread(self._write, mail.key, message.as_string())

    def _write(self, key: str, text: str) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._directory / f"{key}.eml", text)


def _address(email: str) -> str:
    """Return the address as mail servers take it: a domain in another script has an ASCII name too."""
    local, at, domain = email.rpartition("@")
    return email if domain.isascii() else local + at + domain.encode("idna").decode()
