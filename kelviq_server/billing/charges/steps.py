"""What other modules borrow of charges: how quantities and addresses are spelt."""

from kelviq_server.billing.charges.schemas import ChargeFeature, IpAddress

__all__ = ["ChargeFeature", "IpAddress"]
