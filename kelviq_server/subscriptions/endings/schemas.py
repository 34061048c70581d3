"""Cancellations as the wire spells them."""

from collections.abc import Iterator
from uuid import UUID

from pydantic import Field

from kelviq_server.platform.values import Day
from kelviq_server.platform.wire import Answer, Body, Description, Path, refuse_faults
from kelviq_server.subscriptions.endings.records import Cancel, CancellationType
from kelviq_server.subscriptions.life.records import CancellationFeedback


class CancelSubscriptionRequest(Body):
    """When a subscription is to end, and why."""

    cancellation_type: CancellationType = Field(
        description="At once, with the current period, or on a date. Nothing is refunded."
    )
    cancellation_date: Day | None = Field(
        None,
        description="Of a SPECIFIC_DATE, in the organization's time zone: it ends as this day begins; today, at once.",
        examples=["2025-12-31"],
    )
    cancellation_feedback: CancellationFeedback | None = Field(None, description="Why the customer leaves.")
    cancellation_comment: Description | None = Field(None, description="The same in the customer's words.")

    def cancel(self, id: UUID, request_id: UUID | None) -> Cancel:
        """Return the cancellation; raises InvalidFields without the date that it needs."""
        refuse_faults(self._faults())
        on = self.cancellation_date if self.cancellation_type is CancellationType.SPECIFIC_DATE else None
        return Cancel(
            id,
            self.cancellation_type,
            on,
            self.cancellation_feedback,
            self.cancellation_comment,
            request_id=request_id,
        )

    def _faults(self) -> Iterator[tuple[Path, str]]:
        if self.cancellation_type is CancellationType.SPECIFIC_DATE and self.cancellation_date is None:
            yield ("cancellationDate",), "This field is required."


class CancelSubscriptionResponse(Answer):
    """That it is done."""

    message: str = Field(examples=["Subscription cancellation processed successfully."])
