"""How often something comes round: charges, and resets of a meter."""

from enum import StrEnum


class ChargePeriod(StrEnum):
    """How often a price is charged."""

    ONE_TIME = "ONE_TIME"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    TWENTY_EIGHT_DAYS = "TWENTY_EIGHT_DAYS"
    MONTHLY = "MONTHLY"
    THREE_MONTHS = "THREE_MONTHS"
    SIX_MONTHS = "SIX_MONTHS"
    YEARLY = "YEARLY"


class Reset(StrEnum):
    """How often a meter begins again."""

    NEVER = "NEVER"
    EVERY_DAY = "EVERY_DAY"
    EVERY_WEEK = "EVERY_WEEK"
    EVERY_28_DAYS = "EVERY_28_DAYS"
    EVERY_MONTH = "EVERY_MONTH"
    EVERY_QUARTER = "EVERY_QUARTER"
    EVERY_YEAR = "EVERY_YEAR"


class ResetTime(StrEnum):
    """From where a meter's periods are counted."""

    # The calendar's: midnight, Monday, the first of a month, in UTC.
    BEGINNING_OF_PERIOD = "BEGINNING_OF_PERIOD"
    # The subscription's anchor.
    SUBSCRIPTION_START = "SUBSCRIPTION_START"
