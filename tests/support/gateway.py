"""A gateway before a real server that loses what it is told to lose: the request, the answer, or both ends at once."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Loss = Literal["dropped", "500 after success", "dropped before"]
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass
class Gateway:
    """Forwards everything, and strikes one request.

    Attributes:
        address: Where it forwards to.
        strikes_at: The number of the request, from 0; None none.
        requests: What came so far, ids left out.
    """

    address: str
    base_url: str = ""
    strikes_at: int | None = None
    loss: Loss = "dropped"
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, strikes_at: int | None = None, loss: Loss = "dropped") -> None:
        self.strikes_at, self.loss, self.requests = strikes_at, loss, []

    def meet(self, name: str) -> Loss | None:
        with self.lock:
            self.requests.append(name)
            return self.loss if len(self.requests) - 1 == self.strikes_at else None


@contextmanager
def running_gateway(base_url: str) -> Iterator[Gateway]:
    """Open a gateway before a server, and close it afterwards."""
    parts = urlsplit(base_url)
    gateway = Gateway(parts.netloc)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            loss = gateway.meet(f"{self.command} {_shape(self.path)}")
            if loss == "dropped before":
                return self._drop()
            status, headers, content = _ask(gateway.address, self, body)
            if loss == "dropped":
                return self._drop()
            if loss == "500 after success":
                status, headers, content = 500, [("content-type", "text/html")], b"<html>Oops</html>"
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return None

        def _drop(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_DELETE = _forward  # noqa: N815 - the names of the standard library

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        gateway.base_url = f"http://127.0.0.1:{server.server_port}{parts.path}"
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()


def _ask(address: str, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOP}
        connection.request(handler.command, handler.path, body or None, headers)
        answer = connection.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        return answer.status, kept, answer.read()
    finally:
        connection.close()


def _shape(path: str) -> str:
    """Give a path without its ids and its query."""
    steps = path.partition("?")[0].split("/")
    return "/".join("ID" if step.startswith(("file-", "ftjob-")) else step for step in steps)
