"""Commands of the installation's own, run without a shell."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from service.domain.errors import CommandFailed
from service.ports import Ran

_LOOK_S = 0.2
_KEPT_CHARACTERS = 64 * 1024


class ShelllessCommands:
    """See ``Commands``. A command has this process's environment and writes its errors where this process does."""

    def run(self, command: Sequence[str], *, timeout_s: float, keep: Callable[[], object]) -> Ran:
        """See ``Commands``; what it wrote stays out of every error, because it may hold secrets."""
        try:
            # A session of its own, so that what it started ends with it.
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise CommandFailed(f"{command[0]} cannot be started: {error.strerror}") from error
        except ValueError as error:
            raise CommandFailed(f"{command[0]} cannot be started: a value holds a null byte") from error
        with process:
            try:
                output = _watched(process, command[0], time.monotonic() + timeout_s, keep)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
        return Ran(process.returncode, lines[-1].strip() if lines else "")


def _watched(process: "subprocess.Popen[bytes]", name: str, give_up_at: float, keep: Callable[[], object]) -> bytes:
    while True:
        try:
            return process.communicate(timeout=_LOOK_S)[0][-_KEPT_CHARACTERS:]
        except subprocess.TimeoutExpired:
            keep()
            if time.monotonic() >= give_up_at:
                # Without its cause, which holds the output.
                raise CommandFailed(f"{name} did not end in time") from None
