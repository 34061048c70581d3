"""Media as the wire spells it."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from kelviq_server.media.rules import safe_name
from kelviq_server.platform.wire import Answer, Body, Text

_TOKEN = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,99}"  # noqa: S105 - a grammar, not a secret
# RFC 6838, with the one parameter that browsers add to texts.
_MEDIA_TYPE = rf"{_TOKEN}/{_TOKEN}(; ?charset=[A-Za-z0-9_-]{{1,30}})?"
# The last part of the path holds something besides dots and white space.
_FILE_NAME = (
    r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*"
    r"[^\x00-\x1f\x7f-\x9f\s./\\]"
    r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f/\\]*$"
)


def _name_of_file(value: str) -> str:
    if not value:
        raise PydanticCustomError("blank", "This field may not be blank.")
    name = safe_name(value)
    if not name:
        raise PydanticCustomError("text", "Enter a valid file name.")
    return name


def _media_type(value: str) -> str:
    if not value:
        raise PydanticCustomError("blank", "This field may not be blank.")
    if not re.fullmatch(_MEDIA_TYPE, value):
        raise PydanticCustomError("text", "Enter a valid MIME type.")
    return value


class PresignedUploadRequest(Body):
    """Request a presigned POST policy for uploading a single file of at most 5 GB.

    The returned `fileKey` is a temporary `tmp/<uuid>/<fileName>` path that can be passed to product and plan
    endpoints as one of `imageKeys` or `fileKeys`.
    """

    file_name: Annotated[
        Text,
        Field(
            description="Name of the file, the end of the object's key. Of a path, the last part counts.",
            examples=["web-app-manifest-512x512.png"],
            json_schema_extra={"pattern": _FILE_NAME},
        ),
        AfterValidator(_name_of_file),
    ]
    file_type: Annotated[
        str,
        Field(
            description="MIME type of the file. Enforced by the presigned policy on upload.",
            examples=["image/png"],
            max_length=255,
            json_schema_extra={"pattern": f"^{_MEDIA_TYPE}$"},
        ),
        AfterValidator(_media_type),
    ]


class PresignedUploadResponse(Answer):
    """Presigned POST policy, for S3 or the built-in store, which speaks the same protocol.

    Upload the file by sending a `multipart/form-data` POST to `url` with every key of `fields` as a form field,
    and a last field `file` with the content.
    """

    url: str = Field(description="Address to POST the upload to.", json_schema_extra={"format": "uri"})
    fields: dict[str, str] = Field(
        description="Form fields to include in the POST: policy, signature, content type and so on."
    )
    file_key: str = Field(
        description="Temporary key of the uploaded object: one of `imageKeys` or `fileKeys` elsewhere.",
        examples=["tmp/108713b0-1f81-42cf-a16c-c83b1d4d4148/web-app-manifest-512x512.png"],
    )
