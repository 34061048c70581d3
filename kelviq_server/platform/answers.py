"""What goes back: JSON answers, and the one renderer of everything that stops a request."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kelviq_server.core.errors import Refusal
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.wire import Answer, InvalidFields


class Unauthenticated(Refusal):
    """Authentication credentials were not provided."""

    status = 401


class InvalidKey(Refusal):
    """Invalid API key."""

    status = 401


class Forbidden(Refusal):
    """You do not have permission to perform this action."""

    status = 403


class BodyTooLarge(Refusal):
    """The request body is larger than 1 MiB."""

    status = 413


class BodyTooSlow(Refusal):
    """The request body did not arrive within 30 seconds."""

    status = 408


class UnsupportedMediaType(Refusal):
    """Only application/json in UTF-8 is read."""

    status = 415


class Malformed(Refusal):
    """JSON parse error."""


class Throttled(Refusal):
    """Request was throttled."""

    status = 429

    @classmethod
    def for_seconds(cls, wait_seconds: int) -> Self:
        """Return the refusal of who may come again after so long."""
        throttled = cls(f"Request was throttled. Expected available in {wait_seconds} seconds.")
        throttled.retry_after_seconds = wait_seconds
        return throttled


class Unavailable(Refusal):
    """The service is temporarily unavailable."""

    status = 503
    retry_after_seconds = 1


def json_answer(content: Any, status: int = 200) -> Response:
    """Return an answer whose body is this value, made of what JSON has."""
    return raw_answer(dump(content), status)


def model_answer(content: Answer, status: int = 200) -> Response:
    """Return an answer of this shape."""
    return raw_answer(content.model_dump_json(by_alias=True), status)


def raw_answer(content: bytes | str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose body is JSON already."""
    return Response(content, status, headers, "application/json")


class PartsResponse(Response):
    """An answer whose body is sent piece by piece, so that a large piece is never copied into a whole."""

    def __init__(self, parts: Sequence[bytes], media_type: str) -> None:
        super().__init__(None, 200, {"Content-Length": str(sum(map(len, parts)))}, media_type)
        self.parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for part in self.parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": self.parts[-1]})


def whole_body(response: Response) -> bytes:
    """Return the body of an answer in one piece."""
    return b"".join(response.parts) if isinstance(response, PartsResponse) else bytes(response.body)


def parts_answer(parts: Sequence[bytes]) -> Response:
    """Return an answer whose body is JSON when these pieces are put together."""
    return PartsResponse(parts, "application/json")


def empty_answer() -> Response:
    """Return the answer that has no body."""
    return Response(status_code=204)


def redirect_answer(location: str, cache_seconds: int | None = None) -> Response:
    """Return the answer that sends the caller to another address; with seconds, anybody may remember it so long."""
    headers = {"Location": location}
    if cache_seconds is not None:
        headers["Cache-Control"] = f"public, max-age={cache_seconds}"
    return Response(status_code=302, headers=headers)


def tagged_answer(request: Request, content: Any) -> Response:
    """Return an answer that whoever has it already need not be sent again: 304 where they say so."""
    body = dump(content)
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return Response(status_code=304, headers=headers) if tag in known else raw_answer(body, headers=headers)


def refusal_answer(refusal: Refusal) -> Response:
    """Return the answer that tells the caller why the request stopped."""
    headers: dict[str, str] = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    if refusal.status in (408, 413):
        # What was not read would otherwise be taken for the next request.
        headers["Connection"] = "close"
    return raw_answer(dump(refusal_content(refusal)), refusal.status, headers)


def refusal_content(refusal: Refusal) -> dict[str, Any]:
    """Return what the body of such an answer says."""
    if isinstance(refusal, InvalidFields):
        return refusal.errors
    return {refusal.key: refusal.text} if refusal.field is None else {refusal.field: [refusal.text]}
