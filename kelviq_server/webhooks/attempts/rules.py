"""Which attempts are listed."""

from datetime import date, timedelta

from kelviq_server.webhooks.attempts.records import Days

KEPT_DAYS = 30


def listed_days(first: date | None, last: date | None, today: date) -> Days:
    """Return which days of attempts are listed: those asked for, as far as they are among the latest 30."""
    earliest = today - timedelta(days=KEPT_DAYS)
    return Days(max(first or earliest, earliest), min(last or today, today))
