"""Fetching texts from real TLS servers on loopback; none of them is reached by the rules that hold by default."""

import gzip
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import trustme

from service.adapters.http_answers import Endpoint
from service.adapters.http_fetch import Network, resolve
from service.adapters.http_prompts import HttpPromptTexts, Pace
from service.domain.addresses import DEFAULT_HOSTS
from service.domain.errors import UnfetchablePrompt
from tests.support.text_server import TextServer, Visit, text_server, whole

HOST = "storage.labelbox.com"
OTHER = "files.example.com"
SECRET = "s3cret-signature"
# Far more than a fetch with the limits below may take, far less than what a server below would like it to take.
SOON_S = 5.0


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[TextServer]:
    with text_server(authority, HOST, OTHER) as server:
        yield server


@pytest.fixture
def network(server: TextServer, authority: trustme.CA) -> Network:
    """Let this one server on loopback through."""
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    return Network(
        tls=tls,
        resolve=lambda _host: [("127.0.0.1", server.port)],
        is_public=lambda ip: ip == "127.0.0.1",
        seconds=SOON_S,
        max_bytes=1000,
    )


def fetch(network: Network, path: str = "/a") -> str | UnfetchablePrompt:
    address = f"https://{HOST}{path}"
    found = HttpPromptTexts(network=network).texts([address])
    assert list(found) == [address]
    return found[address]


def refusal(network: Network, path: str = "/a") -> tuple[str, bool]:
    """Fetch what is refused, and soon; give the reason and whether it may be tried again."""
    began = time.monotonic()
    found = fetch(network, path)
    assert time.monotonic() - began < SOON_S
    assert isinstance(found, UnfetchablePrompt)
    assert found.remedy
    return found.reason, found.retryable


UNREACHABLE = ("address_unreachable", True)
GONE = ("address_gone", True)


# --- what is fetched ---------------------------------------------------------------------------------------------


def test_a_text_comes_as_it_was_uploaded(server: TextServer, network: Network) -> None:
    server.says("/o%2Fa%20b.txt?Expires=1&Signature=x%2By", "Grüße\r\n\U0001f600 ".encode())

    assert fetch(network, "/o%2Fa%20b.txt?Expires=1&Signature=x%2By") == "Grüße\r\n\U0001f600 "


def test_the_server_and_its_certificate_are_asked_for_the_host_by_name(server: TextServer, network: Network) -> None:
    server.says("/a", b"text")

    assert fetch(network) == "text"
    assert server.names == [HOST]
    lines = server.requests[0].lower().split("\r\n")
    assert lines[0] == "get /a http/1.1"
    assert f"host: {HOST}" in lines
    assert "accept-encoding: identity" in lines
    assert not [line for line in lines if line.startswith(("authorization", "cookie"))]


def test_only_an_address_without_a_path_asks_for_the_root(server: TextServer, network: Network) -> None:
    server.says("/?a=1", b"root")

    assert fetch(network, "?a=1") == "root"


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", ""), (b"\xef\xbb\xbfmarked", "marked"), ("a\ufeffb".encode(), "a\ufeffb"), (b"x" * 1000, "x" * 1000)],
)
def test_a_byte_order_mark_is_no_part_of_the_text(
    server: TextServer, network: Network, content: bytes, text: str
) -> None:
    server.says("/a", content)

    assert fetch(network) == text


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nte\r\n2\r\nxt\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\ntext",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 4\r\n\r\ntext",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext and what was not announced",
    ],
)
def test_a_text_comes_however_an_answer_may_be_written(server: TextServer, network: Network, answer: bytes) -> None:
    server.scripts["/a"] = lambda visit: visit.send(answer) and None

    assert fetch(network) == "text"


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("301 Moved", ("address_redirect", False)),
        ("302 Found", ("address_redirect", False)),
        ("304 Not Modified", ("address_redirect", False)),
        ("307 Moved", ("address_redirect", False)),
        ("400 Expired", GONE),
        ("401 Unauthorized", GONE),
        ("403 Expired", GONE),
        ("404 Not Found", GONE),
        ("410 Gone", GONE),
        ("408 Timeout", UNREACHABLE),
        ("429 Slowly", UNREACHABLE),
        ("500 Error", UNREACHABLE),
        ("503 Busy", UNREACHABLE),
        ("206 Partial", UNREACHABLE),
    ],
)
def test_each_status_has_its_reason(
    server: TextServer, network: Network, status: str, expected: tuple[str, bool]
) -> None:
    server.says("/a", b"" if status.startswith("304") else b"text", status=status)

    assert refusal(network) == expected


