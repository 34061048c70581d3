"""What the database promises about versions of plans, and what reading and writing them costs."""

import asyncio
from typing import Any

import psycopg
import pytest

from kelviq_server.catalog.contents.actions.add_entitlements import add_entitlements
from kelviq_server.catalog.contents.actions.replace_entitlements import replace_entitlements
from kelviq_server.catalog.features.actions.create_feature import create_feature
from kelviq_server.catalog.features.actions.update_feature import update_feature
from kelviq_server.catalog.features.records import FeatureType, NewFeature
from kelviq_server.catalog.features.store import get_feature
from kelviq_server.catalog.plans import store
from kelviq_server.catalog.plans.actions.create_plan import create_plan
from kelviq_server.catalog.plans.actions.discard_draft import discard_draft
from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.actions.set_prices import set_prices
from kelviq_server.catalog.plans.actions.update_plan import update_plan
from kelviq_server.catalog.plans.errors import PlanIsBase
from kelviq_server.catalog.plans.records import (
    EntitlementDetails,
    NewEntitlement,
    NewPlan,
    PlanFields,
    PlanVersion,
    Rollout,
)
from kelviq_server.catalog.plans.steps import features_of
from kelviq_server.catalog.prices.records import NewPrice, PriceType
from kelviq_server.catalog.products.actions.create_product import create_product
from kelviq_server.catalog.products.actions.update_product import update_product
from kelviq_server.catalog.products.actions.update_settings import update_settings
from kelviq_server.catalog.products.records import NewProduct, TaxCode
from kelviq_server.catalog.products.store import get_product
from kelviq_server.platform.database import Tenant, reading, transaction
from kelviq_server.platform.paging import Page
from kelviq_server.platform.wire import InvalidFields
from tests import make
from tests.make import Made
from tests.statements import counting


async def sold(tenant: Tenant, name: str = "pro", features: int = 2) -> PlanVersion:
    """Return a published plan that grants so many features."""
    product = await create_product(tenant, NewProduct("Suite", TaxCode.SAAS))
    file = await make.upload(tenant)
    await create_plan(tenant, NewPlan(product.id, PlanFields("Pro"), name), [file.upload_key])
    made = [await create_feature(tenant, NewFeature("SSO", FeatureType.BOOLEAN)) for _ in range(features)]
    await add_entitlements(tenant, name, [NewEntitlement(one.id, EntitlementDetails(True)) for one in made])
    await set_prices(tenant, name, [NewPrice(price_type=PriceType.FREE, currency="USD")])
    await publish_plan(tenant, name, Rollout())
    async with reading(tenant) as tx:
        return await store.get_version(tx, name)


