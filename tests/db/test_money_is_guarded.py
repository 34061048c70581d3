"""What the database itself refuses, whatever the code does: more back than was paid, books that do not balance."""

import json
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import CheckViolation, IntegrityConstraintViolation, RaiseException
from psycopg.sql import SQL, Identifier

from kelviq_server.billing.ledger.records import Account, EntryKind, JournalLine
from kelviq_server.billing.ledger.store import insert_entry
from kelviq_server.billing.orders.records import Order
from kelviq_server.platform.database import Tenant, reading, transaction
from tests import money
from tests.make import Made


@pytest.fixture
async def order(made: Made) -> Order:
    """An order of 49.00 of which 3.00 were given back."""
    order = await money.charge(made.sandbox, await money.plan(made.sandbox), await money.customer(made.sandbox))
    await money.refund(made.sandbox, order, 300)
    return order


async def run(tenant: Tenant, statement: LiteralString) -> None:
    async with transaction(tenant) as tx:
        assert await tx.execute(statement, {"tenant_id": tx.tenant_id}) > 0


@pytest.mark.parametrize(
    "change",
    [
        "refunding_units = 4901",
        "refunding_units = paid_units + 1, refunded_units = paid_units + 1",
        "refunding_units = 299",
        "refunded_units = refunding_units + 1",
        "refunded_units = -1",
        "paid_units = 4899",
        "credit_units = total_units + 1",
    ],
)
async def test_no_more_is_refunded_than_was_paid(made: Made, order: Order, change: LiteralString) -> None:
    with pytest.raises(CheckViolation):
        await run(made.sandbox, "UPDATE orders SET " + change + " WHERE tenant_id = %(tenant_id)s")


@pytest.mark.parametrize(
    "change",
    [
        "number = 7",
        "total_units = total_units + 1",
        "tax_units = 1",
        "discount_units = 1",
        "lines = '[]'",
        """buyer = '{"name": "Somebody else"}'""",
        "seller = '{}'",
        "opened_at = opened_at + interval '1 day'",
        "status = 'OPEN', paid_at = NULL",
        "number = NULL, status = 'VOID', opened_at = NULL, paid_at = NULL",
    ],
)
async def test_an_issued_invoice_does_not_change(made: Made, order: Order, change: LiteralString) -> None:
    with pytest.raises(RaiseException, match="an issued invoice does not change"):
        await run(made.sandbox, "UPDATE invoices SET " + change + " WHERE tenant_id = %(tenant_id)s")


async def test_an_issued_invoice_is_not_deleted(made: Made, order: Order) -> None:
    with pytest.raises(RaiseException, match="an issued invoice does not change"):
        await run(made.sandbox, "DELETE FROM invoices WHERE tenant_id = %(tenant_id)s")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_notes SET net_units = net_units, number = number + 1 WHERE tenant_id = %(tenant_id)s",
        "DELETE FROM credit_notes WHERE tenant_id = %(tenant_id)s",
        "UPDATE journal_lines SET amount_units = 2 * amount_units WHERE tenant_id = %(tenant_id)s",
        "DELETE FROM journal_lines WHERE tenant_id = %(tenant_id)s",
        "UPDATE journal_entries SET kind = 'refund' WHERE tenant_id = %(tenant_id)s",
        "DELETE FROM journal_entries WHERE tenant_id = %(tenant_id)s",
    ],
)
async def test_credit_notes_and_the_journal_stay_as_they_were_written(
    made: Made, order: Order, statement: LiteralString
) -> None:
    with pytest.raises(RaiseException, match="stay as they were written"):
        await run(made.sandbox, statement)


