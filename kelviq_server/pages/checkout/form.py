"""What the form of a checkout sends, as it is handed on."""

from collections.abc import Mapping

from kelviq_server.checkout.offers.records import Typed
from kelviq_server.checkout.payment.records import CardFaults
from kelviq_server.pages.cards import card_of
from kelviq_server.payments.records import NewCard

# How the fields are called that say how many of a feature are wanted.
QUANTITY = "quantity."
DETAILS = (
    "email", "name", "country", "line1", "line2", "city", "state", "postalCode", "taxId", "discountCode",
)  # fmt: skip


def typed_of(form: Mapping[str, str]) -> Typed:
    """Return what was chosen and typed."""
    turn = form.get("turn", "")
    return Typed(
        plan=form.get("plan"),
        period=form.get("period"),
        quantities={name.removeprefix(QUANTITY): value for name, value in form.items() if name.startswith(QUANTITY)},
        fields={name: form[name] for name in DETAILS if name in form},
        turn=int(turn) if turn.isascii() and turn.isdigit() and len(turn) < 9 else -1,
        agreed=form.get("agreed", ""),
    )


def typed_card(form: Mapping[str, str]) -> NewCard | CardFaults:
    """Return the card that was typed, or what is wrong with it."""
    card, faults = card_of(form)
    return CardFaults(faults) if card is None else card
