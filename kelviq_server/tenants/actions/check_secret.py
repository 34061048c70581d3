"""See that this process was given the instance secret that the database was first used with."""

import hmac

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.platform.settings import WrongSetting
from kelviq_server.platform.vault import Vault
from kelviq_server.tenants import store


async def check_secret(vault: Vault) -> None:
    """Raise WrongSetting when the secret is another one: what is sealed could not be read."""
    async with transaction(INSTANCE) as tx:
        proof = await store.insert_secret_proof(tx, vault.proof())
    if not hmac.compare_digest(proof, vault.proof()):
        raise WrongSetting("secret (KELVIQ_SECRET): this database was first used with another instance secret")