def test_a_redirect_is_not_followed_even_to_the_same_host(server: TextServer, network: Network) -> None:
    server.says("/a", status="302 Found", headers=f"Location: https://{HOST}/b\r\n")
    server.says("/b", b"text")

    assert refusal(network) == ("address_redirect", False)
    assert server.asked() == ["/a"]


def test_an_announced_size_that_is_too_large_is_not_even_read(server: TextServer, network: Network) -> None:
    server.scripts["/a"] = lambda visit: visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n") and None

    assert refusal(network) == ("address_too_large", False)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"64\r\n" + b"x" * 100 + b"\r\n"),
    ],
)
def test_an_endless_answer_is_left_at_the_limit(
    server: TextServer, network: Network, head: bytes, piece: bytes
) -> None:
    def endlessly(visit: Visit) -> None:
        visit.send(head)
        while visit.send(piece) and not visit.stopping.is_set():
            pass

    server.scripts["/a"] = endlessly

    assert refusal(network) == ("address_too_large", False)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip"])
def test_nothing_is_ever_unpacked(server: TextServer, network: Network, encoding: str) -> None:
    for path, content in {"/a": gzip.compress(bytes(100_000)), "/b": b"looks like text"}.items():
        server.says(path, content, headers=f"Content-Encoding: {encoding}\r\n")

        assert refusal(network, path) == ("address_not_text", False)


@pytest.mark.parametrize(
    "content",
    [
        "Grüße".encode("latin-1"),
        "text".encode("utf-16"),
        b"nul \0 byte",
        b"\xed\xa0\x80",  # half a surrogate pair
        b"\xc0\xaf",  # a slash, longer than it need be
        b"\x89PNG\r\n\x1a\n",
        b"cut \xc3",
    ],
)
def test_what_is_no_utf_8_is_no_text(server: TextServer, network: Network, content: bytes) -> None:
    server.says("/a", content, headers="Content-Type: text/plain; charset=utf-8\r\n")

    assert refusal(network) == ("address_not_text", False)


def _resets(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nte")
    visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "script",
    [
        _resets,
        lambda visit: visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntext"),
        lambda visit: visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nte\r\n"),
        lambda visit: visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\ntext"),
        lambda visit: visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ntexts"),
        lambda visit: visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\ntext"),
        lambda visit: visit.send(b"no HTTP at all\r\n\r\n"),
        lambda visit: visit.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000),
        lambda _visit: None,
    ],
)
def test_an_answer_that_is_not_whole_is_none(
    server: TextServer, network: Network, script: Callable[[Visit], None]
) -> None:
    server.scripts["/a"] = script

    assert refusal(network) == UNREACHABLE


# --- time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        lambda visit: visit.stopping.wait(),
        lambda visit: visit.trickle(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000, 0.02),
        lambda visit: visit.trickle(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, 0.002),
        lambda visit: visit.trickle(whole(b"x" * 900), 0.02),
    ],
)
def test_a_server_that_takes_its_time_gets_no_more_than_its_share(
    server: TextServer, network: Network, script: Callable[[Visit], None]
) -> None:
    server.scripts["/a"] = script

    assert refusal(replace(network, seconds=0.4)) == UNREACHABLE


def test_a_handshake_that_stands_still_is_given_up(server: TextServer, network: Network) -> None:
    server.handshakes = False

    assert refusal(replace(network, seconds=0.4)) == UNREACHABLE
    assert server.connections == 1


def test_a_resolver_that_hangs_is_left_behind(server: TextServer, network: Network) -> None:
    released = threading.Event()

    def hangs(_host: str) -> list[Endpoint]:
        released.wait(30)
        return [("127.0.0.1", server.port)]

    try:
        assert refusal(replace(network, resolve=hangs, seconds=0.4)) == UNREACHABLE
    finally:
        released.set()
    assert server.connections == 0


# --- whom we talk to ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "0.0.0.0",  # noqa: S104 - the address, not a server's
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd00::1",
        "fe80::1%lo",
        "ff02::1",
    ],
)
@pytest.mark.parametrize("first", ["8.8.8.8", None])
def test_by_default_no_private_address_is_connected_to_nor_any_beside_it(
    server: TextServer, network: Network, ip: str, first: str | None
) -> None:
    found = [(address, server.port) for address in (first, ip) if address]
    guarded = Network(tls=network.tls, resolve=lambda _host: found)

    assert refusal(guarded) == ("address_private", False)
    assert server.connections == 0


def test_the_machines_own_resolver_says_where_a_host_is() -> None:
    # The one name that is known without asking anybody.
    found = resolve("localhost")

    assert {ip for ip, _ in found} <= {"127.0.0.1", "::1"}
    assert {port for _, port in found} == {443}
    assert len(found) == len(set(found))


