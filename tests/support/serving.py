"""A real uvicorn on a real socket, and a client that may send what no library would."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection

import uvicorn
from starlette.applications import Starlette

READY_S = 20.0
CLIENT_TIMEOUT_S = 20.0

Headers = Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@contextlib.contextmanager
def serving(app: Starlette) -> Iterator[int]:
    """Serve the app as the service does; give the port."""
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + READY_S
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server takes too long to start"
            time.sleep(0.005)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(READY_S)
            assert not thread.is_alive()


def request(port: int, method: str, path: str, body: bytes = b"", headers: Headers = ()) -> Reply:
    """Send a request whose headers may be doubled and need not be ASCII."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=CLIENT_TIMEOUT_S)) as connection:
        connection.putrequest(method, path)
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        return _reply(connection)


def request_in_chunks(port: int, path: str, chunks: Iterable[bytes], headers: Headers = (), *, end: bool) -> Reply:
    """Send a body without saying how long it is, and perhaps without ever ending it."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=CLIENT_TIMEOUT_S)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Transfer-Encoding", "chunked")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        # The server may hang up on what it has refused.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for chunk in chunks:
                connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if end:
                connection.send(b"0\r\n\r\n")
        return _reply(connection)


def send_and_hang_up(port: int, head: bytes) -> None:
    """Send the beginning of a request and go away."""
    with socket.create_connection(("127.0.0.1", port), timeout=CLIENT_TIMEOUT_S) as connection:
        connection.sendall(head)


def _reply(connection: HTTPConnection) -> Reply:
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Reply(answer.status, headers, answer.read())
