"""Both file stores do the same: S3, spoken by SeaweedFS, and the built-in one. What S3 enforces is the reference."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.platform.file_store import FileMissing, FileStore, UploadForm
from kelviq_server.platform.local_files import LocalFiles
from kelviq_server.platform.public_url import PublicUrl
from kelviq_server.platform.s3_files import Bucket, S3Files
from kelviq_server.platform.storage_routes import storage_routes
from tests.contract.loopback import served
from tests.contract.seaweed import CREDENTIALS, running_seaweed

MAX_BYTES = 300_000
CONTENT = bytes(range(256)) * 4
PNG = "image/png"


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=1, hours=2)


@dataclass
class Place:
    """A file store that answers, the same one a day and two hours ago, and the one whose keys are not ours."""

    files: FileStore
    past: FileStore
    stranger: FileStore
    base_url: str

    def form(self, key: str | None = None, content_type: str = PNG) -> UploadForm:
        return self.files.upload_form(key or new_key(), content_type, self.base_url)

    def url(self, key: str, *, files: FileStore | None = None, name: str = "a.png", inline: bool = False) -> str:
        return (files or self.files).download_url(
            key, file_name=name, content_type=PNG, base_url=self.base_url, inline=inline
        )

    def holds(self, key: str) -> bytes | None:
        answer = httpx.get(self.url(key))
        return answer.content if answer.status_code == 200 else None

    def uploaded(self, content: bytes = CONTENT) -> str:
        key = new_key()
        assert post(self.form(key), content).status_code == 204
        return key


def new_key(area: str = "tmp") -> str:
    return f"{area}/{uuid4()}/a picture ü+%2F&'.png"


def post(form: UploadForm, content: bytes = CONTENT, change: Mapping[str, str | None] | None = None) -> httpx.Response:
    """Post a file as a browser does, some fields changed, or left out where they are None."""
    fields = {**form.fields, **(change or {})}
    sent = {name: value for name, value in fields.items() if value is not None}
    return httpx.post(form.url, data=sent, files={"file": ("its own name.txt", content, "text/x-own")})


def code(answer: httpx.Response) -> str:
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as bucket:
        yield bucket


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Place]:
    """The built-in store, as the server has it."""
    secret, directory = b"secret", tmp_path / "media"
    files = LocalFiles(directory, secret, max_upload_bytes=MAX_BYTES)
    app = Starlette(routes=storage_routes(lambda: files, PublicUrl(None, ())))
    with served(app) as address:
        past = LocalFiles(directory, secret, max_upload_bytes=MAX_BYTES, now=long_ago)
        yield Place(files, past, LocalFiles(directory, b"other", max_upload_bytes=MAX_BYTES), address)


@pytest.fixture(params=["built-in", "SeaweedFS"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "built-in":
        yield request.getfixturevalue("local")
        return
    bucket: Bucket = request.getfixturevalue("bucket")
    other = type(CREDENTIALS)(CREDENTIALS.access_key_id, "another secret", CREDENTIALS.region)
    yield Place(
        S3Files(bucket, CREDENTIALS, max_upload_bytes=MAX_BYTES),
        S3Files(bucket, CREDENTIALS, max_upload_bytes=MAX_BYTES, now=long_ago),
        S3Files(bucket, other, max_upload_bytes=MAX_BYTES),
        "http://unused",
    )


def test_what_the_form_allows_lands_under_its_key(place: Place) -> None:
    key = new_key()
    answer = post(place.form(key))
    assert (answer.status_code, answer.content) == (204, b"")
    # Its MD5, as S3 has it.
    assert answer.headers["etag"] == '"b2ea9f7fcea831a4a63b213f41a8855b"'
    assert place.holds(key) == CONTENT


def test_an_empty_file_and_one_of_exactly_the_largest_size_are_taken(place: Place) -> None:
    for content in (b"", b"x" * MAX_BYTES):
        assert place.holds(place.uploaded(content)) == content


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Content-Type": "text/html"}, "AccessDenied"),
        ({"Content-Type": None}, "AccessDenied"),
        ({"key": "tmp/elsewhere/b.png"}, "AccessDenied"),
        ({"x-amz-signature": "0" * 64}, "SignatureDoesNotMatch"),
        ({"policy": "eyJleHBpcmF0aW9uIjogIjIwOTktMDEtMDFUMDA6MDA6MDBaIiwgImNvbmRpdGlvbnMiOiBbXX0="},
         "SignatureDoesNotMatch"),
        ({"x-amz-credential": "somebody/20260101/us-east-1/s3/aws4_request"}, "InvalidAccessKeyId"),
        # SeaweedFS lets other fields pass that the policy does not name; S3 lets none, and neither do we.
        ({"x-amz-meta-note": "not signed"}, "AccessDenied"),
    ],
)  # fmt: skip
def test_what_the_policy_does_not_allow_is_refused(place: Place, change: dict[str, str | None], expected: str) -> None:
    key = new_key()
    answer = post(place.form(key), change=change)
    assert (answer.status_code, code(answer)) == (403, expected)
    assert answer.headers["content-type"].startswith("application/xml")
    assert place.holds(key) is None
    assert place.holds("tmp/elsewhere/b.png") is None


def test_without_a_policy_or_its_signature_nothing_is_taken(place: Place) -> None:
    for missing in ("policy", "x-amz-signature"):
        key = new_key()
        # The codes differ: SeaweedFS tries to check a signature, S3 takes the caller for an anonymous one.
        assert post(place.form(key), change={missing: None}).status_code == 403
        assert place.holds(key) is None


def test_a_form_without_a_key_is_malformed(place: Place) -> None:
    assert post(place.form(), change={"key": None}).status_code == 400


def test_a_policy_signed_by_somebody_else_is_refused(place: Place) -> None:
    form = place.stranger.upload_form(new_key(), PNG, place.base_url)
    answer = post(form)
    assert (answer.status_code, code(answer)) == (403, "SignatureDoesNotMatch")


def test_a_byte_too_many_is_refused(place: Place) -> None:
    key = new_key()
    answer = post(place.form(key), b"x" * (MAX_BYTES + 1))
    assert (answer.status_code, code(answer)) == (400, "EntityTooLarge")
    assert place.holds(key) is None


def test_an_expired_form_is_refused(place: Place) -> None:
    key = new_key()
    answer = post(place.past.upload_form(key, PNG, place.base_url))
    assert (answer.status_code, code(answer)) == (403, "AccessDenied")
    assert "Policy expired" in answer.text
    assert place.holds(key) is None


async def test_an_upload_posted_again_replaces_the_first_but_not_what_was_kept(place: Place) -> None:
    key, kept = new_key(), new_key("media")
    form = place.form(key)
    assert post(form, b"first").status_code == 204
    assert await place.files.keep(key, kept) == 5
    assert post(form, b"second!").status_code == 204
    assert (place.holds(key), place.holds(kept)) == (b"second!", b"first")


async def test_keeping_twice_is_keeping_once(place: Place) -> None:
    key, kept = place.uploaded(), new_key("media")
    assert [await place.files.keep(key, kept) for _ in range(2)] == [len(CONTENT)] * 2
    assert place.holds(key) == CONTENT
    await place.files.delete([key])
    assert await place.files.keep(key, kept) == len(CONTENT)
    assert (place.holds(key), place.holds(kept)) == (None, CONTENT)


async def test_what_is_kept_can_be_read(place: Place) -> None:
    # More than what is read at once, and nothing at all.
    for content in (bytes(range(250)) * 1200, b""):
        assert b"".join([piece async for piece in await place.files.read(place.uploaded(content))]) == content
    with pytest.raises(FileMissing):
        await place.files.read(new_key())


async def test_what_was_never_uploaded_cannot_be_kept(place: Place) -> None:
    kept = new_key("media")
    with pytest.raises(FileMissing):
        await place.files.keep(new_key(), kept)
    assert place.holds(kept) is None


async def test_deleting_twice_is_deleting_once(place: Place) -> None:
    keys = [place.uploaded(), place.uploaded(), new_key()]
    stays = place.uploaded()
    await place.files.delete(keys)
    await place.files.delete(keys)
    await place.files.delete([])
    assert [place.holds(key) for key in (*keys, stays)] == [None, None, None, CONTENT]


def test_a_download_has_its_name_and_its_type(place: Place) -> None:
    key = place.uploaded()
    answer = httpx.get(place.url(key, name='größe "x".png'))
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == PNG
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"gr__e _x_.png\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%22x%22.png"
    )
    assert httpx.get(place.url(key, inline=True)).headers["content-disposition"].startswith("inline; ")


def test_a_download_can_be_resumed(place: Place) -> None:
    url = place.url(place.uploaded())
    whole = httpx.get(url)
    assert whole.headers["accept-ranges"] == "bytes"
    for asked, part in (("bytes=5-9", CONTENT[5:10]), ("bytes=1000-", CONTENT[1000:]), ("bytes=-3", CONTENT[-3:])):
        answer = httpx.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(CONTENT)}")
    beyond = httpx.get(url, headers={"Range": "bytes=5000-"})
    assert beyond.status_code == 416


def test_an_expired_address_is_refused(place: Place) -> None:
    key = place.uploaded()
    answer = httpx.get(place.url(key, files=place.past))
    assert (answer.status_code, code(answer)) == (403, "AccessDenied")


def test_an_address_that_was_changed_is_refused(place: Place) -> None:
    key, other = place.uploaded(), place.uploaded()
    url = place.url(key)
    changed = [
        url.replace(key.split("/")[1], other.split("/")[1]),
        url.replace("image%2Fpng", "text%2Fhtml"),
        url.replace("attachment", "inline"),
        url.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url + "&response-cache-control=public",
        place.url(key, files=place.stranger),
    ]
    for address in changed:
        assert httpx.get(address).status_code == 403, address
    assert httpx.get(urlsplit(url)._replace(query="").geturl()).status_code == 403
    assert httpx.get(url).status_code == 200


def test_nothing_else_can_be_done_with_the_address_of_a_download(place: Place) -> None:
    url = place.url(place.uploaded())
    assert httpx.put(url, content=b"x").status_code in (403, 405)
    assert httpx.delete(url).status_code in (403, 405)
    assert httpx.get(url).content == CONTENT


def test_an_object_that_is_gone_is_not_found(place: Place) -> None:
    answer = httpx.get(place.url(new_key()))
    assert (answer.status_code, code(answer)) == (404, "NoSuchKey")


def test_a_page_of_any_origin_may_upload(place: Place) -> None:
    form = place.form()
    asking = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(form.url, headers=asking)
    assert answer.is_success
    # On real S3 that is a setting of the bucket; see the README.
    assert answer.headers["access-control-allow-origin"] in ("*", "https://shop.example")
