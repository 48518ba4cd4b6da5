"""Runs a program so that it ends with the process that started it.

``python -m service.cli.tether PARENT PROGRAM ARGUMENTS``: whatever kills the supervisor, even SIGKILL, leaves
no orphan that holds a port or writes to a data folder that is in use again.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the program; the kernel keeps the tie."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        # It died before the tie was made.
        sys.exit(1)
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is what we want


if __name__ == "__main__":
    main()
