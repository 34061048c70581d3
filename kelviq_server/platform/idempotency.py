"""A request that bears an Idempotency-Key is carried out once: who sends it again gets the first answer.

Why in this way: docs/adr/0013-idempotency.md
"""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from kelviq_server.core.errors import Refusal
from kelviq_server.platform import claims
from kelviq_server.platform.answers import Malformed, refusal_answer, whole_body
from kelviq_server.platform.claims import Claim, Claimed, KeyedRequest, RequestUnderWay
from kelviq_server.platform.database import current_pool
from kelviq_server.platform.json_body import canonical
from kelviq_server.platform.operations import Caller, Operation
from kelviq_server.platform.vault import current_vault
from kelviq_server.platform.wire import InvalidFields

log = structlog.get_logger()

HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 255
_KEY = re.compile(rf"[ -~]{{1,{MAX_KEY_CHARACTERS}}}")


class KeyUsedOtherwise(Refusal):
    """This Idempotency-Key belongs to another request; use a new key for a new request."""

    status = 409


class OutcomeUnknown(Refusal):
    """The outcome of the first request with this key is not known; look at what it did before you use another key."""

    status = 409


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as it is kept."""

    status: int
    headers: list[tuple[str, str]]
    body: str


def sent_key(request: Request) -> str | None:
    """Return the key that the request bears, None without one; raises InvalidFields for what is none."""
    sent = [key.strip() for key in request.headers.getlist(HEADER)]
    if not sent:
        return None
    if len(sent) > 1 or not _KEY.fullmatch(sent[0]):
        message = f"Must be one key of 1 to {MAX_KEY_CHARACTERS} printable ASCII characters."
        raise InvalidFields({HEADER: [message]})
    return sent[0]


def keyed_request(key: str, operation: Operation, request: Request, caller: Caller, content: Any) -> KeyedRequest:
    """Return the request as keys know it; `content` is its parsed body. Raises Malformed for absurd nesting.

    Client keys are public: what is done with them has keys of its own, or anybody could use up the merchant's.
    """
    owner_id = caller.tenant.id if caller.partner_id is None else caller.partner_id
    path = request.scope["path"][len(request.scope["root_path"]) :].rstrip("/")
    try:
        text = repr((operation.method, path, request.scope["query_string"], canonical(content)))
    except RecursionError:
        raise Malformed("JSON parse error - the body is nested too deeply") from None
    # Under a secret of ours, so that nobody who reads the table finds out what was sent by trying.
    digest = hmac.digest(current_vault().derive("idempotency"), text.encode(), hashlib.sha256)
    return KeyedRequest(f"{caller.access.value}-{owner_id}", key, digest, operation.resumes)


async def answer_once(request: KeyedRequest, run: Callable[[UUID], Awaitable[Response]]) -> Response:
    """Return what the request's first run answered; `run` is called with the claim's id if there was none.

    Raises what the run raises; KeyUsedOtherwise, RequestUnderWay or OutcomeUnknown where there is nothing to answer.
    """
    now = datetime.now(UTC)
    async with current_pool().connection() as connection:
        claim = await claims.take(connection, request, now)
        if claim is None:
            return _earlier_answer(request, await claims.find(connection, request), now)
    token = claims.current.set(claim)
    is_final = True
    try:
        response = await run(claim.id)
    except Refusal as refusal:
        response, is_final = refusal_answer(refusal), refusal.is_final
    except Exception:
        await _give_up(claim)
        raise
    finally:
        claims.current.reset(token)
    # These say that the same request may be taken later.
    if not is_final or response.status_code >= 500 or response.status_code == 429:
        await _give_up(claim)
    else:
        await _keep(claim, response)
    return response


def _earlier_answer(request: KeyedRequest, earlier: Claimed | None, now: datetime) -> Response:
    if earlier is None:
        # It was given up just now.
        raise RequestUnderWay
    if earlier.request_digest != request.digest:
        raise KeyUsedOtherwise
    if earlier.sealed_answer is None:
        raise RequestUnderWay if earlier.leased_until > now else OutcomeUnknown
    text = current_vault().open(earlier.sealed_answer, _purpose(earlier.id))
    kept = msgspec.json.decode(text, type=_Answer)
    response = Response(kept.body, kept.status)
    headers = [*kept.headers, ("idempotent-replayed", "true")]
    response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return response


async def _keep(claim: Claim, response: Response) -> None:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
    kept = _Answer(response.status_code, headers, whole_body(response).decode())
    sealed = current_vault().seal(msgspec.json.encode(kept).decode(), _purpose(claim.id))
    try:
        async with current_pool().connection() as connection:
            await claims.keep_answer(connection, claim, sealed)
    except (PoolTimeout, OperationalError):
        # What happened is known, and told this once.
        log.exception("answer not kept")


async def _give_up(claim: Claim) -> None:
    # With the database away the lease ends by itself.
    with suppress(PoolTimeout, OperationalError):
        async with current_pool().connection() as connection:
            await claims.give_up(connection, claim)


def _purpose(claim_id: UUID) -> str:
    return f"idempotent answer {claim_id}"
