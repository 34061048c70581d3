"""What other modules may borrow: how a buyer is taxed, and what a business tax id is."""

from decimal import Decimal

from kelviq_server.core.invoice import TaxRule
from kelviq_server.platform.database import Tx
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.taxes import rules, store
from kelviq_server.taxes.records import Buyer, TaxCode, TaxId
from kelviq_server.taxes.rules import business_tax_id, has_business_tax_ids, state_code, states_of
from kelviq_server.tenants import steps as tenants

__all__ = [
    "Buyer",
    "TaxCode",
    "TaxId",
    "business_tax_id",
    "checked_tax_id",
    "has_business_tax_ids",
    "state_code",
    "states_of",
    "tax_rule_for",
]


async def tax_rule_for(tx: Tx, buyer: Buyer, tax_code: str, *, is_inclusive: bool) -> TaxRule:
    """Return how a line for this buyer is taxed today, by the tenant's clock; where no rate is known, at 0 %.

    A valid business tax id of another country than the seller's makes it a reverse charge. The seller is read only
    for a buyer who has such an id. The day is that of UTC. Works in a transaction only: a short read has no clock.
    """
    if buyer.country is None:
        return TaxRule(Decimal(0), is_inclusive)
    state = rules.state_code(buyer.country, buyer.state)
    found = await store.find_rate_in_force(tx, buyer.country, state, tax_code, tx.now.date())
    rate, name = (Decimal(0), "") if found is None else (found.rate_percent, found.name)
    tax_id = rules.business_tax_id(buyer.tax_id, buyer.country) if buyer.tax_id else None
    if tax_id is None:
        return TaxRule(rate, is_inclusive, name=name)
    seller = await tenants.get_seller(tx)
    return TaxRule(
        rate,
        is_inclusive,
        is_reverse_charge=rules.is_reverse_charge(tax_id, seller.country),
        keeps_price=not seller.lowers_price_for_businesses,
        name=name,
    )


def checked_tax_id(text: str, country: str | None) -> str:
    """Return a business tax id as its country writes it; raises InvalidFields, naming `taxId`."""
    tax_id = rules.business_tax_id(text, country)
    if tax_id is None:
        raise InvalidFields({"taxId": ["Enter a valid business tax id."]})
    return tax_id.number
