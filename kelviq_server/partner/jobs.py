"""What happens after an organization was provisioned."""

from kelviq_server.platform.mail import Mail, Mailbox
from kelviq_server.platform.outbox import Handler, Happening


def welcome_by_mail(mailbox: Mailbox) -> Handler:
    """Return the handler that welcomes an organization's owner; named by the event, sent twice it is one mail."""

    async def handle(happening: Happening) -> None:
        data = happening.payload["data"]
        await mailbox.send(
            Mail(
                key=str(happening.id),
                to=data["email"],
                subject=f"Welcome, {data['name']}",
                text=f"Your organization {data['name']} is ready.\n\nIts identifier: {data['organization']}\n",
            )
        )

    return handle