@pytest.mark.parametrize(
    "lines",
    [
        [JournalLine(Account.GATEWAY, "USD", 100)],
        [JournalLine(Account.GATEWAY, "USD", 100), JournalLine(Account.MERCHANT, "USD", -99)],
        # It sums to zero, but not in each currency.
        [JournalLine(Account.GATEWAY, "USD", 100), JournalLine(Account.MERCHANT, "EUR", -100)],
    ],
)
async def test_an_entry_that_does_not_balance_is_not_committed(
    made: Made, order: Order, lines: list[JournalLine]
) -> None:
    with pytest.raises(IntegrityConstraintViolation, match="does not balance"):
        async with transaction(made.sandbox) as tx:
            await insert_entry(tx, EntryKind.CREDIT_GRANTED, lines)
    await money.assert_books_right(made.sandbox)


async def test_an_entry_of_a_transaction_is_written_once(made: Made, order: Order) -> None:
    lines = [JournalLine(Account.GATEWAY, "USD", 100), JournalLine(Account.MERCHANT, "USD", -100)]
    paid_by: UUID = await first(made.sandbox, "SELECT id FROM transactions WHERE tenant_id = %s ORDER BY seq LIMIT 1")
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with transaction(made.sandbox) as tx:
            await insert_entry(tx, EntryKind.PAYMENT, lines, order_id=order.id, transaction_id=paid_by)


async def first(tenant: Tenant, statement: LiteralString) -> Any:
    async with reading(tenant) as tx:
        return await tx.value(statement, (tx.tenant_id,))


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE orders SET refunding_units = refunding_units + 1", "refunds of order"),
        ("UPDATE transactions SET fee_units = 1, net_units = net_units - 1", "fees of transaction"),
        ("UPDATE transactions SET status = 'failure', net_units = 0 WHERE kind = 'CHARGE'", "paid for order"),
        ("UPDATE refunds SET status = 'CANCELED'", "credit note of refund"),
        ("UPDATE payment_attempts SET status = 'pending' WHERE kind = 'charge'", "attempt of transaction"),
        ("UPDATE books SET invoices = invoices + 1", "numbers of invoices"),
        ("UPDATE status_tallies SET count = count + 1", "count of orders"),
        ("UPDATE sold_amounts SET amount_units = amount_units + 1", "sold in"),
        ("UPDATE orders SET status = 'REFUNDED'", "status of order"),
        (
            "UPDATE transactions SET tax_units = 7, net_units = net_units - 7 WHERE kind = 'CHARGE'",
            "tax of transaction",
        ),
        ("UPDATE transactions SET currency = 'EUR'", "customer and currency of order"),
        ("UPDATE payment_attempts SET currency = 'EUR'", "customer and currency of order"),
        ("UPDATE journal_entries SET kind = 'credit_held' WHERE kind = 'refund'", "journal entry (refund)"),
        ("UPDATE journal_lines SET account = 'fees' WHERE account = 'merchant'", "journal entry (payment)"),
        ("UPDATE journal_lines SET amount_units = amount_units + 1 WHERE account = 'gateway'", "journal entry in USD"),
        ("DELETE FROM journal_lines", "journal entry (payment)"),
        ("UPDATE credit_notes SET total_units = 1, net_units = 1", "credit note of refund"),
        ("UPDATE invoices SET tax_units = 1", "tax of invoice"),
    ],
)
async def test_whatever_is_not_what_it_comes_to_is_found(
    made: Made, order: Order, statement: LiteralString, what: str
) -> None:
    await money.assert_books_right(made.sandbox)
    async with transaction(made.sandbox) as tx:
        # Past the triggers that would refuse it.
        for table in ("invoices", "credit_notes", "journal_entries", "journal_lines"):
            await tx.connection.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(table)))
        condition: LiteralString = (" AND" if "WHERE" in statement else " WHERE") + " tenant_id = %(tenant_id)s"
        assert await tx.execute(statement + condition, {"tenant_id": tx.tenant_id}) > 0
        for table in ("invoices", "credit_notes", "journal_entries", "journal_lines"):
            await tx.connection.execute(SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(Identifier(table)))
    differences = (await money.verify_books(made.sandbox)).differences
    assert what in {difference.what for difference in differences}, json.dumps([str(each) for each in differences])
