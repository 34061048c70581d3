"""What a file may be called, and what becomes of it."""

import re
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kelviq_server.media import rules
from kelviq_server.media.records import Chore, DueFile, StoredFile
from kelviq_server.media.schemas import PresignedUploadRequest
from kelviq_server.platform.file_store import content_disposition
from kelviq_server.platform.local_files import is_key
from kelviq_server.platform.wire import InvalidFields, read_body

ID = UUID(int=1)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("web-app-manifest-512x512.png", "web-app-manifest-512x512.png"),
        ("größe 😀.png", "größe 😀.png"),
        ("C:\\Users\\ada\\a.png", "a.png"),
        ("../../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..", ""),
        ("..", ""),
        (".", ""),
        ("a/", ""),
        ("  ", ""),
        (".htaccess", ".htaccess"),
        ("..a", "..a"),
        ("${filename}.png", "_{filename}.png"),
        ("invoice\u202egnp.exe", "invoice_gnp.exe"),
        ("a\x00b\nc.png", "a_b_c.png"),
        ("%2e%2e%2fb.png", "%2e%2e%2fb.png"),
    ],
)
def test_a_name_is_the_last_part_of_a_path(given: str, name: str) -> None:
    assert rules.safe_name(given) == name


def test_a_long_name_keeps_its_extension() -> None:
    assert rules.safe_name("a" * 300 + ".jpeg") == "a" * 175 + ".jpeg"
    assert rules.safe_name("ü" * 300 + ".jpeg") == "ü" * 87 + ".jpeg"
    assert rules.safe_name("a." + "b" * 300) == "a." + "b" * 178


@given(st.text())
@example("/" * 3 + ".." + "\\")
@example("a" * 179 + "\u0344" * 5)
def test_no_name_leads_out_of_the_store(text: str) -> None:
    name = rules.safe_name(text)
    assume(name)
    assert len(name.encode()) <= rules.MAX_NAME_BYTES
    assert not re.search(r"[/\\$\x00-\x1f\x7f]", name)
    assert name not in (".", "..")
    assert is_key(f"tmp/{ID}/{name}")


@given(st.text(), st.booleans())
def test_every_name_can_stand_in_the_header_of_a_download(name: str, inline: bool) -> None:
    assume(rules.safe_name(name))
    name = rules.safe_name(name)
    header = content_disposition(name, inline=inline)
    assert header.isascii()
    assert header.isprintable()
    message = EmailMessage()
    message["content-disposition"] = header
    assert message.get_content_disposition() == ("inline" if inline else "attachment")
    full = header.partition("; filename*=UTF-8''")[2]
    assert re.fullmatch(r"([A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})*", full)


@pytest.mark.parametrize("key", ["", "a//b", "/a", "a/", "a/../b", "./a", "a\\b", "a\0", "a/\n", "a/\ud800", "a" * 256])
def test_what_would_lead_elsewhere_is_no_key(key: str) -> None:
    assert not is_key(key)


@pytest.mark.parametrize(
    "type", ["image/png", "application/vnd.api+json", "text/plain; charset=utf-8", "text/x;charset=a"]
)
def test_a_media_type_is_taken_as_it_is(type: str) -> None:
    assert read_body(PresignedUploadRequest, {"fileName": "a", "fileType": type}).file_type == type


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"fileName": ["This field is required."], "fileType": ["This field is required."]}),
        (
            {"fileName": " ", "fileType": ""},
            {"fileName": ["This field may not be blank."], "fileType": ["This field may not be blank."]},
        ),
        ({"fileName": "a/..", "fileType": "a/b"}, {"fileName": ["Enter a valid file name."]}),
        ({"fileName": "a\x07", "fileType": "a/b"}, {"fileName": ["Control characters are not allowed."]}),
        *(
            ({"fileName": "a", "fileType": type}, {"fileType": ["Enter a valid MIME type."]})
            for type in ("png", "image/", "/png", "image/png\n", "image/png\r\nX: y", "a b/c", "ü/png", "image/*;q=1")
        ),
    ],
)
def test_what_cannot_be_uploaded_is_told_by_field(body: dict[str, str], errors: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidFields) as refused:
        read_body(PresignedUploadRequest, body)
    assert refused.value.errors == errors


@pytest.mark.parametrize(("type", "inline"), [("image/PNG", True), ("IMAGE/svg+xml", True), ("text/html", False)])
def test_only_pictures_are_shown_in_place(type: str, inline: bool) -> None:
    assert rules.is_shown_inline(StoredFile(ID, "k", "n", type, 1, True)) is inline


@pytest.mark.parametrize(
    ("type", "size_bytes", "is_passed_on"),
    [("image/png", 10 * 1024**2, True), ("image/png", 10 * 1024**2 + 1, False), ("text/html", 1, False)],
)
def test_only_pictures_of_ten_megabytes_are_passed_on(type: str, size_bytes: int, is_passed_on: bool) -> None:
    assert rules.is_passed_on(StoredFile(ID, "k", "n", type, size_bytes, True)) is is_passed_on


@pytest.mark.parametrize(
    ("is_attached", "is_released", "is_swept", "chore"),
    [
        (False, False, False, Chore.MARK),
        (False, False, True, Chore.DELETE),
        (True, False, False, Chore.CLEAR),
        (True, True, False, Chore.MARK),
        (True, True, True, Chore.DELETE),
    ],
)
def test_what_the_sweep_does(is_attached: bool, is_released: bool, is_swept: bool, chore: Chore) -> None:
    assert rules.chore(DueFile(1, ID, "u", "f", is_attached, is_released, is_swept)) is chore
