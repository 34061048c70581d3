"""What the built-in file store does by itself: it reads forms piece by piece, and lets nobody out of its directory."""

import os
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_connection
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.platform import storage_routes as routes
from kelviq_server.platform.file_store import UploadForm
from kelviq_server.platform.local_files import LocalFiles
from kelviq_server.platform.public_url import PublicUrl
from kelviq_server.platform.s3_signing import Credentials, signed_form
from kelviq_server.platform.storage_routes import storage_routes
from kelviq_server.platform.upload_policy import StorageRefused
from tests.contract.loopback import served

SECRET = b"secret"
MAX_BYTES = 200 * 1024 * 1024


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
def files(directory: Path) -> LocalFiles:
    return LocalFiles(directory, SECRET, max_upload_bytes=MAX_BYTES)


@pytest.fixture
def address(files: LocalFiles) -> Iterator[str]:
    with served(Starlette(routes=storage_routes(lambda: files, PublicUrl(None, ())))) as address:
        yield address


def form(files: LocalFiles, address: str, key: str | None = None) -> UploadForm:
    return files.upload_form(key or f"tmp/{uuid4()}/a.bin", "application/octet-stream", address)


def url(files: LocalFiles, address: str, key: str, content_type: str = "text/html") -> str:
    return files.download_url(key, file_name="a.html", content_type=content_type, base_url=address, inline=True)


