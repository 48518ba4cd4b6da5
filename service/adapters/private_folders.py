"""Folders that nobody else on the machine can look into: labels, prompts and answers are in them."""

import stat
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, for this user alone; what is there stays as it is."""
    for missing in (*(above for above in reversed(folder.parents) if not above.exists()), folder):
        missing.mkdir(mode=stat.S_IRWXU, exist_ok=True)


def mode_for_others(path: Path) -> str | None:
    """Give the mode of a file or folder that others of this machine can get at, such as ``0755``; None if they cannot.

    A folder that lets nobody else in keeps everything in it to itself.
    """
    mode = path.stat().st_mode
    if not mode & _OTHERS or not path.resolve().parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH):
        return None
    return f"{stat.S_IMODE(mode):04o}"