def test_the_host_is_resolved_once_and_not_again_to_connect(
    server: TextServer, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.says("/a", b"text")
    asked: list[str] = []

    def once(host: str) -> list[Endpoint]:
        asked.append(host)
        return [("127.0.0.1", server.port)]

    def never(host: str, *_arguments: object, **_options: object) -> None:
        pytest.fail(f"{host} was resolved behind our back")

    monkeypatch.setattr(socket, "getaddrinfo", never)

    assert fetch(replace(network, resolve=once)) == "text"
    assert asked == [HOST]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), OSError("no network")])
def test_a_host_that_cannot_be_resolved_is_asked_again_later(network: Network, error: OSError) -> None:
    def fails(_host: str) -> list[Endpoint]:
        raise error

    assert refusal(replace(network, resolve=fails)) == UNREACHABLE
    assert refusal(replace(network, resolve=lambda _host: [])) == UNREACHABLE


def test_a_refused_connection_leads_to_the_hosts_next_address(server: TextServer, network: Network) -> None:
    server.says("/a", b"text")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]

    found = [("127.0.0.1", nobody), ("127.0.0.1", server.port)]
    assert fetch(replace(network, resolve=lambda _host: found)) == "text"
    assert refusal(replace(network, resolve=lambda _host: found[:1])) == UNREACHABLE


def test_an_address_that_does_not_answer_is_not_tried_first_for_every_text(
    server: TextServer, network: Network, authority: trustme.CA
) -> None:
    with text_server(authority, HOST) as silent:
        silent.handshakes = False
        for number in range(5):
            server.says(f"/{number}", b"text")
        found = [("127.0.0.1", silent.port), ("127.0.0.1", server.port)]
        impatient = replace(network, seconds=3.0, resolve=lambda _host: found)

        texts = HttpPromptTexts(network=impatient, pace=Pace(at_a_time=1)).texts(
            f"https://{HOST}/{number}" for number in range(5)
        )

    assert list(texts.values()) == ["text"] * 5
    assert silent.connections == 1


def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, network: Network) -> None:
    with text_server(authority, "evil.example") as server:
        server.says("/a", b"text")

        assert refusal(replace(network, resolve=lambda _host: [("127.0.0.1", server.port)])) == UNREACHABLE
    assert server.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(server: TextServer, network: Network) -> None:
    server.says("/a", b"text")

    assert refusal(replace(network, tls=None)) == UNREACHABLE
    assert server.requests == []