CHANGES = [
    "UPDATE plan_prices SET version_id = (SELECT id FROM plan_versions WHERE state = 'draft' LIMIT 1)"
    " WHERE version_id = %(version)s",
    "UPDATE plan_entitlements SET version_id = (SELECT id FROM plan_versions WHERE state = 'draft' LIMIT 1)"
    " WHERE version_id = %(version)s",
    "UPDATE plan_files SET enabled = false WHERE version_id = %(version)s",
    "DELETE FROM plan_files WHERE version_id = %(version)s",
    "UPDATE plan_versions SET name = 'x' WHERE id = %(version)s",
    "UPDATE plan_versions SET links = '[]' WHERE id = %(version)s",
    "UPDATE plan_versions SET state = 'draft', published_at = NULL WHERE id = %(version)s",
    "DELETE FROM plan_versions WHERE id = %(version)s",
    "UPDATE plan_prices SET components = '[]' WHERE version_id = %(version)s",
    "UPDATE plan_prices SET currency = 'EUR' WHERE version_id = %(version)s",
    "DELETE FROM plan_prices WHERE version_id = %(version)s",
    "UPDATE plan_entitlements SET details = '{}' WHERE version_id = %(version)s",
    "DELETE FROM plan_entitlements WHERE version_id = %(version)s",
    "INSERT INTO plan_entitlements SELECT tenant_id, version_id, gen_random_uuid(), 9, details FROM plan_entitlements"
    " WHERE version_id = %(version)s LIMIT 1",
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_superseded", [False, True])
async def test_nobody_changes_what_was_ever_published(made: Made, change: Any, is_superseded: bool) -> None:
    version = await sold(made.sandbox)
    if is_superseded:
        await update_plan(made.sandbox, "pro", None, {"name": "Second"})
        await publish_plan(made.sandbox, "pro", Rollout())
    await update_plan(made.sandbox, "pro", None, {"name": "Draft"})
    with pytest.raises(psycopg.errors.RaiseException, match="a published version of a plan never changes"):
        async with transaction(made.sandbox) as tx:
            await tx.execute(change, {"version": version.id})
    async with reading(made.sandbox) as tx:
        assert (await store.get_version(tx, "pro", 1)).granted == version.granted


async def test_whether_a_price_is_offered_may_change(made: Made) -> None:
    version = await sold(made.sandbox)
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE plan_prices SET enabled = false WHERE version_id = %s", (version.id,))


async def test_there_is_never_a_second_draft_or_a_second_version_for_sale(made: Made) -> None:
    version = await sold(made.sandbox)
    for state, published_at in (("draft", None), ("published", version.modified_at)):
        await update_plan(made.sandbox, "pro", None, {"name": "Second"})
        with pytest.raises(psycopg.errors.UniqueViolation):
            async with transaction(made.sandbox) as tx:
                await tx.execute(
                    "INSERT INTO plan_versions (tenant_id, id, plan_id, version, state, name, license, created_at,"
                    "  modified_at, published_at) VALUES (%s, gen_random_uuid(), %s, 9, %s, 'x', '{}', %s, %s, %s)",
                    (tx.tenant_id, version.plan_id, state, tx.now, tx.now, published_at),
                )


async def test_publishing_editing_and_discarding_at_once_leave_one_version_for_sale(made: Made) -> None:
    await sold(made.sandbox)
    work = [
        *(update_plan(made.sandbox, "pro", None, {"name": f"N{n}"}) for n in range(6)),
        *(publish_plan(made.sandbox, "pro", Rollout()) for _ in range(6)),
        *(discard_draft(made.sandbox, "pro") for _ in range(6)),
    ]
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    assert {type(outcome).__name__ for outcome in outcomes if isinstance(outcome, BaseException)} <= {"PlanPublished"}
    async with reading(made.sandbox) as tx:
        listed = (await store.list_versions(tx, "pro", Page(1, 100))).results
    states = [version.state.value for version in listed]
    assert states.count("published") == 1
    assert states.count("draft") <= 1
    assert sorted(version.version for version in listed) == list(range(1, len(listed) + 1))


async def test_a_publish_that_fails_half_way_leaves_everything_as_it_was(made: Made) -> None:
    await sold(made.sandbox)
    await sold(made.sandbox, "child")
    await replace_entitlements(made.sandbox, "child", [], "pro", keeps_base=False)
    async with reading(made.sandbox) as tx:
        before = await store.get_version(tx, "child")
    # The record of the rollout is the last statement of publishing.
    async with transaction(made.sandbox) as tx:
        await tx.execute("ALTER TABLE plan_migrations ADD CONSTRAINT nothing CHECK (false) NOT VALID")
    try:
        with pytest.raises(psycopg.errors.CheckViolation):
            await publish_plan(made.sandbox, "child", Rollout(update_features=True))
    finally:
        async with transaction(made.sandbox) as tx:
            await tx.execute("ALTER TABLE plan_migrations DROP CONSTRAINT nothing")
    async with reading(made.sandbox) as tx:
        assert await store.get_version(tx, "child") == before
    await publish_plan(made.sandbox, "child", Rollout(update_features=True))


async def test_two_plans_never_become_each_others_base(made: Made) -> None:
    for number in range(6):
        one, two = f"one-{number}", f"two-{number}"
        for name in (one, two):
            await sold(made.sandbox, name)
        work = [replace_entitlements(made.sandbox, a, [], b, keeps_base=False) for a, b in ((one, two), (two, one))]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        assert sum(isinstance(outcome, InvalidFields) for outcome in outcomes) == 1, outcomes


async def test_a_plan_is_not_discarded_while_another_is_based_on_it(made: Made) -> None:
    await sold(made.sandbox, "child")
    for number in range(10):
        product = await create_product(made.sandbox, NewProduct("Suite", TaxCode.SAAS))
        base = f"base-{number}"
        await create_plan(made.sandbox, NewPlan(product.id, PlanFields("Base"), base))
        discarded, based = await asyncio.gather(
            discard_draft(made.sandbox, base),
            replace_entitlements(made.sandbox, "child", [], base, keeps_base=False),
            return_exceptions=True,
        )
        if discarded is None:
            assert isinstance(based, InvalidFields)
        else:
            assert isinstance(discarded, PlanIsBase)
            assert isinstance(based, PlanVersion)
            assert based.base_plan == base


async def test_prices_are_offered_again_in_what_is_for_sale_and_edited_whoever_comes_first(made: Made) -> None:
    for number in range(8):
        version = await sold(made.sandbox, f"plan-{number}")
        free = [NewPrice(price_type=PriceType.FREE, currency=one, enabled=one == "USD") for one in ("USD", "EUR")]
        await set_prices(made.sandbox, version.identifier, free)
        await publish_plan(made.sandbox, version.identifier, Rollout())
        await update_plan(made.sandbox, version.identifier, None, {"name": "Third"})
        await publish_plan(made.sandbox, version.identifier, Rollout())
        await asyncio.gather(
            update_settings(made.sandbox, version.product_id, {"currency": "EUR"}),
            update_plan(made.sandbox, version.identifier, None, {"name": "Fourth"}),
        )
        async with reading(made.sandbox) as tx:
            offered = [
                {price.currency: price.enabled for price in (await store.get_version(tx, version.identifier, n)).prices}
                for n in (2, 3, 4)
            ]
        assert offered == [{"USD": True, "EUR": False}, *[{"USD": True, "EUR": True}] * 2]


async def test_changes_of_one_thing_at_once_all_stand(made: Made) -> None:
    version = await sold(made.sandbox)
    feature_id = version.own[0].feature_id
    for number in range(5):
        await asyncio.gather(
            update_product(made.sandbox, version.product_id, {"name": f"N{number}"}, [], []),
            update_product(made.sandbox, version.product_id, {"description": f"D{number}"}, [], []),
            update_feature(made.sandbox, feature_id, {"name": f"N{number}"}),
            update_feature(made.sandbox, feature_id, {"description": f"D{number}"}),
        )
        async with reading(made.sandbox) as tx:
            product, feature = await get_product(tx, version.product_id), await get_feature(tx, feature_id)
        assert (product.name, product.description) == (f"N{number}", f"D{number}")
        assert (feature.name, feature.description) == (f"N{number}", f"D{number}")


async def list_whole(tenant: Tenant) -> int:
    async with reading(tenant) as tx:
        listed = await store.list_plans(tx, Page(1, 100), whole=True)
        features = await features_of(tx, [each for version in listed.results for each in version.granted])
    return len(listed.results) + len(features)


async def test_a_list_takes_the_same_statements_however_long_it_is(made: Made) -> None:
    lengths: list[int] = []
    for number in range(3):
        await sold(made.sandbox, f"plan-{number}", features=1 + number)
        async with counting() as statements:
            assert await list_whole(made.sandbox) >= 2 * number
            lengths.append(len(statements))
    assert lengths == [2, 2, 2]


async def test_publishing_takes_the_same_statements_however_much_is_granted(made: Made) -> None:
    lengths: set[int] = set()
    for number, features in enumerate((1, 50)):
        await sold(made.sandbox, f"base-{number}", features)
        await sold(made.sandbox, f"child-{number}", 1)
        await replace_entitlements(made.sandbox, f"child-{number}", [], f"base-{number}", keeps_base=False)
        async with counting() as statements:
            await publish_plan(made.sandbox, f"child-{number}", Rollout(update_features=True))
            lengths.add(len(statements))
        async with reading(made.sandbox) as tx:
            assert len((await store.get_version(tx, f"child-{number}")).granted) == features
    assert len(lengths) == 1, lengths
    assert lengths.pop() <= 15
