"""What other modules borrow of features: all of an environment."""

from kelviq_server.catalog.features.store import list_all, list_by_id

__all__ = ["list_all", "list_by_id"]