def test_the_environment_neither_sends_us_elsewhere_nor_vouches_for_anybody(
    server: TextServer, network: Network, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.says("/a", b"text")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert fetch(network) == "text"

    with authority.cert_pem.tempfile() as path:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        assert refusal(replace(network, tls=None)) == UNREACHABLE


def test_two_hosts_at_one_ip_address_never_share_a_connection(server: TextServer, network: Network) -> None:
    server.keeps_open = True
    addresses = [f"https://{host}/{number}" for number in range(3) for host in (HOST, OTHER)]
    for number in range(3):
        server.says(f"/{number}", b"text")

    found = HttpPromptTexts(hosts={HOST, OTHER}, network=network, pace=Pace(at_a_time=1)).texts(addresses)

    assert list(found.values()) == ["text"] * 6
    assert server.names == [HOST, OTHER] * 3
    assert server.connections == 6


def test_an_address_that_is_not_allowed_leads_nowhere(server: TextServer, network: Network) -> None:
    addresses = [f"http://{HOST}/a", f"https://{OTHER}/a", f"https://{HOST}:444/a", "gs://bucket/a"]

    found = HttpPromptTexts(hosts=DEFAULT_HOSTS, network=network).texts(addresses)

    reasons = [error.reason for error in found.values() if isinstance(error, UnfetchablePrompt)]
    assert reasons == ["address_scheme", "address_host", "address_malformed", "address_scheme"]
    assert server.connections == 0


# --- many at a time ----------------------------------------------------------------------------------------------


def test_each_address_is_fetched_once_and_every_one_is_answered(server: TextServer, network: Network) -> None:
    for number in range(0, 100, 2):
        server.says(f"/{number}", f"text {number}".encode())
    addresses = [f"https://{HOST}/{number}" for number in range(100)]

    found = HttpPromptTexts(network=network).texts(iter(addresses + addresses))

    assert sorted(found) == sorted(addresses)
    assert sorted(server.asked()) == sorted(f"/{number}" for number in range(100))
    for number, address in enumerate(addresses):
        text = found[address]
        assert text == f"text {number}" if number % 2 == 0 else isinstance(text, UnfetchablePrompt)


def test_nothing_to_fetch_is_no_work(network: Network) -> None:
    assert HttpPromptTexts(network=network).texts([]) == {}


def test_so_many_are_fetched_at_a_time_and_no_more(server: TextServer, network: Network) -> None:
    def slowly(visit: Visit) -> None:
        visit.stopping.wait(0.3)
        visit.send(whole(b"text"))

    server.scripts = {f"/{number}": slowly for number in range(12)}

    HttpPromptTexts(network=network, pace=Pace(at_a_time=4)).texts(f"https://{HOST}/{number}" for number in range(12))

    assert server.most_at_once == 4


def test_a_dead_host_costs_a_few_waits_and_not_one_for_each_row(server: TextServer, network: Network) -> None:
    server.handshakes = False
    prompts = HttpPromptTexts(network=replace(network, seconds=0.3), pace=Pace(at_a_time=4, patience=6))

    began = time.monotonic()
    found = prompts.texts(f"https://{HOST}/{number}" for number in range(2000))

    assert time.monotonic() - began < SOON_S
    assert {error.reason for error in found.values() if isinstance(error, UnfetchablePrompt)} == {UNREACHABLE[0]}
    assert len(found) == 2000
    # Those that were under way when the sixth failed.
    assert server.connections <= 6 + 4


def test_a_dead_host_takes_nothing_from_a_living_one(server: TextServer, network: Network) -> None:
    server.says("/a", b"text")

    def lookup(host: str) -> list[Endpoint]:
        if host == OTHER:
            raise socket.gaierror(-2, "Name or service not known")
        return [("127.0.0.1", server.port)]

    prompts = HttpPromptTexts(hosts={HOST, OTHER}, network=replace(network, resolve=lookup), pace=Pace(patience=2))
    found = prompts.texts([*(f"https://{OTHER}/{number}" for number in range(50)), f"https://{HOST}/a"])

    assert found[f"https://{HOST}/a"] == "text"


@pytest.mark.parametrize("answer", ["200 OK", "404 Not Found"])
def test_failures_that_an_answer_interrupts_end_nothing(server: TextServer, network: Network, answer: str) -> None:
    for number in range(30):
        status = answer if number % 3 == 2 else "503 Busy"
        server.says(f"/{number}", status=status)
    prompts = HttpPromptTexts(network=network, pace=Pace(at_a_time=1, patience=3))

    prompts.texts(f"https://{HOST}/{number}" for number in range(30))

    assert len(server.requests) == 30


def test_a_call_that_took_its_time_leaves_the_rest_for_later(server: TextServer, network: Network) -> None:
    server.scripts = dict.fromkeys((f"/{number}" for number in range(20)), lambda visit: visit.stopping.wait(0.2))

    found = HttpPromptTexts(network=network, pace=Pace(at_a_time=1, patience=99, seconds=0.5)).texts(
        f"https://{HOST}/{number}" for number in range(20)
    )

    assert len(found) == 20
    assert 1 <= len(server.requests) <= 4


# --- secrets -----------------------------------------------------------------------------------------------------


def test_neither_query_nor_content_is_logged_or_told(
    server: TextServer, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    # What configure_logging lets through; the client of the library would log each address even then.
    caplog.set_level(logging.INFO)
    private = b"confidential-text"
    server.says(f"/good?Signature={SECRET}", private)
    server.says(f"/nul?Signature={SECRET}", private + b"\0")
    server.says(f"/latin?Signature={SECRET}", private + b"\xff")
    server.says(f"/long?Signature={SECRET}", private * 1000)
    server.says(f"/moved?Signature={SECRET}", status="302 Found", headers=f"Location: /b?Signature={SECRET}\r\n")
    server.scripts[f"/broken?Signature={SECRET}"] = lambda visit: visit.send(private + b"\r\n\r\n") and None
    paths = ["good", "nul", "latin", "long", "moved", "broken", "gone"]

    found = HttpPromptTexts(network=network).texts(
        [*(f"https://{HOST}/{path}?Signature={SECRET}" for path in paths), f"https://{OTHER}/a?Signature={SECRET}"]
    )

    errors = [error for error in found.values() if isinstance(error, UnfetchablePrompt)]
    assert len(errors) == 7
    told = caplog.text + "".join(f"{error!r} {error} {error.remedy}" for error in errors)
    assert SECRET not in told
    assert private.decode() not in told


def test_a_refusal_holds_on_to_nothing_that_was_read(server: TextServer, network: Network) -> None:
    server.says("/a", b"x" * 900 + b"\xff")

    error = fetch(network)

    assert isinstance(error, UnfetchablePrompt)
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)
