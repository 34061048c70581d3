"""What falls due of subscriptions, and what carrying it out asks for."""

from dataclasses import dataclass

from kelviq_server.payments.records import Attempt


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment to ask the gateway for, now that it is written down."""

    attempt: Attempt
    # Whether it was begun just now.
    is_new: bool
    # Whether it is to come to nothing, unless it has ended already.
    is_to_cancel: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What is left to ask for of what was done about a record, if anything is."""

    asked: Asked | None = None
