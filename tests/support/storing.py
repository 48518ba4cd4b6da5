"""Writing, reading and listing what a file store holds, in this process or another."""

import subprocess
import sys
from pathlib import Path

import fsspec

from service.adapters.files_store import FsspecFileStore


def everything_under(url: str) -> list[str]:
    system, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return [path.removeprefix(root.rstrip("/")) for path in system.find(root)]


def write(store: FsspecFileStore, *chunks: bytes) -> tuple[str, int]:
    with store.writer() as writer:
        for chunk in chunks:
            writer.write(chunk)
        return writer.commit()


def read(store: FsspecFileStore, sha256: str) -> bytes:
    with store.open(sha256) as file:
        return file.read()


def run(script: str) -> str:
    """Run a script from the root of the repository in a process of its own; give what it printed."""
    command = [sys.executable, "-c", f"import os, resource, signal\nfrom tests.support.storing import *\n{script}"]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout
