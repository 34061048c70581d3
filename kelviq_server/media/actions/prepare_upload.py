"""Prepare the upload of a file."""

from kelviq_server.media import rules, store
from kelviq_server.media.records import Upload
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.file_store import UploadForm, current_file_store
from kelviq_server.platform.ids import new_id


async def prepare_upload(tenant: Tenant, name: str, content_type: str, base_url: str) -> tuple[Upload, UploadForm]:
    """Return where a file is to be posted, and under which key it can be attached for a day; the name is safe."""
    async with transaction(tenant) as tx:
        id = new_id(tx.now)
        upload = Upload(id, f"tmp/{id}/{name}", f"media/{id}/{name}", name, content_type)
        form = current_file_store().upload_form(upload.upload_key, content_type, base_url)
        await store.insert_upload(tx, upload, form.signed_at + rules.ATTACHABLE)
    return upload, form
