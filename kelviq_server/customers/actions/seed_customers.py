from kelviq_server.platform.database import Tenant


async def seed_customers(tenant: Tenant, count: int, advance) -> None: ...
