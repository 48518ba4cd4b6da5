"""The app as a server: in a process of its own, or in a thread for tests."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import uvicorn
from starlette.applications import Starlette

from sandbox import stamps
from sandbox.app import Parts, assemble, make_app
from sandbox.core import Sandbox
from sandbox.settings import Settings

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WAIT_S = 0.005


class Server(uvicorn.Server):
    """A server that says when it listens and that ends a clean stop as a success.

    Args:
        app: What it serves.
        listening: Called once, when clients may come.
    """

    def __init__(self, app: Starlette, listening: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(app, lifespan="on", log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        )
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on a signal; uvicorn would raise it again afterwards, and the process would look killed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former = {sig: signal.signal(sig, self.handle_exit) for sig in _STOP_SIGNALS}
        try:
            yield
        finally:
            for sig, handler in former.items():
                signal.signal(sig, handler)


def bind(host: str, port: int) -> socket.socket:
    """Take the address before anything else starts, so that a port in use is known at once.

    Raises:
        OSError: The address is in use or not this machine's.
    """
    return socket.create_server((host, port))


def address_of(bound: socket.socket) -> str:
    """Give the address as clients write it."""
    host, port = bound.getsockname()[:2]
    return f"http://{host}:{port}"


@dataclass(slots=True)
class RunningSandbox:
    """A sandbox that serves from a thread.

    Attributes:
        base_url: Its address without a path; the control API is below ``/sandbox``.
        url: Its GraphQL endpoint, for the SDK's ``endpoint``.
        core: The account, to operate on directly.
    """

    base_url: str
    parts: Parts

    @property
    def url(self) -> str:
        """The SDK's ``endpoint``."""
        return f"{self.base_url}/graphql"

    @property
    def core(self) -> Sandbox:
        """The account."""
        return self.parts.sandbox

    def settle(self, timeout_s: float = 20.0) -> None:
        """Wait until nobody works and every delivery was posted.

        Raises:
            TimeoutError: It does not come to rest.
        """
        deadline = time.monotonic() + timeout_s
        while not (self.parts.labelers.is_idle and self.parts.courier.is_idle):
            if time.monotonic() > deadline:
                raise TimeoutError("the sandbox did not come to rest")
            time.sleep(_WAIT_S)


@contextmanager
def serve_in_thread(
    settings: Settings | None = None, *, clock: Callable[[], datetime] = stamps.now
) -> Iterator[RunningSandbox]:
    """Run a sandbox for as long as the context lasts, for tests.

    Args:
        settings: As on the command line; a free port unless it names one.
        clock: Gives the moment, aware.
    """
    settings = settings or Settings()
    bound = bind(settings.host, settings.port)
    base_url = address_of(bound)
    parts = assemble(settings, clock, base_url=base_url)
    listening = threading.Event()
    server = Server(make_app(parts), listening.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="sandbox")
    thread.start()
    try:
        if not listening.wait(timeout=10.0):
            raise TimeoutError("the sandbox did not start")
        yield RunningSandbox(base_url, parts)
    finally:
        server.should_exit = True
        thread.join()
        bound.close()
