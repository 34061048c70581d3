"""Where requests go that somebody else chose the address of, and where they never go."""

import asyncio
import socket
import sys
from collections import defaultdict
from threading import Condition, Event
from typing import Any

import pytest

from kelviq_server.platform import addresses
from tests.contract.listening import HEADERS, HERE, OK, bound, listening, saying, sending, untouched

REFUSAL = "Only the public internet is called, by https on port 443 or 8443."


@pytest.fixture(scope="session", params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The worker runs on the one, the API on the other."""
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


class Names:
    """What the operating system answers when it is asked for a name; the last answer repeats."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self._is_asked = Condition()
        self.hanging: dict[str, Event] = defaultdict(Event)

    def getaddrinfo(self, host: str, port: int, *options: Any, **more: Any) -> list[Any]:
        with self._is_asked:
            self.asked.append(host)
            self._is_asked.notify_all()
        if host in self.hanging:
            self.hanging[host].wait(20)
        answers = self.answers.get(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in place else socket.AF_INET, socket.SOCK_STREAM, 0, "", (place, port))
            for place in (answers.pop(0) if len(answers) > 1 else answers[0])
        ]

    def until_asked(self, times: int) -> None:
        with self._is_asked:
            assert self._is_asked.wait_for(lambda: len(self.asked) >= times, 20)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    return names


async def test_a_request_arrives_with_just_what_was_given() -> None:
    body = b'{"a": "\xc3\xa4"}'
    async with listening(saying(OK)) as there, sending(HERE) as outgoing:
        reply = await outgoing.post(f"http://127.0.0.1:{there.port}/a%2Fb?c=d", HEADERS, body)
    assert (reply.status, reply.body, reply.failure, reply.is_success) == (200, b"ok", None, True)
    head, _, came = there.requests[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /a%2Fb?c=d HTTP/1.1"
    assert sorted(headers) == [
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
        f"Host: 127.0.0.1:{there.port}",
        "User-Agent: Kelviq-Server",
        "webhook-id: 1",
    ]
    assert came == body


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "LocalHost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0x7f.1", "0x7f000001",
        "127.0x0.1", "①②⑦.0.0.1",
    ],
)  # fmt: skip
async def test_nothing_connects_to_loopback_in_any_notation(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with untouched() as port:
        monkeypatch.setattr(addresses, "PORTS", (port,))
        async with sending() as outgoing:
            reply = await outgoing.post(f"https://{host}:{port}/", HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, REFUSAL)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "017700000001", "0"])
async def test_addresses_of_old_notations_are_none(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with untouched() as port:
        monkeypatch.setattr(addresses, "PORTS", (port,))
        async with sending(HERE) as outgoing:
            reply = await outgoing.post(f"https://{host}:{port}/", HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, "The address is not valid.")


async def test_another_network_that_is_open_opens_nothing_here() -> None:
    with untouched() as port:
        async with sending("127.0.0.2/32", "10.0.0.0/8", "::/0") as outgoing:
            reply = await outgoing.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, REFUSAL)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/", "https://8.8.8.8:22/", "http://8.8.8.8:443/", "https://8.8.8.8:80/", "https://8.8.8.8:0/",
        "HTTP://8.8.8.8:8443/", "https://[2606:4700::1111]:22/", "http://[2606:4700::1111]:443/", "ws://8.8.8.8:443/",
        "https://10.0.0.1/", "https://169.254.169.254/", "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/",
    ],
)  # fmt: skip
async def test_what_is_refused_is_never_connected_to(url: str) -> None:
    async with sending(HERE) as outgoing:
        reply = await outgoing.post(url, HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, REFUSAL)


async def test_a_name_of_the_public_internet_opens_no_other_scheme_or_port(names: Names) -> None:
    names.answers["shop.example"] = [["8.8.8.8", "2606:4700::1111"]]
    async with sending(HERE) as outgoing:
        for url in ("http://shop.example/", "https://shop.example:8080/"):
            assert (await outgoing.post(url, HEADERS, b"{}")).failure == REFUSAL