def stored(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def part(name: str, value: str | bytes, more: str = "") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"


def body(fields: dict[str, str], *after: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join([*(part(name, value) for name, value in fields.items()), *after, end])


def send(address: str, content: bytes, content_type: str = "multipart/form-data; boundary=b") -> httpx.Response:
    return httpx.post(address + "/storage/", content=content, headers={"content-type": content_type})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text.partition("<Code>")[2].partition("</Code>")[0]


FILE = part("file", b"content", '; filename="x"')


def test_a_large_file_is_never_in_memory(files: LocalFiles, address: str, directory: Path) -> None:
    piece = os.urandom(1024 * 1024)
    content = body(dict(form(files, address).fields), part("file", b"", '; filename="x"')[:-2], end=b"")

    def pieces() -> Iterator[bytes]:
        yield content
        for _ in range(199):
            yield piece
        yield b"\r\n--b--\r\n"

    scale = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    answer = httpx.post(
        address + "/storage/", content=pieces(), headers={"content-type": "multipart/form-data; boundary=b"}, timeout=60
    )
    assert answer.status_code == 204
    # This process holds the client and the server; neither may have the file.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale - before < 50 * 1024 * 1024
    [path] = [directory / name for name in stored(directory)]
    assert path.stat().st_size == 199 * len(piece)


def test_too_large_a_file_is_given_up_while_it_comes(directory: Path) -> None:
    files = LocalFiles(directory, SECRET, max_upload_bytes=1000)
    with served(Starlette(routes=storage_routes(lambda: files, PublicUrl(None, ())))) as address:
        fields = dict(form(files, address).fields)
        content = body(fields, part("file", b"x" * 3_000_000, '; filename="x"')[:-2], end=b"")
        parts = urlsplit(address)
        with create_connection((parts.hostname, parts.port), timeout=20) as connection:
            head = "POST /storage/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            # It promises a terabyte; the answer comes although no more follows.
            connection.sendall(f"{head}Content-Length: {10**12}\r\n\r\n".encode() + content)
            answer = b""
            while b"</Error>" not in answer and (more := connection.recv(65536)):
                answer += more
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"<Code>EntityTooLarge</Code>" in answer
    assert stored(directory) == []


def test_fields_that_do_not_come_are_not_waited_for(
    address: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "FIELDS_SECONDS", 0.2)
    parts = urlsplit(address)
    with create_connection((parts.hostname, parts.port), timeout=20) as connection:
        head = "POST /storage/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        connection.sendall(f"{head}Content-Length: {10**6}\r\n\r\n--b\r\n".encode())
        answer = b""
        while b"</Error>" not in answer and (more := connection.recv(65536)):
            answer += more
    assert b"<Code>RequestTimeout</Code>" in answer
    assert stored(directory) == []


def test_an_upload_that_breaks_off_leaves_nothing(files: LocalFiles, address: str, directory: Path) -> None:
    content = body(dict(form(files, address).fields), part("file", b"x" * 100_000, '; filename="x"')[:-2], end=b"")
    assert code(send(address, content)) == (400, "MalformedPOSTRequest")
    parts = urlsplit(address)
    with create_connection((parts.hostname, parts.port), timeout=20) as connection:
        head = "POST /storage/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        connection.sendall(f"{head}Content-Length: {10**6}\r\n\r\n".encode() + content)
    # The connection is gone; the next request on another finds the store clean.
    assert send(address, body(dict(form(files, address).fields), FILE)).status_code == 204
    until_only_objects(directory)


def until_only_objects(directory: Path) -> None:
    for _ in range(1_000_000):
        if [name for name in stored(directory) if not name.startswith("objects/")] == []:
            return
    pytest.fail("something was left behind")


def test_forms_that_are_none_are_refused_as_s3_does(files: LocalFiles, address: str, directory: Path) -> None:
    fields = dict(form(files, address).fields)
    whole = body(fields, FILE)
    twice = body(fields, part("Key", fields["key"]), FILE)
    refused = {
        "nothing": (b"", (400, "MalformedPOSTRequest")),
        "no form": (b"x" * 200_000, (400, "MalformedPOSTRequest")),
        "no end": (whole[:-6], (400, "MalformedPOSTRequest")),
        # SeaweedFS makes an empty object of it; S3 does as we do.
        "no file": (body(fields), (400, "InvalidArgument")),
        "a field after the file": (body({"key": fields["key"]}, FILE, part("policy", "x")), (403, "AccessDenied")),
        "a field twice": (twice, (400, "InvalidArgument")),
        "a part without a name": (b"--b\r\n\r\nx\r\n" + whole, (400, "MalformedPOSTRequest")),
        "not UTF-8": (body({}, part("x", b"\xff"), FILE), (400, "MalformedPOSTRequest")),
        "a large field": (body({"x": "x" * 30_000}), (400, "MaxPostPreDataLengthExceeded")),
        "many fields": (body({f"x{n}": "" for n in range(100)}), (400, "MaxPostPreDataLengthExceeded")),
        "a large header": (b"--b\r\nX: " + b"x" * 10_000 + whole, (400, "MalformedPOSTRequest")),
        "many headers": (b"--b\r\n" + b"X: y\r\n" * 20 + whole, (400, "MalformedPOSTRequest")),
        "much after the file": (body(fields, FILE, part("x", "x" * 100_000)), (400, "MaxPostPreDataLengthExceeded")),
        "much before the form": (b"\r\n" * 50_000 + whole, (400, "MaxPostPreDataLengthExceeded")),
    }
    assert {name: code(send(address, content)) for name, (content, _) in refused.items()} == {
        name: expected for name, (_, expected) in refused.items()
    }
    for other in ("application/json", "multipart/form-data", "multipart/mixed; boundary=b", ""):
        assert code(send(address, whole, other)) == (412, "PreconditionFailed")
    assert code(send(address, whole, f"multipart/form-data; boundary={'b' * 300}")) == (400, "MalformedPOSTRequest")
    assert stored(directory) == []


def test_what_comes_after_the_file_is_ignored(files: LocalFiles, address: str) -> None:
    fields = dict(form(files, address).fields)
    answer = send(address, body(fields, FILE, part("key", "elsewhere"), part("file", b"another", '; filename="y"')))
    assert answer.status_code == 204
    assert answer.headers["location"] == f"{address}/storage/{fields['key']}"
    assert httpx.get(url(files, address, fields["key"])).content == b"content"


@pytest.mark.parametrize("unsigned", ["acl", "success_action_redirect", "success_action_status", "x", "tagging"])
def test_no_field_passes_that_the_policy_does_not_name(files: LocalFiles, address: str, unsigned: str) -> None:
    fields = dict(form(files, address).fields)
    assert code(send(address, body({unsigned: "x", **fields}, FILE))) == (403, "AccessDenied")
    assert send(address, body({"x-ignore-this": "x", **fields}, FILE)).status_code == 204


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/x", "a\\b", "a//b", ".", "a/\u0000b"])
def test_not_even_a_signed_key_leaves_the_store(files: LocalFiles, address: str, key: str, directory: Path) -> None:
    assert code(send(address, body(dict(form(files, address, key).fields), FILE))) == (400, "InvalidArgument")
    assert stored(directory.parent) == []


def test_no_address_leaves_the_store(files: LocalFiles, address: str, directory: Path) -> None:
    directory.mkdir()
    (directory / "secret").write_text("secret")
    (directory.parent / "secret").write_text("secret")
    for path in ("../secret", "..%2Fsecret", "%2e%2e/secret", "a/..%2f..%2fsecret", "..%5Csecret", "%2Fetc%2Fpasswd"):
        query = urlsplit(url(files, address, "../secret")).query
        parts = urlsplit(address)
        with create_connection((parts.hostname, parts.port), timeout=20) as connection:
            # By hand: a client would fold the dots away.
            connection.sendall(f"GET /storage/{path}?{query} HTTP/1.0\r\n\r\n".encode())
            assert connection.recv(65536).split(b" ")[1] in (b"403", b"404"), path


async def test_a_link_that_was_put_into_the_store_leads_nowhere(
    files: LocalFiles, address: str, directory: Path
) -> None:
    outside = directory.parent / "outside"
    outside.mkdir()
    (outside / "a.bin").write_bytes(b"secret")
    (directory / "objects").mkdir(parents=True)
    (directory / "objects" / "tmp").symlink_to(outside)
    assert code(_get(url(files, address, "tmp/a.bin"))) == (403, "AccessDenied")
    for call in (files.keep("tmp/a.bin", "media/a.bin"), files.delete(["tmp/a.bin"])):
        with pytest.raises(StorageRefused):
            await call
    assert (outside / "a.bin").read_bytes() == b"secret"


def _get(address: str) -> httpx.Response:
    return httpx.get(address)


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/svg+xml", "application/javascript", "text/html; charset=utf-8"]
)
def test_nothing_that_is_served_can_run_in_our_origin(files: LocalFiles, address: str, content_type: str) -> None:
    key = f"tmp/{uuid4()}/a.html"
    assert send(address, body(dict(form(files, address, key).fields), FILE)).status_code == 204
    for options in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=0-1,3-4"}):
        answer = httpx.get(url(files, address, key, content_type), headers=options)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["cache-control"].startswith("private")
    assert httpx.get(url(files, address, key, content_type)).headers["content-type"] == content_type


def test_a_download_is_resumed_only_where_the_file_is_the_same(files: LocalFiles, address: str) -> None:
    fields = dict(form(files, address).fields)
    send(address, body(fields, FILE))
    get = url(files, address, fields["key"])
    mark = httpx.get(get).headers["etag"]
    same = httpx.get(get, headers={"Range": "bytes=0-1", "If-Range": mark})
    other = httpx.get(get, headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (same.status_code, other.status_code, other.content) == (206, 200, b"content")
    assert httpx.head(get).headers["content-length"] == "7"


def test_a_policy_that_does_not_limit_key_and_size_is_refused(files: LocalFiles, address: str) -> None:
    ours = Credentials("local", SECRET.hex(), "local")
    signed = form(files, address)
    for bucket, expected in (("local", 204), ("another", 403)):
        fields = signed_form(
            ours, bucket=bucket, key="tmp/1/a", content_type="a/b", max_bytes=10, signed_at=signed.signed_at,
            valid=signed.signed_at - signed.signed_at.replace(year=signed.signed_at.year - 1),
        )  # fmt: skip
        assert send(address, body(fields, FILE)).status_code == expected


async def test_what_broke_off_long_ago_is_deleted(files: LocalFiles, directory: Path) -> None:
    incoming, now = directory / "incoming", datetime.now(UTC)
    incoming.mkdir(parents=True)
    for name, age in (("old", 100_000), ("new", 0)):
        (incoming / name).touch()
        os.utime(incoming / name, (now.timestamp() - age, now.timestamp() - age))
    await files.delete_unfinished(now - timedelta(days=1))
    assert stored(directory) == ["incoming/new"]


def test_its_addresses_hold_for_every_name_of_the_server(files: LocalFiles, address: str) -> None:
    fields = dict(form(files, address).fields)
    send(address, body(fields, FILE))
    get = url(files, address, fields["key"])
    assert httpx.get(get, headers={"Host": "billing.example.com"}).status_code == 200
    assert quote("attachment") not in get
