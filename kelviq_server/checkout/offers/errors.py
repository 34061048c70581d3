"""What stops somebody from buying what a page offers."""

from kelviq_server.core.errors import Refusal


class PlanNotSoldThere(Refusal):
    """This plan is not sold in this country."""

    field = "country"