@pytest.mark.skipif(sys.platform == "darwin", reason="it has one loopback address only")
@pytest.mark.parametrize("answer", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["10.0.0.1", "127.0.0.1"]])
async def test_a_name_leads_only_where_it_may(names: Names, answer: list[str]) -> None:
    names.answers["shop.example"] = [answer]
    async with listening(saying(OK)) as there, sending(HERE) as outgoing:
        with untouched("127.0.0.2", there.port):
            reply = await outgoing.post(f"http://shop.example:{there.port}/", HEADERS, b"{}")
    assert (reply.status, there.connections) == (200, 1)
    assert f"\r\nHost: shop.example:{there.port}\r\n".encode() in there.requests[0]


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["127.0.0.1", "::1", "10.0.0.1", "fd00::1"], ["::ffff:127.0.0.1"]])
async def test_a_name_that_leads_only_inside_is_refused(
    names: Names, answer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names.answers["shop.example"] = [answer]
    with untouched() as port:
        monkeypatch.setattr(addresses, "PORTS", (port,))
        async with sending() as outgoing:
            reply = await outgoing.post(f"https://shop.example:{port}/", HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, REFUSAL)


async def test_a_name_is_looked_up_once_and_no_other_answer_counts(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.answers["turns-bad.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    names.answers["turns-good.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    async with listening(saying(OK)) as there, sending(HERE) as outgoing:
        good = await outgoing.post(f"http://turns-bad.example:{there.port}/", HEADERS, b"{}")
        bad = await outgoing.post(f"http://turns-good.example:{there.port}/", HEADERS, b"{}")
    assert (good.status, bad.failure) == (200, REFUSAL)
    assert names.asked == ["turns-bad.example", "turns-good.example"]


async def test_what_a_name_turns_into_is_checked_anew(names: Names) -> None:
    names.answers["shop.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    async with listening(saying(OK, end=True)) as there:
        for expected in ((200, None), (None, REFUSAL)):
            async with sending(HERE) as outgoing:
                reply = await outgoing.post(f"http://shop.example:{there.port}/", HEADERS, b"{}")
            assert (reply.status, reply.failure) == expected
    assert there.connections == 1


async def test_a_name_that_there_is_not_is_told_so(names: Names) -> None:
    async with sending() as outgoing:
        reply = await outgoing.post("https://nowhere.example/", HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, "The name nowhere.example could not be resolved.")


async def test_a_name_server_that_hangs_keeps_nobody_else_waiting(names: Names) -> None:
    # More than the threads that an event loop shares.
    hanging = [f"{number}.example" for number in range(80)]
    waiting = [names.hanging[name] for name in hanging]
    names.answers["shop.example"] = [["127.0.0.1"]]
    async with listening(saying(OK)) as there, sending(HERE) as outgoing:
        stuck = [asyncio.create_task(outgoing.post(f"https://{name}/", HEADERS, b"{}")) for name in hanging]
        try:
            await asyncio.to_thread(names.until_asked, len(hanging))
            reply = await outgoing.post(f"http://shop.example:{there.port}/", HEADERS, b"{}")
            assert (reply.status, any(task.done() for task in stuck)) == (200, False)
        finally:
            for event in waiting:
                event.set()
        replies = await asyncio.gather(*stuck)
    assert {reply.failure for reply in replies} == {f"The name {name} could not be resolved." for name in hanging}


async def test_a_name_server_that_never_answers_is_given_up(names: Names) -> None:
    event = names.hanging["hangs.example"]
    async with sending(timeout_seconds=0.2) as outgoing:
        reply = await outgoing.post("https://hangs.example/", HEADERS, b"{}")
    event.set()
    assert (reply.status, reply.failure) == (None, "There was no answer within 0.2 seconds.")


async def test_an_ipv6_address_is_called() -> None:
    try:
        bound("::1").close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with listening(saying(OK), "::1") as there, sending("::1/128") as outgoing:
        assert (await outgoing.post(f"http://[::1]:{there.port}/", HEADERS, b"{}")).status == 200
    assert f"\r\nHost: [::1]:{there.port}\r\n".encode() in there.requests[0]


async def test_redirects_are_answers() -> None:
    with untouched() as other:
        answer = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{other}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with listening(saying(answer)) as there, sending(HERE) as outgoing:
            reply = await outgoing.post(f"http://127.0.0.1:{there.port}/", HEADERS, b"{}")
    assert (reply.status, reply.failure, reply.is_success) == (302, None, False)
    assert len(there.requests) == 1


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with untouched() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with listening(saying(OK)) as there, sending(HERE) as outgoing:
            assert (await outgoing.post(f"http://127.0.0.1:{there.port}/", HEADERS, b"{}")).status == 200
            assert (await outgoing.post("https://10.0.0.1/", HEADERS, b"{}")).failure == REFUSAL


@pytest.mark.parametrize(
    "url",
    ["nonsense", "http:///", "http://[::1/", "https://a:99999/", "https://a..b/", "ftp://a/", f"https://{'b' * 64}"],
)
async def test_what_is_no_address_is_told_so(url: str) -> None:
    async with sending(HERE) as outgoing:
        reply = await outgoing.post(url, HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, "The address is not valid.")


async def test_a_port_that_nobody_listens_on_is_told_so() -> None:
    with bound("127.0.0.1") as listener:
        port = listener.getsockname()[1]
    async with sending(HERE) as outgoing:
        reply = await outgoing.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
    assert (reply.status, reply.failure) == (None, "The connection was refused.")
