"""What is promised of redemptions: counted exactly, never once too often, whoever comes at once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from kelviq_server.catalog.plans.actions.create_plan import create_plan
from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.actions.set_prices import set_prices
from kelviq_server.catalog.plans.records import NewPlan, PlanFields, PlanVersion, Rollout
from kelviq_server.catalog.plans.store import get_version
from kelviq_server.catalog.prices.records import NewPrice, PriceType
from kelviq_server.catalog.products.actions.create_product import create_product
from kelviq_server.catalog.products.records import NewProduct, TaxCode
from kelviq_server.core.discount import Discount as CoreDiscount
from kelviq_server.core.discount import FixedAmount
from kelviq_server.core.errors import NotFound, Refusal
from kelviq_server.platform.database import Tenant, Tx, reading, transaction
from kelviq_server.promotions.discounts import steps
from kelviq_server.promotions.discounts.actions.delete_discount import delete_discount
from kelviq_server.promotions.discounts.actions.show_discount import show_discount
from kelviq_server.promotions.discounts.actions.update_discount import update_discount
from kelviq_server.promotions.discounts.errors import (
    DiscountExists,
    DiscountExpired,
    DiscountInOtherCurrency,
    DiscountNotForPlan,
    DiscountUnknown,
    DiscountUsedUp,
)
from kelviq_server.promotions.discounts.records import SaleDiscount
from tests import make
from tests.make import Made


async def count(tenant: Tenant, id: UUID) -> int:
    """Return how often a discount was redeemed, once it is seen that its count is that of its rows."""
    async with reading(tenant) as tx:
        assert await steps.differences(tx) == []
    return (await show_discount(tenant, id)).redemptions


async def redeem_in(tx: Tx, id: UUID, order_id: str, customer_id: UUID) -> None:
    await steps.redeem(tx, id, order_id=order_id, customer_id=customer_id, currency="USD", amount_units=490)


async def redeem(tenant: Tenant, id: UUID, order_id: str, customer_id: UUID) -> None:
    async with transaction(tenant) as tx:
        await redeem_in(tx, id, order_id, customer_id)


async def release(tenant: Tenant, order_id: str) -> None:
    async with transaction(tenant) as tx:
        await steps.release(tx, order_id=order_id)


async def buy(tenant: Tenant, code: str, plan: PlanVersion, currency: str = "USD") -> SaleDiscount:
    """Ask for the discount that a code is for the sale of a plan in a currency."""
    [price] = [price for price in plan.prices if price.currency == currency]
    async with transaction(tenant) as tx:
        return await steps.discount_for_sale(
            tx,
            code,
            product_id=plan.product_id,
            plan_id=plan.plan_id,
            price_id=price.id,
            currency=currency,
            country=None,
        )


async def sold(tenant: Tenant, *currencies: str) -> PlanVersion:
    """Return a published plan with a price in each currency."""
    product = await create_product(tenant, NewProduct("Suite", TaxCode.SAAS))
    name = f"plan-{uuid4().hex}"
    await create_plan(tenant, NewPlan(product.id, PlanFields("Pro"), name))
    return await priced(tenant, name, *currencies)


async def priced(tenant: Tenant, name: str, *currencies: str) -> PlanVersion:
    """Publish a plan with custom prices in these currencies, and return it."""
    prices = [NewPrice(price_type=PriceType.CUSTOM, currency=currency) for currency in currencies or ("USD",)]
    await set_prices(tenant, name, prices)
    await publish_plan(tenant, name, Rollout())
    async with reading(tenant) as tx:
        return await get_version(tx, name)


async def outcomes(*works: Any) -> list[type[BaseException] | None]:
    """Do everything at once, and return what stopped each."""
    done = await asyncio.gather(*works, return_exceptions=True)
    return [type(outcome) if isinstance(outcome, BaseException) else None for outcome in done]


async def test_ten_who_redeem_three_at_once_get_exactly_three(made: Made) -> None:
    discount, customer = await make.discount(made.sandbox, redemptionLimit=3), await make.customer(made.sandbox)
    came = await outcomes(*(redeem(made.sandbox, discount.id, f"ORD-{n}", customer.id) for n in range(10)))
    assert (came.count(None), came.count(DiscountUsedUp)) == (3, 7)
    assert await count(made.sandbox, discount.id) == 3
    # What was given back is there for another.
    lucky = came.index(None)
    await release(made.sandbox, f"ORD-{lucky}")
    assert await count(made.sandbox, discount.id) == 2
    await redeem(made.sandbox, discount.id, "ORD-10", customer.id)
    assert await count(made.sandbox, discount.id) == 3


async def test_whoever_asks_first_has_the_last_one_until_the_commit(made: Made) -> None:
    plan, customer = await sold(made.sandbox), await make.customer(made.sandbox)
    discount = await make.discount(made.sandbox, code="LAST", redemptionLimit=1)

    async def sell(order_id: str) -> None:
        async with transaction(made.sandbox) as tx:
            found = await steps.discount_for_sale(
                tx,
                "LAST",
                product_id=plan.product_id,
                plan_id=plan.plan_id,
                price_id=plan.prices[0].id,
                currency="USD",
                country=None,
            )
            async with reading(made.sandbox) as other:
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    await other.execute("SELECT FROM discounts WHERE id = %s FOR NO KEY UPDATE NOWAIT", (found.id,))
            await redeem_in(tx, found.id, order_id, customer.id)

    came = await outcomes(*(sell(f"ORD-{n}") for n in range(5)))
    assert (came.count(None), came.count(DiscountUsedUp)) == (1, 4)
    assert await count(made.sandbox, discount.id) == 1


async def test_an_order_counts_once_however_often_and_however_many_say_so(made: Made) -> None:
    discount, customer = await make.discount(made.sandbox, redemptionLimit=1), await make.customer(made.sandbox)
    came = await outcomes(*(redeem(made.sandbox, discount.id, "ORD-1", customer.id) for _ in range(5)))
    assert came == [None] * 5
    async with transaction(made.sandbox) as tx:
        await redeem_in(tx, discount.id, "ORD-1", customer.id)
        await redeem_in(tx, discount.id, "ORD-1", customer.id)
    assert await count(made.sandbox, discount.id) == 1


async def test_a_release_undoes_once_what_the_order_redeemed_and_nothing_else(made: Made) -> None:
    first, second = await make.discount(made.sandbox), await make.discount(made.sandbox)
    customer = await make.customer(made.sandbox)
    for order_id in ("ORD-1", "ORD-2"):
        await redeem(made.sandbox, first.id, order_id, customer.id)
    await redeem(made.sandbox, second.id, "ORD-1", customer.id)
    assert await outcomes(*(release(made.sandbox, "ORD-1") for _ in range(5))) == [None] * 5
    assert (await count(made.sandbox, first.id), await count(made.sandbox, second.id)) == (1, 0)
    await release(made.sandbox, "ORD-9")
    # Paid after all.
    await redeem(made.sandbox, first.id, "ORD-1", customer.id)
    assert await count(made.sandbox, first.id) == 2


async def test_the_count_is_right_whatever_comes_of_redeeming_and_releasing_at_once(made: Made) -> None:
    discount, other = await make.discount(made.sandbox, redemptionLimit=3), await make.discount(made.sandbox)
    customer = await make.customer(made.sandbox)
    for _ in range(5):
        works: list[Any] = []
        for number in range(6):
            works += [redeem(made.sandbox, which.id, f"ORD-{number}", customer.id) for which in (discount, other)]
            works += [release(made.sandbox, f"ORD-{number}"), release(made.sandbox, f"ORD-{number}")]
        assert set(await outcomes(*works)) <= {None, DiscountUsedUp}
        assert 0 <= await count(made.sandbox, discount.id) <= 3
    for number in range(6):
        await release(made.sandbox, f"ORD-{number}")
    assert (await count(made.sandbox, discount.id), await count(made.sandbox, other.id)) == (0, 0)


async def test_a_redemption_whose_transaction_fails_never_was(made: Made) -> None:
    discount, customer = await make.discount(made.sandbox), await make.customer(made.sandbox)

    async def redeem_and_die() -> None:
        async with transaction(made.sandbox) as tx:
            await redeem_in(tx, discount.id, "ORD-1", customer.id)
            raise RuntimeError

    assert await outcomes(redeem_and_die()) == [RuntimeError]
    assert await count(made.sandbox, discount.id) == 0


async def test_a_refused_redemption_leaves_nothing_behind_for_those_who_go_on(made: Made) -> None:
    discount, customer = await make.discount(made.sandbox, redemptionLimit=1), await make.customer(made.sandbox)
    await redeem(made.sandbox, discount.id, "ORD-1", customer.id)
    async with transaction(made.sandbox) as tx:
        with pytest.raises(DiscountUsedUp):
            await redeem_in(tx, discount.id, "ORD-2", customer.id)
    assert await count(made.sandbox, discount.id) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE discounts SET redemptions = redemptions + 1 WHERE id = %s",
        "UPDATE discounts SET redemption_limit = 1 WHERE id = %s",
        "UPDATE discounts SET redemptions = -1 WHERE id = %s",
        "UPDATE discounts SET percentage = NULL WHERE id = %s",
        "UPDATE discounts SET percentage = 100.1 WHERE id = %s",
        "UPDATE discounts SET currency = 'USD' WHERE id = %s",
        "UPDATE discounts SET is_recurring = false, cycles = 2 WHERE id = %s",
        "UPDATE discount_redemptions SET customer_id = gen_random_uuid() WHERE discount_id = %s",
        "DELETE FROM discounts WHERE id = %s",
    ],
)
async def test_the_database_refuses_what_cannot_be(made: Made, change: Any) -> None:
    discount, customer = await make.discount(made.sandbox, redemptionLimit=2), await make.customer(made.sandbox)
    for order_id in ("ORD-1", "ORD-2"):
        await redeem(made.sandbox, discount.id, order_id, customer.id)
    with pytest.raises(psycopg.errors.IntegrityError):
        async with transaction(made.sandbox) as tx:
            await tx.execute(change, (discount.id,))
    assert await count(made.sandbox, discount.id) == 2


async def test_a_wrong_count_is_found_of_deleted_discounts_too(made: Made) -> None:
    right, wrong, deleted = [await make.discount(made.sandbox) for _ in range(3)]
    customer = await make.customer(made.sandbox)
    for discount in (right, wrong, deleted):
        await redeem(made.sandbox, discount.id, "ORD-1", customer.id)
    await delete_discount(made.sandbox, deleted.id)
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE discounts SET redemptions = 2 WHERE id IN (%s, %s)", (wrong.id, deleted.id))
    async with reading(made.sandbox) as tx:
        assert await steps.differences(tx) == [wrong.id, deleted.id]
    async with reading(made.production) as tx:
        assert await steps.differences(tx) == []


async def test_a_code_is_found_as_buyers_type_it(made: Made) -> None:
    plan = await sold(made.sandbox)
    fields = {"type": "FIXED_AMOUNT", "percentage": None, "amount": "10.00", "currency": "USD", "recurring": False}
    discount = await make.discount(made.sandbox, code="Ten-Off", name="Ten", **fields)
    found = await buy(made.sandbox, " tEN-oFF\n", plan)
    assert found == SaleDiscount(discount.id, "Ten-Off", "Ten", CoreDiscount(FixedAmount(1000), 1))


async def test_a_sale_is_refused_where_the_code_does_not_hold(made: Made) -> None:
    plan, other = await sold(made.sandbox, "USD", "EUR"), await sold(made.sandbox)
    fixed = {"type": "FIXED_AMOUNT", "percentage": None, "amount": 1, "currency": "USD"}
    [dollars] = [price.id for price in plan.prices if price.currency == "USD"]
    only = {"product": str(plan.product_id), "plan": plan.identifier}
    restricted: dict[str, Any] = {"restrictions": [only]}
    priced_only: dict[str, Any] = {"restrictions": [{**only, "price": str(dollars)}]}
    now = (await make.discount(made.sandbox)).created_at
    await make.freeze_clock(made.sandbox, now + timedelta(days=1))
    deleted = await make.discount(made.sandbox, code="DELETED")
    await delete_discount(made.sandbox, deleted.id)
    for code, fields in {
        "OFF": {"enabled": False}, "OLD": {"expiresOn": (now + timedelta(days=1)).isoformat()},
        "HERE": restricted, "DOLLARS": priced_only, "FIXED": fixed,
    }.items():  # fmt: skip
        await make.discount(made.sandbox, code=code, **fields)
    await make.discount(made.production, code="LIVE")
    cases: list[tuple[str, PlanVersion, str, type[Refusal]]] = [
        ("NOTHING", plan, "USD", DiscountUnknown),
        ("", plan, "USD", DiscountUnknown),
        ("OFF\x00", plan, "USD", DiscountUnknown),
        ("LIVE", plan, "USD", DiscountUnknown),
        ("DELETED", plan, "USD", DiscountUnknown),
        ("OFF", plan, "USD", DiscountUnknown),
        ("OLD", plan, "USD", DiscountExpired),
        ("HERE", other, "USD", DiscountNotForPlan),
        ("DOLLARS", plan, "EUR", DiscountNotForPlan),
        ("FIXED", plan, "EUR", DiscountInOtherCurrency),
    ]
    for code, wanted, currency, why in cases:
        with pytest.raises(why):
            await buy(made.sandbox, code, wanted, currency)
    for code, currency in (("HERE", "EUR"), ("DOLLARS", "USD"), ("FIXED", "USD")):
        assert (await buy(made.sandbox, code, plan, currency)).code == code


async def test_a_price_that_a_restriction_names_is_meant_in_the_next_version_too(made: Made) -> None:
    plan = await sold(made.sandbox, "USD", "EUR")
    row = {"product": str(plan.product_id), "plan": plan.identifier, "price": str(plan.prices[0].id)}
    await make.discount(made.sandbox, code="DOLLARS", restrictions=[row])
    newer = await priced(made.sandbox, plan.identifier, "USD", "EUR", "JPY")
    assert newer.version == 2
    assert (await buy(made.sandbox, "DOLLARS", newer, "USD")).code == "DOLLARS"
    with pytest.raises(DiscountNotForPlan):
        await buy(made.sandbox, "DOLLARS", newer, "JPY")


async def test_what_was_sold_counts_though_the_code_was_deleted_since(made: Made) -> None:
    discount, customer = await make.discount(made.sandbox), await make.customer(made.sandbox)
    await delete_discount(made.sandbox, discount.id)
    await redeem(made.sandbox, discount.id, "ORD-1", customer.id)
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT redemptions FROM discounts WHERE id = %s", (discount.id,)) == 1


async def test_nobody_redeems_or_releases_for_another_tenant(made: Made) -> None:
    discount, customer = await make.discount(made.sandbox), await make.customer(made.sandbox)
    theirs = await make.customer(made.production)
    await redeem(made.sandbox, discount.id, "ORD-1", customer.id)
    with pytest.raises(NotFound):
        await redeem(made.production, discount.id, "ORD-2", theirs.id)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await redeem(made.sandbox, discount.id, "ORD-2", theirs.id)
    await release(made.production, "ORD-1")
    assert await count(made.sandbox, discount.id) == 1


async def test_of_many_who_take_a_code_at_once_one_gets_it(made: Made) -> None:
    others = [await make.discount(made.sandbox) for _ in range(3)]
    came = await outcomes(
        *(make.discount(made.sandbox, code=code) for code in ("Spring", "SPRING", "spring")),
        *(update_discount(made.sandbox, other.id, {"code": "sPRING"}) for other in others),
    )
    assert (came.count(None), came.count(DiscountExists)) == (1, 5)


async def test_a_limit_is_never_lowered_below_what_is_being_redeemed(made: Made) -> None:
    customer = await make.customer(made.sandbox)
    for _ in range(5):
        discount = await make.discount(made.sandbox, redemptionLimit=5)
        works = [redeem(made.sandbox, discount.id, f"ORD-{n}", customer.id) for n in range(3)]
        came = await outcomes(*works, update_discount(made.sandbox, discount.id, {"redemption_limit": 1}))
        after = await show_discount(made.sandbox, discount.id)
        assert psycopg.errors.CheckViolation not in came
        assert after.redemption_limit in (1, 5)
        assert after.redemptions == came[:3].count(None) <= after.redemption_limit
