"""What others borrow of exchange rates."""

from kelviq_server.catalog.rates.store import RATES

__all__ = ["RATES"]
