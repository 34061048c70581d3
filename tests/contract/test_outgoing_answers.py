"""What becomes of requests to servers that answer at length, badly or not at all, and whom we believe who they are."""

import asyncio
import gzip
import random
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kelviq_server.platform.outgoing import MAX_ANSWER_BYTES, Outgoing, Reply
from tests.contract.listening import HEADERS, HERE, OK, Listening, Talk, listening, saying, sending

LONG = random.Random(1).randbytes(10_000_000)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
BROKEN = "The answer is incomplete or not valid HTTP."
CLOSED = "The connection was closed before an answer came."
NO_ANSWER = "There was no answer within 0.8 seconds."


@pytest.fixture(scope="session", params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The worker runs on the one, the API on the other."""
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


async def posted(outgoing: Outgoing, there: Listening, scheme: str = "http") -> Reply:
    return await outgoing.post(f"{scheme}://127.0.0.1:{there.port}/", HEADERS, b"{}")


def plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def until_closed(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n" + body


def chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 10_000] for start in range(0, len(body), 10_000)]
    return CHUNKED + b"\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def zipped(body: bytes) -> bytes:
    return plain(body).replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1)


@pytest.mark.parametrize(
    ("answer", "body"),
    [(plain, LONG), (until_closed, LONG), (chunked, LONG), (zipped, gzip.compress(LONG, 1)), (zipped, LONG)],
)
async def test_a_long_answer_is_not_read_to_its_end(answer: Callable[[bytes], bytes], body: bytes) -> None:
    whole = answer(body)
    is_gone = asyncio.Event()
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            for start in range(0, len(whole), 10_000):
                writer.write(whole[start : start + 10_000])
                await writer.drain()
                sent += 10_000
        finally:
            is_gone.set()

    async with listening(talk) as there, sending(HERE) as outgoing:
        reply = await posted(outgoing, there)
        await asyncio.wait_for(is_gone.wait(), 10)
    assert (reply.status, reply.body, reply.failure) == (200, body[:MAX_ANSWER_BYTES], None)
    assert sent < 2_000_000
    assert reply.milliseconds < 5000


async def test_short_answers_arrive_whole() -> None:
    for answer in (plain, chunked, until_closed, zipped):
        talk = saying(answer(b"x" * MAX_ANSWER_BYTES) + (b"0\r\n\r\n" if answer is chunked else b""), end=True)
        async with listening(talk) as there, sending(HERE) as outgoing:
            assert (await posted(outgoing, there)).body == b"x" * MAX_ANSWER_BYTES


def flooding(begin: bytes, piece: bytes) -> Talk:
    """Begin, and then go on and on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(piece)
            await writer.drain()

    return talk


def dripping(begin: bytes, drop: bytes) -> Talk:
    """Begin, and then go on so slowly that no single piece is waited for long."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while not writer.is_closing():
            writer.write(drop)
            await asyncio.sleep(0.05)

    return talk


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("talk", "body"),
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"x"), b"x", id="drips its body"),
        pytest.param(flooding(CHUNKED + b"\r\n1;", b"x" * 1000), b"", id="floods a chunk's head"),
        pytest.param(saying(plain(b"x" * 10)[:-5], end=True), b"xxxxx", id="half of the body"),
    ],
)
async def test_with_its_status_an_answer_is_known_whatever_comes_of_its_body(talk: Talk, body: bytes) -> None:
    async with listening(talk) as there, sending(HERE, timeout_seconds=0.8) as outgoing:
        reply = await posted(outgoing, there)
    assert (reply.status, reply.is_success, reply.failure) == (200, True, None)
    assert reply.body.startswith(body)


@pytest.mark.parametrize(
    ("talk", "failure"),
    [
        pytest.param(silent, NO_ANSWER, id="never answers"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"), NO_ANSWER, id="drips its headers"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), NO_ANSWER, id="drips what is no answer yet"),
        pytest.param(flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), NO_ANSWER, id="floods what is no answer yet"),
        pytest.param(flooding(CHUNKED + b"\r\n0\r\n", b"X: x\r\n" * 100), BROKEN, id="floods after the body"),
        pytest.param(flooding(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 100), BROKEN, id="many headers"),
        pytest.param(flooding(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000), BROKEN, id="one endless header"),
        pytest.param(flooding(b"", b"x" * 1000), BROKEN, id="one endless line"),
        pytest.param(saying(b"SSH-2.0-OpenSSH_9.9\r\n"), BROKEN, id="another protocol"),
        pytest.param(saying(b"\x15\x03\x01\x00\x02\x02\x46"), BROKEN, id="bytes"),
        pytest.param(saying(b"hello", end=True), BROKEN, id="a body alone"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nX", end=True), CLOSED, id="half of the headers"),
        pytest.param(saying(CHUNKED + b"\r\nzz\r\n"), BROKEN, id="a chunk that is none"),
        pytest.param(saying(b"", end=True), CLOSED, id="closes"),
    ],
)
async def test_a_bad_server_is_given_up_with_a_sentence(talk: Talk, failure: str) -> None:
    timeout_seconds = 0.8 if failure == NO_ANSWER else 10
    async with listening(talk) as there, sending(HERE, timeout_seconds=timeout_seconds) as outgoing:
        begin = time.perf_counter()
        reply = await posted(outgoing, there)
        assert time.perf_counter() - begin < 5
    assert (reply.status, reply.body, reply.failure) == (None, b"", failure)
    # Whoever got it and did not answer is not asked twice at once. (A busy machine may be late to ask at all.)
    assert len(there.requests) == 1 or (failure == NO_ANSWER and there.requests == [])


async def test_whoever_floods_us_does_not_hold_up_the_rest() -> None:
    def flood() -> None:
        for _ in range(3):
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                while True:
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 4000)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        # In a thread, for it must not wait until we have read.
        thread = Thread(target=flood, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        async with sending(HERE, timeout_seconds=0.8) as outgoing:
            replies = [await outgoing.post(url, HEADERS, b"{}") for _ in range(3)]
        await asyncio.to_thread(thread.join, 10)
    assert {reply.failure for reply in replies} == {NO_ANSWER}
    # At best, for the machine may be busy with something else, too.
    assert min(reply.milliseconds for reply in replies) < 1000


async def test_whoever_never_takes_the_body_is_given_up() -> None:
    async with sending(HERE, timeout_seconds=0.8) as outgoing:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            reply = await outgoing.post(url, HEADERS, b"x" * 1_000_000)
    assert (reply.status, reply.failure) == (None, NO_ANSWER)


def reset(writer: asyncio.StreamWriter) -> None:
    """Hang up as a machine does that knows nothing of the connection."""
    own = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("leave", [reset, hang_up])
async def test_a_kept_connection_that_closes_just_then_is_no_failure(
    leave: Callable[[asyncio.StreamWriter], None],
) -> None:
    answered: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer in answered:
            leave(writer)
            return
        answered.add(writer)
        writer.write(OK)
        await writer.drain()

    async with listening(talk) as there, sending(HERE) as outgoing:
        # Several are kept: the next one may be closed as well.
        first = await asyncio.gather(*(posted(outgoing, there) for _ in range(3)))
        second = await posted(outgoing, there)
    assert [reply.failure for reply in (*first, second)] == [None] * 4
    assert (second.status, there.connections) == (200, 4)


async def test_a_connection_serves_one_request_after_another() -> None:
    async with listening(saying(OK)) as there, sending(HERE) as outgoing:
        for _ in range(3):
            assert (await posted(outgoing, there)).status == 200
    assert (len(there.requests), there.connections) == (3, 1)


async def test_what_answers_keep_is_not_sent_back() -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n", 1)
    async with listening(saying(answer)) as there, sending(HERE) as outgoing:
        for _ in range(2):
            await posted(outgoing, there)
    assert not any(b"cookie" in request.lower() for request in there.requests)


def authority(directory: Path, name: str) -> ssl.SSLContext:
    """Return how a server of this name proves itself, to whoever trusts `ca.pem` in the directory."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    subjects = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in ("Tests", name)]
    for number, file in enumerate(("ca.pem", "server.pem")):
        made = (
            x509.CertificateBuilder(subjects[0], subjects[number], keys[number].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(keys[0], hashes.SHA256())
        )
        (directory / file).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "key.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "key.pem")
    return context


async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    async with (
        listening(saying(OK), tls=authority(tmp_path, "localhost")) as there,
        sending(HERE, "::1/128") as outgoing,
    ):
        reply = await outgoing.post(f"https://localhost:{there.port}/", HEADERS, b"{}")
    assert reply.status is None
    assert reply.failure == "The certificate is not valid: unable to get local issuer certificate."
    assert there.requests == []


async def test_an_authority_that_the_machine_trusts_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = authority(tmp_path, "localhost")
    async with listening(saying(OK), tls=tls) as there, sending(HERE, "::1/128") as outgoing:
        assert (await outgoing.post(f"https://localhost:{there.port}/", HEADERS, b"{}")).status == 200
        other = await posted(outgoing, there, "https")
    assert other.status is None
    assert other.failure == (
        "The certificate is not valid: IP address mismatch, certificate is not valid for '127.0.0.1'."
    )


async def test_a_server_that_speaks_no_tls_is_told_so() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, sending(HERE) as outgoing:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        reply = await outgoing.post(url, HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, "No secure connection could be made: wrong version number.")
