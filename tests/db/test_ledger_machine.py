"""Whatever happens in whatever order, the books are those of somebody who adds up whole numbers by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.ledger.errors import CreditTooLow
from kelviq_server.billing.ledger.store import list_balances, list_credits
from kelviq_server.billing.orders.records import Order
from kelviq_server.billing.orders.steps import find_by_request
from kelviq_server.billing.refunds.errors import NothingToRefund, RefundRefused, RefundTooLarge
from kelviq_server.billing.settlement.jobs import LATE_ANSWERS
from kelviq_server.billing.transactions.records import FeeTerms
from kelviq_server.billing.transactions.steps import use_fee_terms
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.core.errors import NotFound
from kelviq_server.customers.steps import find_customer_id
from kelviq_server.payments.errors import PaymentDeclined
from kelviq_server.platform.database import Tenant, reading
from tests import make, money
from tests.money import Card

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
FEES = FeeTerms(fixed_units=40, base_percent=Decimal("2.9"), threshold_units=100_000, base_percent_above=Decimal("3.5"))
# What everybody has of credit to begin with.
START = 5000
CARDS = (
    Card.SUCCEEDS,
    Card.FAILS_LATER,
    Card.LOSES_THE_ANSWER,
    Card.ANSWERS_LATE,
    Card.DECLINES_LATE,
    Card.CANNOT_REFUND,
)


@dataclass(frozen=True)
class Buys:
    """A customer is charged so much, with or without the tax in it, with or without a tenth off."""

    who: int
    units: int
    is_inclusive: bool
    is_discounted: bool


@dataclass(frozen=True)
class GivesBack:
    """So many thousandths of what is left of an order go back, which may be too many; None: all of it."""

    which: int
    permille: int | None


@dataclass(frozen=True)
class Grants:
    """A customer gets credit, or some is taken away."""

    who: int
    units: int


Step = Buys | GivesBack | Grants | Literal["an hour passes", "the sweeper comes"]

whoever = st.integers(0, len(CARDS) - 1)
steps: st.SearchStrategy[Any] = st.one_of(
    st.builds(Buys, whoever, st.integers(1, 200_000), st.booleans(), st.booleans()),
    st.builds(GivesBack, st.integers(0, 20), st.none() | st.integers(1, 1100)),
    st.builds(Grants, whoever, st.integers(-5_000, 100_000).filter(bool)),
    st.sampled_from(["an hour passes", "the sweeper comes"]),
)


@dataclass
class Sold:
    """An order, as somebody keeps it who adds up by hand."""

    who: int
    request: UUID
    total: int
    tax: int
    credit: int
    is_discounted: bool
    late_at: int | None
    status: str = "PENDING"
    fee: int = 0
    given_back: int = 0

    @property
    def paid(self) -> int:
        return self.total - self.credit if self.status not in ("PENDING", "FAILED") else 0

    @property
    def tax_given_back(self) -> int:
        return halves_up(self.tax * self.given_back, self.total)


def halves_up(part: int, whole: int) -> int:
    return (2 * part + whole) // (2 * whole)


@dataclass
class Books:
    """What the module is held against."""

    credit: list[int] = field(default_factory=lambda: [START] * len(CARDS))
    orders: list[Sold] = field(default_factory=list[Sold])
    # In seconds.
    now: int = 0
    turnover: int = 0

    def sell(self, step: Buys) -> Sold:
        """Note what somebody buys. Everybody is taxed at 19 %."""
        left = step.units - (halves_up(step.units, 10) if step.is_discounted else 0)
        tax = left - halves_up(left * 100, 119) if step.is_inclusive else halves_up(left * 19, 100)
        total = left if step.is_inclusive else left + tax
        credit = min(total, self.credit[step.who])
        late = CARDS[step.who] in (Card.ANSWERS_LATE, Card.DECLINES_LATE) and credit < total
        sold = Sold(step.who, uuid4(), total, tax, credit, step.is_discounted, self.now + 3600 if late else None)
        self.credit[step.who] -= credit
        self.orders.append(sold)
        if not late:
            self.end(sold)
        return sold

    def end(self, sold: Sold) -> None:
        """Note what became of a payment."""
        due = sold.total - sold.credit
        if due and CARDS[sold.who] in (Card.FAILS_LATER, Card.DECLINES_LATE):
            sold.status = "FAILED"
            self.credit[sold.who] += sold.credit
            return
        sold.status = "COMPLETE"
        if due:
            sold.fee = 40 + halves_up(due * (35 if self.turnover >= 100_000 else 29), 1000)
        self.turnover += due

    def hear(self) -> None:
        """Note the late answers whose hour has come, in the order in which they were given."""
        for sold in self.orders:
            if sold.status == "PENDING" and sold.late_at is not None and sold.late_at <= self.now:
                self.end(sold)

    def balances(self) -> dict[str, int]:
        """Return what the accounts come to; those that come to nothing are left out."""
        paid = [sold for sold in self.orders if sold.status not in ("PENDING", "FAILED")]
        accounts = {
            "gateway": sum(sold.paid - sold.given_back for sold in paid),
            "tax": -sum(sold.tax - sold.tax_given_back for sold in paid),
            "fees": -sum(sold.fee for sold in paid),
            "customer_credit": -sum(self.credit),
            "held_credit": -sum(sold.credit for sold in self.orders if sold.status == "PENDING"),
        }
        accounts["merchant"] = -sum(accounts.values())
        return {account: units for account, units in accounts.items() if units}


class Machine:
    """Does each step with the module, and by hand."""

    def __init__(self, tenant: Tenant, plan: str, customers: list[str]) -> None:
        self.tenant, self.plan, self.customers, self.books = tenant, plan, customers, Books()

    async def do(self, step: Step) -> None:
        # So that no two payments are of one instant, and late answers have an order.
        await self._pass(1)
        match step:
            case Buys():
                await self._buy(step, self.books.sell(step))
            case GivesBack():
                await self._give_back(step)
            case Grants(who, units):
                await self._grant(who, units)
            case "an hour passes":
                await self._pass(3600)
                self.books.hear()
                await LATE_ANSWERS.carry_out(self.tenant)
            case "the sweeper comes":
                await money.sweep()

    async def _pass(self, seconds: int) -> None:
        self.books.now += seconds
        await make.freeze_clock(self.tenant, AT + timedelta(seconds=self.books.now))

    async def _grant(self, who: int, units: int) -> None:
        after = self.books.credit[who] + units
        try:
            assert await money.grant(self.tenant, self.customers[who], units) == after
        except CreditTooLow:
            assert after < 0
        else:
            self.books.credit[who] = after

    async def _buy(self, step: Buys, sold: Sold) -> None:
        fields: dict[str, Any] = {
            "custom_amount": Decimal(step.units) / 100,
            "tax_behavior": TaxBehavior.INCLUSIVE if step.is_inclusive else TaxBehavior.EXCLUSIVE,
            "discount_code": "LAUNCH" if step.is_discounted else None,
            "request_id": sold.request,
        }
        refusal = None
        try:
            await money.charge(self.tenant, self.plan, self.customers[step.who], **fields)
        except (PaymentUnsettled, PaymentDeclined) as refused:
            refusal = type(refused)
        assert refusal is {"PENDING": PaymentUnsettled, "FAILED": PaymentDeclined}.get(sold.status)

    async def _give_back(self, step: GivesBack) -> None:
        if not self.books.orders:
            return
        sold = self.books.orders[step.which % len(self.books.orders)]
        left = sold.paid - sold.given_back
        units = None if step.permille is None else max(left * step.permille // 1000, 1)
        refusal = None
        try:
            await money.refund(self.tenant, await self.order(sold), units)
        except (NotFound, NothingToRefund, RefundTooLarge, RefundRefused) as refused:
            refusal = type(refused)
        if sold.status == "PENDING":
            assert refusal is NotFound
        elif left == 0:
            assert refusal is NothingToRefund
        elif units is not None and units > left:
            assert refusal is RefundTooLarge
        elif CARDS[sold.who] is Card.CANNOT_REFUND:
            assert refusal is RefundRefused
        else:
            assert refusal is None
            sold.given_back += left if units is None else units
            sold.status = "REFUNDED" if sold.given_back == sold.paid else "PARTIAL_REFUND"

    async def order(self, sold: Sold) -> Order:
        async with reading(self.tenant) as tx:
            order = await find_by_request(tx, sold.request)
        assert order is not None
        return order

    async def check(self) -> None:
        """Fail unless both say the same."""
        async with reading(self.tenant) as tx:
            balances = {each.account: each.amount_units for each in await list_balances(tx) if each.amount_units}
            for who, external_id in enumerate(self.customers):
                id = await find_customer_id(tx, external_id)
                assert id is not None
                assert sum(each.amount_units for each in await list_credits(tx, id)) == self.books.credit[who]
            numbers: list[int] = await tx.value(
                "SELECT coalesce(array_agg(number ORDER BY number), '{}') FROM invoices"
                " WHERE tenant_id = %s AND number IS NOT NULL",
                (self.tenant.id,),
            )
            redeemed = await tx.value("SELECT redemptions FROM discounts WHERE tenant_id = %s", (self.tenant.id,))
        assert redeemed == sum(each.is_discounted for each in self.books.orders if each.status != "FAILED")
        assert balances == self.books.balances()
        assert sum(balances.values()) == 0
        sold = [each for each in self.books.orders if each.status not in ("PENDING", "FAILED")]
        assert numbers == list(range(1, len(sold) + 1))
        for each in self.books.orders:
            order = await self.order(each)
            found = (order.status, order.total_units, order.tax_units, order.credit_units, order.paid_units)
            assert found == (each.status, each.total, each.tax, each.credit, each.paid)
            assert order.refunded_units == order.refunding_units == each.given_back <= order.paid_units
        await money.assert_books_right(self.tenant)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=1, max_size=20))
async def test_the_books_are_those_of_somebody_who_adds_up_by_hand(pool: None, taken: list[Step]) -> None:
    tenant = (await make.organization()).sandbox
    await make.freeze_clock(tenant, AT)
    await make.discount(tenant, code="LAUNCH")
    customers = [await money.customer(tenant, card, credit=START, billing_address=money.GERMANY) for card in CARDS]
    machine = Machine(tenant, await money.plan(tenant, None), customers)
    use_fee_terms(FEES)
    try:
        for step in taken:
            await machine.do(step)
            await machine.check()
    finally:
        use_fee_terms(FeeTerms())
