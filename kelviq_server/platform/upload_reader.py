"""Reads a multipart form with one file at its end, piece by piece: the file is never held as a whole."""

from email.message import Message
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from kelviq_server.platform.upload_policy import StorageRefused

MAX_FIELDS = 40
# Names and values together, as with S3.
MAX_FIELD_BYTES = 20 * 1024
MAX_HEADERS = 8
MAX_HEADER_BYTES = 4 * 1024
# Everything before the file, with the lines between the fields; and everything after it.
MAX_BESIDES_BYTES = 64 * 1024


class UploadReader:
    """The form as far as it has been read. What comes after the file is read and ignored, as S3 does."""

    def __init__(self, content_type: str) -> None:
        """Raises StorageRefused unless this is the content type of such a form."""
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_param("boundary")
        if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
            raise StorageRefused(
                412, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data."
            )
        self.fields: dict[str, str] = {}
        self.has_file = False
        self.is_complete = False
        self._file_ended = False
        self._besides = 0
        self._field_bytes = 0
        self._name: str | None = None
        self._value = bytearray()
        self._headers: dict[str, str] = {}
        self._header = (bytearray(), bytearray())
        self._taken: list[bytes] = []
        self._parser = _parser(boundary, self)

    def feed(self, chunk: bytes) -> bytes:
        """Read on, and return what of the file was in this piece; raises StorageRefused."""
        self._taken = []
        try:
            self._parser.write(chunk)
        except (FormParserError, UnicodeDecodeError):
            raise _malformed() from None
        content = b"".join(self._taken)
        self._besides += len(chunk) - len(content)
        if self._besides > MAX_BESIDES_BYTES:
            raise _too_much_besides()
        return content

    def check_end(self) -> None:
        """Refuse a form that broke off, or that has no file."""
        if not self.is_complete:
            raise _malformed()
        if not self.has_file:
            raise StorageRefused(400, "InvalidArgument", "POST requires exactly one file upload per request.")

    def on_part_begin(self) -> None:
        """Begin a part."""
        self._name, self._value, self._headers = None, bytearray(), {}

    def on_header_begin(self) -> None:
        """Begin a header of a part."""
        self._header = (bytearray(), bytearray())

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        """Read on in a header's name."""
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        """Read on in a header's value."""
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        """Keep a header that was read."""
        self._headers[self._header[0].decode("latin-1").lower()] = self._header[1].decode(errors="replace")

    def on_headers_finished(self) -> None:
        """Tell a field from the file."""
        header = Message()
        header["content-disposition"] = self._headers.get("content-disposition", "")
        name = header.get_param("name", header="content-disposition")
        if header.get_content_disposition() != "form-data" or not isinstance(name, str):
            raise _malformed()
        self._name = name.lower()
        if self._name == "file" and not self._file_ended:
            self.has_file = True

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Read on in a value, or in the file."""
        if self.has_file and not self._file_ended:
            self._taken.append(data[start:end])
        elif not self.has_file:
            self._field_bytes += end - start
            if self._field_bytes > MAX_FIELD_BYTES:
                raise _too_much_besides()
            self._value.extend(data[start:end])

    def on_part_end(self) -> None:
        """Keep a field that was read; the file ends the fields."""
        if self.has_file:
            self._file_ended = True
            return
        assert self._name is not None
        if self._name in self.fields:
            raise StorageRefused(400, "InvalidArgument", "A field stands in the form twice.")
        if len(self.fields) >= MAX_FIELDS:
            raise _too_much_besides()
        self.fields[self._name] = self._value.decode()

    def on_end(self) -> None:
        """Note that the form ended as it should."""
        self.is_complete = True


def _parser(boundary: str, form: UploadReader) -> MultipartParser:
    names = ("part_begin", "header_begin", "header_field", "header_value", "header_end", "headers_finished")
    callbacks: Any = {f"on_{name}": getattr(form, f"on_{name}") for name in (*names, "part_data", "part_end", "end")}
    try:
        return MultipartParser(boundary, callbacks, max_header_count=MAX_HEADERS, max_header_size=MAX_HEADER_BYTES)
    except (FormParserError, UnicodeEncodeError):
        raise _malformed() from None


def _malformed() -> StorageRefused:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return StorageRefused(400, "MalformedPOSTRequest", message)


def _too_much_besides() -> StorageRefused:
    message = "Your POST request fields preceding the upload file were too large."
    return StorageRefused(400, "MaxPostPreDataLengthExceeded", message)
