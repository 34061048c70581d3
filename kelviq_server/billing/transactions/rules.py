"""What a payment costs the merchant."""

from fractions import Fraction

from kelviq_server.billing.transactions.records import Fee, FeeName, FeeTerms
from kelviq_server.core.money import round_half_away

# How long after a payment its money is at the merchant's disposal, in days.
SETTLEMENT_DAYS = 7


def fees(
    terms: FeeTerms, amount_units: int, currency: str, sold_units: int, *, is_renewing: bool, card_country: str | None
) -> list[Fee]:
    """Return the fees on a payment of so much, after so much was sold before it in its currency.

    The whole is rounded once; what rounding leaves over is in the last part, and no part is shown that comes to
    nothing. The rate is that of what was sold before: no payment is divided by the threshold.
    """
    is_above = currency == terms.currency and sold_units >= terms.threshold_units
    percentages = [
        (FeeName.BASE, terms.base_percent_above if is_above else terms.base_percent),
        (FeeName.SUBSCRIPTION, terms.subscription_percent if is_renewing else None),
        (FeeName.INTERNATIONAL, terms.international_percent if card_country not in (None, terms.country) else None),
    ]
    parts = [Fee(FeeName.FIXED, None, terms.fixed_units if currency == terms.currency else 0, currency)]
    # Rounded sums rather than rounded parts, so that the parts add up to the whole rounded once.
    exact, told = Fraction(0), 0
    for name, percent in percentages:
        if percent:
            exact += amount_units * Fraction(percent) / 100
            upto = round_half_away(exact, 0)
            parts.append(Fee(name, percent, upto - told, currency))
            told = upto
    return [part for part in parts if part.value_units]
