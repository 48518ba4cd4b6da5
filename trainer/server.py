"""The process: one socket, one uvicorn, a clean stop."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from trainer.runtime import Runtime
from trainer.settings import Settings
from trainer.web.application import build_application

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
LAST_ANSWERS_S = 10


class Server(uvicorn.Server):
    """A uvicorn that tells its address once it answers there.

    Args:
        settings: How the trainer is started.
        on_listening: Told the address, ``http://HOST:PORT``.

    Raises:
        FolderInUse: Another trainer has the data folder.
        DatabaseTooNew: A newer version wrote the data folder.
        OSError: The address is taken, or the data folder cannot be used.
    """

    def __init__(self, settings: Settings, on_listening: Callable[[str], object]) -> None:
        self._on_listening = on_listening
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._socket = socket.create_server((settings.host, settings.port), family=family)
        try:
            application = build_application(Runtime(settings))
        except BaseException:
            self._socket.close()
            raise
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=LAST_ANSWERS_S,
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the address."""
        await super().startup(sockets=sockets)
        host, port = self._socket.getsockname()[:2]
        self._on_listening(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    def serve_until_stopped(self) -> None:
        """Serve until a signal comes, or ``should_exit`` is set."""
        with _outliving_stop_signals():
            self.run(sockets=[self._socket])


@contextmanager
def _outliving_stop_signals() -> Iterator[None]:
    """Let the process end in its own good order: uvicorn raises the signal anew after it has stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _ignore) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; unlike SIG_IGN this is not passed on to child processes."""
