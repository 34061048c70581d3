"""What others borrow of entitlements: a subscription that begins or changes grants, one that ends does not."""

from kelviq_server.catalog.plans import steps as plans
from kelviq_server.entitlements import rules, store
from kelviq_server.entitlements.records import Grant, Holding
from kelviq_server.entitlements.rules import judged
from kelviq_server.entitlements.store import find_override, list_standings
from kelviq_server.platform.database import Tx
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.allowances.records import Holder

__all__ = ["find_override", "hold", "judged", "list_standings", "release"]


async def hold(tx: Tx, holding: Holding) -> None:
    """Let a locked customer have what a subscription grants, in place of what it granted before."""
    features = await plans.features_of(tx, holding.version.granted)
    features |= await plans.priced_features(tx, holding.price)
    entries, meters = rules.granted_by(holding, features)
    holder = Holder(holding.customer_id, holding.lineage_id, holding.subscription_id, holding.ends_at)
    overrides = await store.list_overrides(tx, holding.customer_id)
    await allowances.regrant(tx, holder, meters, {each.feature_id: rules.limit_of(each) for each in overrides})
    grant = Grant(holding.lineage_id, holding.subscription_id, holding.version.id, holding.ends_at, entries, tx.now)
    await store.insert_grant(tx, holding.customer_id, grant)


async def release(tx: Tx, holder: Holder) -> None:
    """Let a locked customer no longer have what a subscription granted."""
    overrides = await store.list_overrides(tx, holder.customer_id)
    await allowances.regrant(tx, holder, [], {each.feature_id: rules.limit_of(each) for each in overrides})
    await store.delete_grant(tx, holder)
