"""Why a customer may use a feature, or may not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.core.allowance import Counter
from kelviq_server.entitlements.records import Judgement, Override


@dataclass(frozen=True, slots=True)
class ExplainedGrant:
    """What one of their subscriptions gives them, or an override alone, and what led to that."""

    judgement: Judgement
    # None where nothing but an override grants it.
    version: PlanVersion | None
    # Of a METER: what was used in the current period.
    counter: Counter | None
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a customer may use a feature, and what led to that."""

    has_access: bool
    rule: str
    feature_type: FeatureType | None = None
    override: Override | None = None
    is_override_in_force: bool = False
    grants: Sequence[ExplainedGrant] = field(default_factory=list[ExplainedGrant])
