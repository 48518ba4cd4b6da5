"""Commands of the installation's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended.

    Attributes:
        code: Its exit code; negative for the signal that ended it.
        last_line: The last line on its standard output that is not blank; empty if there is none.
    """

    code: int
    last_line: str


class Commands(Protocol):
    """What runs a command."""

    def run(self, command: Sequence[str], *, timeout_s: float, keep: Callable[[], object]) -> Ran:
        """Run a command without a shell and wait for its end; CommandFailed where it cannot start or takes longer.

        Args:
            command: The program and its arguments, none of them split any further.
            timeout_s: How long it may take; then it is killed, and what it started as well.
            keep: Called several times a second, so that the caller keeps what it has leased.
        """
