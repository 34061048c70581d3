"""Stories speak HTTP alone, to the application in process."""

from tests.api.conftest import api, app, fees, pool

__all__ = ["api", "app", "fees", "pool"]
