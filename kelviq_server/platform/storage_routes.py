"""The local file store over HTTP, outside the API: what browsers post to and download from, as with S3.

Nothing that is served here can run in our origin, whatever its type: the headers forbid it.
"""

import asyncio
from collections.abc import AsyncIterator
from html import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import refusal_answer
from kelviq_server.platform.file_store import current_file_store
from kelviq_server.platform.local_files import PATH, Incoming, LocalFiles
from kelviq_server.platform.public_url import PublicUrl
from kelviq_server.platform.s3_signing import quote_path
from kelviq_server.platform.upload_policy import StorageRefused
from kelviq_server.platform.upload_reader import UploadReader

# An upload may take long, but not stand still.
PIECE_SECONDS = 60
UPLOAD_SECONDS = 6 * 3600
# Written in pieces of this size: each costs a walk to another thread.
WRITE_BYTES = 1024 * 1024
# So much of a refused upload is still read, so that its sender gets to see why; more is cut off.
DRAIN_BYTES = 4 * 1024 * 1024
DRAIN_SECONDS = 10

_OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag, Location, X-Request-Id"}
_PREFLIGHT = _OPEN | {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
_HARMLESS = _OPEN | {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


def storage_routes(public_url: PublicUrl) -> list[Route]:
    """Return the routes of the local file store; without one, nothing is found there."""

    async def post(request: Request) -> Response:
        return await _post(request, public_url)

    return [
        Route(PATH, post, methods=["POST"]),
        Route(PATH.rstrip("/"), post, methods=["POST"]),
        Route(PATH, _preflight, methods=["OPTIONS"]),
        Route(PATH + "{key:path}", _preflight, methods=["OPTIONS"]),
        Route(PATH + "{key:path}", _get, methods=["GET"]),
    ]


async def _preflight(request: Request) -> Response:
    return Response(status_code=204, headers=_PREFLIGHT)


async def _get(request: Request) -> Response:
    files = current_file_store()
    if not isinstance(files, LocalFiles):
        return refusal_answer(NotFound())
    query = request.query_params
    try:
        path = await asyncio.to_thread(files.open_download, request.path_params["key"], query)
    except StorageRefused as refused:
        return _refusal(refused)
    headers = _HARMLESS | {"Cache-Control": "private, max-age=300"}
    headers["Content-Type"] = query.get("response-content-type", "application/octet-stream")
    headers["Content-Disposition"] = query.get("response-content-disposition", "attachment")
    return FileResponse(path, headers=headers)


async def _post(request: Request, public_url: PublicUrl) -> Response:
    files = current_file_store()
    if not isinstance(files, LocalFiles):
        return refusal_answer(NotFound())
    pieces = request.stream()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            key, mark = await _store(files, request.headers.get("content-type", ""), pieces)
    except StorageRefused as refused:
        await _drain(pieces)
        return _refusal(refused)
    except TimeoutError:
        return _refusal(StorageRefused(400, "RequestTimeout", "Your socket connection was not read in time."))
    except ClientDisconnect:
        return _refusal(StorageRefused(400, "IncompleteBody", "The request body terminated unexpectedly."))
    location = public_url.of(request) + PATH + quote_path(key)
    return Response(status_code=204, headers=_OPEN | {"ETag": f'"{mark}"', "Location": location})


async def _store(files: LocalFiles, content_type: str, pieces: AsyncIterator[bytes]) -> tuple[str, str]:
    """Store the file of a form, and return its key and the mark of its content; raises StorageRefused."""
    reader = UploadReader(content_type)
    incoming: Incoming | None = None
    unwritten: list[bytes] = []
    unwritten_bytes = 0
    key = ""
    try:
        while piece := await _next(pieces):
            content = reader.feed(piece)
            if reader.has_file and incoming is None:
                permission = files.permit(reader.fields)
                key = permission.key
                incoming = await asyncio.to_thread(files.receive, permission)
            if content:
                unwritten.append(content)
                unwritten_bytes += len(content)
            if incoming is not None and unwritten_bytes >= WRITE_BYTES:
                await asyncio.to_thread(incoming.write, b"".join(unwritten))
                unwritten, unwritten_bytes = [], 0
        reader.check_end()
        assert incoming is not None
        await asyncio.to_thread(incoming.write, b"".join(unwritten))
        return key, await asyncio.to_thread(incoming.finish)
    finally:
        if incoming is not None:
            incoming.discard()


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    """Return what comes next of a body, or nothing at its end."""
    async with asyncio.timeout(PIECE_SECONDS):
        async for piece in pieces:
            if piece:
                return piece
    return b""


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    left = DRAIN_BYTES
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0 and (piece := await _next(pieces)):
                left -= len(piece)
    except (TimeoutError, ClientDisconnect):
        return


def _refusal(refused: StorageRefused) -> Response:
    # What was not read of the request would otherwise be taken for the next one.
    headers = _HARMLESS | {"Connection": "close"}
    content = _XML.format(refused.code, escape(refused.message, quote=False))
    return Response(content, refused.status, headers, "application/xml")
