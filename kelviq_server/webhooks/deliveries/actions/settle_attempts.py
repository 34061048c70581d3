"""Write down what came of attempts."""

from collections.abc import Sequence

import structlog

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.webhooks.attempts import store as attempts_store
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.deliveries.records import Attempt

log = structlog.get_logger()


async def settle_attempts(attempts: Sequence[Attempt]) -> None:
    """Let deliveries leave, wait or step aside, list the attempts, and note how the endpoints fare.

    Where somebody else took the lane meanwhile, because this took too long, only the attempt is listed.
    """
    async with transaction(INSTANCE) as tx:
        held = set(await store.lock_taken(tx, [attempt.delivery.taken for attempt in attempts]))
        await store.update_settled(tx, [attempt for attempt in attempts if attempt.delivery.taken in held])
        news = rules.health(attempts)
        disabled = await store.update_health(tx, news, rules.PATIENCE) if news else []
        await attempts_store.insert_attempts(tx, attempts)
    for id in disabled:
        log.warning("webhook endpoint disabled", endpoint_id=str(id))
