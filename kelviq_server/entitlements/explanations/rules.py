"""What led to somebody's access, in a sentence: pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.entitlements.explanations.records import ExplainedGrant, Explanation
from kelviq_server.entitlements.records import Judgement, Standing
from kelviq_server.usage.meters.records import Meter


def unknown_customer(*, is_archived: bool) -> Explanation:
    """Return why somebody has no access who is no customer, or no longer one."""
    return Explanation(False, "The customer is archived." if is_archived else "There is no customer with this id.")


def unknown_feature() -> Explanation:
    """Return why nobody has access to what is no feature."""
    return Explanation(False, "There is no feature with this identifier.")


def explained(
    standing: Standing,
    feature: Meter,
    judgements: Sequence[Judgement],
    versions: Mapping[UUID, PlanVersion],
) -> Explanation:
    """Return why a customer has access to a feature, or not; `judgements` are of this feature alone."""
    override = next((each for each in standing.overrides if each.feature_id == feature.id), None)
    grants = [
        ExplainedGrant(
            each,
            None if each.grant is None else versions[each.grant.version_id],
            None if each.allowance is None else each.allowance.counter(feature.aggregation),
            rule_of(each),
        )
        for each in judgements
    ]
    giving = next((each for each in grants if each.judgement.access.has_access), next(iter(grants), None))
    return Explanation(
        giving is not None and giving.judgement.access.has_access,
        _nothing_grants(standing, has_expired=override is not None) if giving is None else giving.rule,
        feature.feature_type,
        override,
        override is not None and override.holds_at(standing.now),
        grants,
    )


def _nothing_grants(standing: Standing, *, has_expired: bool) -> str:
    has_subscription = any(grant.ends_at is None or standing.now < grant.ends_at for grant in standing.grants)
    reason = (
        "None of their plans grants the feature" if has_subscription else "The customer has no subscription in force"
    )
    return f"{reason}, and its override has expired." if has_expired else f"{reason}."


def rule_of(judgement: Judgement) -> str:
    """Return what led to access by one of somebody's subscriptions, or to none."""
    access, override = judgement.access, judgement.override
    source = "The plan" if override is None else "An override"
    if access.feature_type is FeatureType.BOOLEAN:
        return f"{source} turns it {'on' if access.has_access else 'off'}."
    if access.feature_type is FeatureType.CUSTOMIZABLE:
        number = "no number" if access.limit is None else f"it to {access.limit}"
        return f"{source} sets {number}, which gives {'' if access.has_access else 'no '}access."
    allowance = judgement.allowance
    assert allowance is not None
    if access.left is None or access.limit is None:
        return f"{source} sets no limit."
    if access.left > 0:
        carried = f", with {allowance.carried} carried over" if allowance.carried else ""
        return f"{source} sets the limit, and {access.left} of {access.limit} are left{carried}."
    reached = f"{source} sets the limit, and all of {access.limit} is used"
    if override is not None and override.value and not allowance.override_limit:
        reached = "What an override gives counts for another of their subscriptions"
    return f"{reached}, but the limit is soft." if access.has_access else f"{reached}, and the limit is hard."
