"""What stops a request about plans."""

from kelviq_server.core.errors import Refusal


class PlanExists(Refusal):
    """A plan with this identifier already exists."""

    field = "identifier"


class PlanArchived(Refusal):
    """The plan is archived."""


class PlanNotArchived(Refusal):
    """The plan is neither archived nor being edited: there is nothing to restore."""


class VersionFixed(Refusal):
    """This version of the plan was published and never changes; edit the latest one."""


class PlanPublished(Refusal):
    """The latest version of the plan is published already."""


class PlanWithoutPrice(Refusal):
    """The plan has no price; set one before it is published."""


class PriceWithoutCharges(Refusal):
    """A paid price has no charges."""


class CurrencyMissing(Refusal):
    """The published version has a price in a currency that this one lacks."""


class BaseNotPublished(Refusal):
    """The base plan is not published, so there is nothing to inherit yet."""


class PlanIsBase(Refusal):
    """Another plan is based on this one."""


class NoGateway(Refusal):
    """No payment gateway is configured in this environment, so nothing paid can be published."""

    status = 428


class EntitlementExists(Refusal):
    """The plan has an entitlement to this feature already."""


class EntitlementInherited(Refusal):
    """This entitlement comes from the base plan: override it, or change the base plan."""
