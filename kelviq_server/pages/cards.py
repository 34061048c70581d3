"""A card as its owner types it into a form."""

from collections.abc import Mapping

from kelviq_server.payments.records import NewCard

_CENTURY = 2000


def card_of(form: Mapping[str, str]) -> tuple[NewCard | None, dict[str, str]]:
    """Return the card that a form holds, or what is wrong with it, by field."""
    number = form.get("card_number", "").replace(" ", "").replace("-", "")
    code, expiry = form.get("card_code", ""), form.get("card_expiry", "").replace(" ", "")
    faults: dict[str, str] = {}
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        faults["card_number"] = "Enter the number on the front of the card."
    month, _, year = expiry.partition("/") if "/" in expiry else (expiry[:2], "", expiry[2:])
    if not (month.isascii() and month.isdigit() and year.isascii() and year.isdigit() and len(year) in (2, 4)):
        faults["card_expiry"] = "Enter month and year, such as 12/34."
    elif not 1 <= int(month) <= 12:
        faults["card_expiry"] = "The month is a number from 1 to 12."
    if not (code.isascii() and code.isdigit() and 3 <= len(code) <= 4):
        faults["card_code"] = "Enter the three or four digits on the card."
    if faults:
        return None, faults
    return NewCard(number, int(month), int(year) + (_CENTURY if len(year) == 2 else 0), code), {}
