"""Asking for an upload, and looking at what is public."""

from uuid import UUID

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.media import rules, store
from kelviq_server.media.actions.prepare_upload import prepare_upload
from kelviq_server.media.schemas import PresignedUploadRequest, PresignedUploadResponse
from kelviq_server.platform.answers import model_answer, redirect_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.file_store import current_file_store
from kelviq_server.platform.operations import Access, Call, Operations

# Less than an address of the file store is good for.
CACHE_SECONDS = 300

operations = Operations("Media", Access.SERVER)
public_operations = Operations("Media", Access.PUBLIC)


@operations.add(
    "POST",
    "/media/",
    "createPresignedUploadUrl",
    summary="Generate a presigned upload URL",
    body=PresignedUploadRequest,
    answer=PresignedUploadResponse,
)
async def prepare(call: Call[PresignedUploadRequest]) -> Response:
    """Returns a presigned POST policy that lets you upload a single file, of at most 5 GB, within an hour.

    1. `POST /media/` with `fileName` and `fileType`.
    2. Build a `multipart/form-data` request: every key and value of `fields` as a form field, then a last field
       `file` with the content.
    3. `POST` that form to the returned `url`. `204 No Content` means the upload succeeded.
    4. Pass `fileKey` to the catalog, as one of `imageKeys` or `fileKeys`, within a day.
    """
    upload, form = await prepare_upload(call.tenant, call.body.file_name, call.body.file_type, call.base_url)
    return model_answer(PresignedUploadResponse(url=form.url, fields=dict(form.fields), file_key=upload.upload_key))


@public_operations.add(
    "GET",
    "/media/{id}/{fileName}",
    "viewMediaFile",
    summary="View a public file",
    status=302,
    path_schemas={"id": {"type": "string", "format": "uuid"}},
    refuses=[NotFound],
)
async def view(call: Call[None]) -> Response:
    """Leads to a file that anybody may see, such as a product's image. The name is for people: the id decides."""
    try:
        id = UUID(call.path("id"))
    except ValueError:
        raise NotFound from None
    async with reading(call.tenant) as tx:
        file = await store.get_public_file(tx, id)
    location = current_file_store().download_url(
        file.file_key,
        file_name=file.file_name,
        content_type=file.content_type,
        base_url=call.base_url,
        inline=rules.is_shown_inline(file),
    )
    return redirect_answer(location, CACHE_SECONDS)
