"""Child processes: started in order, started again when they die, stopped in the opposite order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.adapters.private_folders import make_private
from service.domain.errors import ServiceError

READY_S = 30.0
STOP_S = 25.0
# A child that says its configuration is wrong will say so again.
CONFIGURATION_EXIT = 2
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
HEALTHY_S = 30.0


class ProcessFailed(ServiceError):
    """A process did not start."""

    remedy = "Read the end of its log, which is shown."


@dataclass(frozen=True, slots=True)
class Program:
    """A process to run.

    Attributes:
        address: Where it answers, for people; empty if it does not.
        is_ready: Asked until it says yes, before the next one is started.
    """

    name: str
    arguments: Sequence[str]
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] = lambda: True


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started_s: float
    pause_s: float = FIRST_PAUSE_S
    again_s: float | None = None


class Supervisor:
    """Keeps programs running.

    Args:
        logs: Folder for one log file a program.
        say: Shows a line to a person.
    """

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        make_private(logs)
        self._logs = logs
        self._say = say
        self._children: list[_Child] = []

    def start(self, program: Program) -> None:
        """Start a program and wait until it is ready.

        Raises:
            ProcessFailed: It ended, or was not ready in time.
        """
        child = _Child(program, self._spawn(program), time.monotonic())
        self._children.append(child)
        while not program.is_ready():
            if child.process.poll() is not None or time.monotonic() - child.started_s > READY_S:
                raise ProcessFailed(f"{program.name} did not start:\n{self._last_lines(program)}")
            time.sleep(0.05)
        self._say(f"{program.name:<10} {program.address or 'running'}")

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until something that the programs do together has come about.

        Raises:
            ProcessFailed: It did not in time.
        """
        end_s = time.monotonic() + READY_S
        while not condition():
            self.mend()
            if time.monotonic() > end_s:
                raise ProcessFailed(f"{what}: not within {READY_S:.0f} s", remedy=f"Read the logs in {self._logs}.")
            time.sleep(0.05)

    def pid(self, name: str) -> int:
        """Give a program's current process id."""
        return next(child.process.pid for child in self._children if child.program.name == name)

    def mend(self) -> None:
        """Start again what has died, each time after a longer pause.

        Raises:
            ProcessFailed: One ended because its configuration is wrong.
        """
        for child in self._children:
            code = child.process.poll()
            if code is None:
                continue
            if code == CONFIGURATION_EXIT:
                raise ProcessFailed(f"{child.program.name} cannot run:\n{self._last_lines(child.program)}")
            if child.again_s is None:
                healthy = time.monotonic() - child.started_s > HEALTHY_S
                child.pause_s = FIRST_PAUSE_S if healthy else min(child.pause_s * 2, LONGEST_PAUSE_S)
                child.again_s = time.monotonic() + child.pause_s
                self._say(f"{child.program.name:<10} ended ({_words(code)}), starting again")
            elif time.monotonic() >= child.again_s:
                child.process, child.started_s, child.again_s = self._spawn(child.program), time.monotonic(), None

    def stop(self) -> None:
        """Stop everything, the last started first; what does not end in time is killed."""
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
                try:
                    child.process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()
        self._children.clear()

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        tied = [sys.executable, "-m", "service.cli.tether", str(os.getpid()), *program.arguments]
        with self._log(program).open("ab") as log:
            # A session of its own, so that Ctrl-C reaches the supervisor only, which stops them in order.
            return subprocess.Popen(
                tied,
                env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log(self, program: Program) -> Path:
        return self._logs / f"{program.name}.log"

    def _last_lines(self, program: Program) -> str:
        lines = self._log(program).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-15:])


def _words(code: int) -> str:
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name
