"""All SQL about tax rates: a tenant's own, and the packaged ones, which have no tenant."""

from datetime import date
from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.listing import CHOSEN, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page
from kelviq_server.taxes.records import NewTaxRate, RateInForce, TaxRate

_RATE: LiteralString = "id, country, state, tax_code, rate_percent, name, valid_from, valid_until, source"
_SEEN: LiteralString = "(tenant_id = %(tenant_id)s OR tenant_id IS NULL)"
_IN_FORCE: LiteralString = "valid_from <= %(day)s AND (valid_until IS NULL OR valid_until > %(day)s)"


async def find_rate_in_force(tx: Tx, country: str, state: str | None, tax_code: str, day: date) -> RateInForce | None:
    """Return the rate for a buyer's place and a kind of product on a day, or None where there is none.

    The tenant's own rates come first, of these the one for the state, then the one for the tax code.
    """
    return await tx.row(
        RateInForce,
        "SELECT rate_percent, name FROM tax_rates WHERE country = %(country)s AND " + _SEEN + " AND " + _IN_FORCE + ""
        " AND (state IS NULL OR state = %(state)s) AND (tax_code IS NULL OR tax_code = %(tax_code)s)"
        " ORDER BY tenant_id NULLS LAST, state NULLS LAST, tax_code NULLS LAST LIMIT 1",
        {"tenant_id": tx.tenant_id, "country": country, "state": state, "tax_code": tax_code, "day": day},
    )


async def list_rates(tx: Tx, page: Page, country: str | None, state: str | None, day: date | None) -> Listed[TaxRate]:
    """Return a page of rates, the tenant's own first, optionally those of a country, a state, a day."""
    return await tx.decoded(
        Listed[TaxRate],
        listing(
            "SELECT id, seq FROM tax_rates WHERE " + _SEEN + ""
            " AND (%(country)s::text IS NULL OR country = %(country)s)"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(day)s::date IS NULL OR (" + _IN_FORCE + "))",
            "SELECT * FROM tax_rates WHERE " + CHOSEN,
            _RATE,
        ),
        {"tenant_id": tx.tenant_id, "country": country, "state": state, "day": day, **page_parameters_of(page)},
    )


async def get_rate(tx: Tx, id: UUID) -> TaxRate:
    """Return a rate, the tenant's own or a packaged one; raises NotFound."""
    rate = await tx.row(
        TaxRate,
        "SELECT " + _RATE + " FROM tax_rates WHERE id = %(id)s AND " + _SEEN,
        {"tenant_id": tx.tenant_id, "id": id},
    )
    if rate is None:
        raise NotFound
    return rate


async def lock_count(tx: Tx) -> int:
    """Return how many rates of its own the tenant has; nobody adds or ends one until this transaction ends."""
    await tx.alone_with("tax rates")
    return await tx.value("SELECT count(*) FROM tax_rates WHERE tenant_id = %s", (tx.tenant_id,))


async def list_rates_of_kind(tx: Tx, rate: NewTaxRate | TaxRate) -> list[TaxRate]:
    """Return the tenant's own rates for the same place and tax code, but for those that held on no day."""
    return await tx.rows(
        TaxRate,
        "SELECT " + _RATE + " FROM tax_rates WHERE tenant_id = %s AND country = %s AND state IS NOT DISTINCT FROM %s"
        " AND tax_code IS NOT DISTINCT FROM %s AND (valid_until IS NULL OR valid_until > valid_from)"
        " ORDER BY valid_from",
        (tx.tenant_id, rate.country, rate.state, rate.tax_code),
    )


async def insert_rate(tx: Tx, new: NewTaxRate, valid_from: date, valid_until: date | None) -> UUID:
    """Write a rate of the tenant's own and return its id."""
    id = new_id(tx.now)
    await tx.execute(
        "INSERT INTO tax_rates (id, tenant_id, country, state, tax_code, rate_percent, name, valid_from, valid_until)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            id, tx.tenant_id, new.country, new.state, new.tax_code, new.rate_percent, new.name, valid_from, valid_until,
        ),
    )  # fmt: skip
    return id


async def update_end(tx: Tx, id: UUID, valid_until: date | None) -> None:
    """Let a rate of the tenant's own hold until the day before this one, or for good."""
    await tx.execute(
        "UPDATE tax_rates SET valid_until = %s WHERE tenant_id = %s AND id = %s", (valid_until, tx.tenant_id, id)
    )


async def delete_rate(tx: Tx, id: UUID) -> None:
    """Delete a rate of the tenant's own."""
    await tx.execute("DELETE FROM tax_rates WHERE tenant_id = %s AND id = %s", (tx.tenant_id, id))
