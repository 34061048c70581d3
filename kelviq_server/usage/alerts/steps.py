"""How merchants are told that usage has reached a threshold."""

from collections.abc import Sequence

from kelviq_server.catalog.features import steps as features
from kelviq_server.customers import steps as customers
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.usage.alerts.events import FeatureUsageAlert
from kelviq_server.usage.counting.records import Crossing


async def tell(tx: Tx, crossings: Sequence[Crossing]) -> None:
    """Announce that thresholds were reached; whoever counted has noted that they were."""
    named = await features.list_by_id(tx, {each.allowance.feature_id for each in crossings})
    buyers = await customers.list_by_id(tx, {each.allowance.customer_id for each in crossings})
    for each in crossings:
        allowance, feature = each.allowance, named[each.allowance.feature_id]
        assert allowance.alert_type is not None
        tx.announce(
            FeatureUsageAlert(
                id=new_id(tx.now),
                feature_id=feature.id,
                feature=feature.identifier,
                feature_name=feature.name,
                customer=customers.summary_of(buyers[allowance.customer_id]),
                subscription_id=allowance.subscription_id,
                usage_limit=each.allowed,
                current_usage=each.used,
                threshold_type=allowance.alert_type,
                threshold=each.threshold,
                period=allowance.span,
                at=tx.now,
                organization=tx.tenant.organization,
            )
        )
