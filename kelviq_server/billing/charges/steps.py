"""What other modules borrow of charges: how quantities and addresses are spelt."""

from kelviq_server.billing.charges.schemas import LOCATED, ChargeFeature, IpAddress

__all__ = ["LOCATED", "ChargeFeature", "IpAddress"]
