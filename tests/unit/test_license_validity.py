"""Whoever has paid each time is never told that their licence has expired, and nobody else's holds for longer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import Raw

from kelviq_server.entitlements.license_keys.events import EXAMPLE_LICENSE as LICENSE
from kelviq_server.licenses import rules
from kelviq_server.licenses.records import Holder, Instance, LicensedPlan, LicensedProduct, WholeLicense
from kelviq_server.licenses.signing.rules import signed_until
from kelviq_server.subscriptions.life.events import EXAMPLE as SUBSCRIPTION
from kelviq_server.subscriptions.life.records import SubscriptionStatus

END = datetime(2031, 2, 28, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_PLAN = LicensedPlan(
    "pro", "Pro", "", 1, is_latest=True, product=LicensedProduct(UUID(int=1), "suite", "Suite", "saas", END, END)
)


_HERE = Instance(UUID(int=2), None, Raw(b"{}"), END - timedelta(days=20), END)


def whole(now: datetime, license: dict[str, Any], subscription: dict[str, Any]) -> WholeLicense:
    """Return a licence of a subscription whose period ends then."""
    ends: dict[str, Any] = {"period_end": END, "ends_at": None, "status": SubscriptionStatus.ACTIVE}
    return WholeLicense(
        now,
        replace(LICENSE, **{"expires_at": END, "ends_at": None} | license),
        Holder("ada", None, None, is_archived=False),
        _PLAN,
        replace(SUBSCRIPTION, **ends | subscription),
    )


@pytest.mark.parametrize(
    ("now", "license", "subscription", "is_over"),
    [
        (END - SECOND, {}, {}, False),
        (END, {}, {}, False),
        (END + timedelta(hours=5), {}, {}, False),
        (END, {"expires_at": None}, {}, False),
        (END, {}, {"status": SubscriptionStatus.CANCELED}, True),
        (END, {}, {"ends_at": END}, True),
        (END, {"ends_at": END}, {}, True),
        (END, {"expires_at": END - SECOND}, {}, True),
        (END - SECOND, {"expires_at": END - SECOND}, {}, True),
        # It holds for longer than the period.
        (END + SECOND, {"expires_at": END + timedelta(days=1)}, {}, False),
        (END, {"expires_at": None, "ends_at": END}, {}, True),
    ],
)
def test_it_holds_until_what_it_came_with_is_renewed(
    now: datetime, license: dict[str, Any], subscription: dict[str, Any], is_over: bool
) -> None:
    assert rules.is_over(whole(now, license, subscription)) is is_over


@pytest.mark.parametrize(
    ("now", "license", "until"),
    [
        (END - timedelta(days=40), {}, END - timedelta(days=10)),
        (END - timedelta(days=4), {}, END),
        (END, {"expires_at": None}, END + timedelta(days=30)),
        # Until the renewal, which is about to come.
        (END + SECOND, {}, END + SECOND + timedelta(days=1)),
    ],
)
def test_a_document_holds_as_long_as_the_licence_and_a_day_over_its_renewal(
    now: datetime, license: dict[str, Any], until: datetime
) -> None:
    assert signed_until(replace(whole(now, license, {}), instance=_HERE), 30) == until
