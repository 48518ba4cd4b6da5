"""A TLS server on a real socket, which answers each path as its script says, in whatever bytes it likes."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import trustme

JOIN_S = 10.0

Script = Callable[["Visit"], None]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request; ``stopping`` is set when the test is over."""

    connection: socket.socket
    stopping: threading.Event

    def send(self, content: bytes) -> bool:
        """Send bytes; False once the client has gone away."""
        try:
            self.connection.sendall(content)
        except OSError:
            return False
        return True

    def trickle(self, content: bytes, every_s: float) -> None:
        """Send bytes one by one, for as long as somebody takes them."""
        for byte in content:
            if not self.send(bytes([byte])) or self.stopping.wait(every_s):
                return


@dataclass
class TextServer:
    """What the server says, and what it saw.

    Attributes:
        scripts: By path with query.
        handshakes: Whether it does more than accept a connection.
        keeps_open: Whether it waits for another request on the same connection.
        connections: How many were opened.
        names: The host names that were asked for in the handshake.
        requests: Their heads.
        most_at_once: How many requests were being answered at one moment.
    """

    tls: ssl.SSLContext
    port: int = 0
    scripts: dict[str, Script] = field(default_factory=dict)
    handshakes: bool = True
    keeps_open: bool = False
    connections: int = 0
    names: list[str | None] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def says(self, path: str, content: bytes = b"", *, status: str = "200 OK", headers: str = "") -> None:
        """Let a path be answered at once and as it should be."""
        self.scripts[path] = lambda visit: visit.send(whole(content, status=status, headers=headers)) and None

    def asked(self) -> list[str]:
        """Give the paths that were asked for."""
        return [request.split(" ")[1] for request in self.requests]

    def accept(self, listener: socket.socket) -> None:
        """Serve until the listener is closed."""
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with self._lock:
                self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(JOIN_S)
            assert not thread.is_alive()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.closing(plain), contextlib.suppress(OSError):
            if not self.handshakes:
                self._stopping.wait()
                return
            plain.settimeout(JOIN_S)
            with self.tls.wrap_socket(plain, server_side=True) as connection:
                while self._answer(connection) and self.keeps_open:
                    pass

    def _answer(self, connection: ssl.SSLSocket) -> bool:
        """Answer a request; False if there is none."""
        head = b""
        while b"\r\n\r\n" not in head:
            if not (chunk := connection.recv(65536)):
                return False
            head += chunk
        request = head.decode("latin-1")
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            script = self.scripts.get(request.split(" ")[1], lambda visit: visit.send(whole(status="404 Not Found")))
            script(Visit(connection, self._stopping))
        finally:
            with self._lock:
                self._at_once -= 1
        return True


def whole(content: bytes = b"", *, status: str = "200 OK", headers: str = "") -> bytes:
    """Give a whole and honest answer; each further header ends with CR LF."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{headers}\r\n".encode() + content


@contextlib.contextmanager
def text_server(authority: trustme.CA, *hosts: str) -> Iterator[TextServer]:
    """Serve with a certificate for these hosts, on loopback."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(tls)
    server = TextServer(tls)
    tls.sni_callback = lambda _socket, name, _context: server.names.append(name)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.settimeout(0.05)
        server.port = listener.getsockname()[1]
        thread = threading.Thread(target=server.accept, args=(listener,))
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(JOIN_S)
