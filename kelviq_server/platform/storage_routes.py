"""The local file store over HTTP, outside the API: what browsers post to and download from, as with S3.

Nothing that is served here can run in our origin, whatever its type: the headers forbid it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from html import escape

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kelviq_server.platform.file_store import HARMLESS, FileStore
from kelviq_server.platform.local_files import PATH, Incoming, LocalFiles
from kelviq_server.platform.public_url import PublicUrl
from kelviq_server.platform.s3_signing import quote_path
from kelviq_server.platform.upload_policy import StorageRefused
from kelviq_server.platform.upload_reader import UploadReader

# An upload may take long, but not stand still.
PIECE_SECONDS = 60
FIELDS_SECONDS = 30
UPLOAD_SECONDS = 6 * 3600
# So much of a refused upload is read after the answer, so that its sender gets to see it; more is cut off.
DRAIN_BYTES = 4 * 1024 * 1024
DRAIN_SECONDS = 10

_OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag, Location, X-Request-Id"}
_PREFLIGHT = _OPEN | {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
_HARMLESS = _OPEN | HARMLESS | {"Cross-Origin-Resource-Policy": "cross-origin"}
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


def storage_routes(file_store: Callable[[], FileStore], public_url: PublicUrl) -> list[Route]:
    """Return the routes of the local file store; where the store is another one, nothing is found there."""

    async def post(request: Request) -> Response:
        files = file_store()
        if not isinstance(files, LocalFiles):
            raise HTTPException(404)
        return await _post(files, request, public_url)

    async def get(request: Request) -> Response:
        files = file_store()
        if not isinstance(files, LocalFiles):
            raise HTTPException(404)
        return await _get(files, request)

    return [
        Route(PATH, post, methods=["POST"]),
        Route(PATH.rstrip("/"), post, methods=["POST"]),
        Route(PATH, _preflight, methods=["OPTIONS"]),
        Route(PATH + "{key:path}", _preflight, methods=["OPTIONS"]),
        Route(PATH + "{key:path}", get, methods=["GET"]),
    ]


async def _preflight(request: Request) -> Response:
    return Response(status_code=204, headers=_PREFLIGHT)


async def _get(files: LocalFiles, request: Request) -> Response:
    query = request.query_params
    try:
        path = await asyncio.to_thread(files.open_download, request.path_params["key"], query)
    except StorageRefused as refused:
        return _refusal(refused)
    headers = _HARMLESS | {"Cache-Control": "private, max-age=300"}
    headers["Content-Type"] = query.get("response-content-type", "application/octet-stream")
    headers["Content-Disposition"] = query.get("response-content-disposition", "attachment")
    return FileResponse(path, headers=headers)


async def _post(files: LocalFiles, request: Request, public_url: PublicUrl) -> Response:
    pieces = request.stream()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            key, mark = await _store(files, request.headers.get("content-type", ""), pieces)
    except StorageRefused as refused:
        return _refusal(refused, pieces)
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
    key = ""
    try:
        async with asyncio.timeout(FIELDS_SECONDS) as patience:
            while piece := await _next(pieces):
                content = reader.feed(piece)
                if reader.has_file and incoming is None:
                    permission = files.permit(reader.fields)
                    # Only whoever may upload at all may take long over it.
                    patience.reschedule(None)
                    key = permission.key
                    incoming = await asyncio.to_thread(files.receive, permission)
                if incoming is not None and incoming.take(content):
                    await asyncio.to_thread(incoming.write)
        reader.check_end()
        assert incoming is not None
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


def _refusal(refused: StorageRefused, pieces: AsyncIterator[bytes] | None = None) -> Response:
    content = _XML.format(refused.code, escape(refused.message, quote=False))
    if pieces is None:
        return Response(content, refused.status, _HARMLESS, "application/xml")
    return _Interruption(content, refused.status, pieces)


class _Interruption(Response):
    """An answer given while the request is still coming in."""

    def __init__(self, content: str, status: int, pieces: AsyncIterator[bytes]) -> None:
        # What was not read of the request would otherwise be taken for the next one.
        super().__init__(content, status, _HARMLESS | {"Connection": "close"}, "application/xml")
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer whole, and go on reading for a while before the connection ends."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await _drain(self._pieces)
        await send({"type": "http.response.body", "body": b""})
