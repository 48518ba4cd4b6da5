"""What the benchmarks run on: an embedded Valkey and a configuration in a folder that is removed at the end."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.bodies import PROJECT, SECRET
from service.cli.valkey import valkey_program

CONFIGURATION = f"""\
[trainers.local]
dialect = "tuneloop"
base_url = "http://127.0.0.1:9/v1"

[pipelines.bench]
[pipelines.bench.labels]
project = "{PROJECT}"
[pipelines.bench.train]
trainer = "local"
model = "memory-base-1"
"""
READY_S = 20.0


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def stage() -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a folder and the environment of a service in it, its Valkey running at ``appendfsync always``."""
    with tempfile.TemporaryDirectory(prefix="tuneloop-bench-") as name:
        folder = Path(name)
        (folder / "tuneloop.toml").write_text(CONFIGURATION, encoding="utf-8")
        valkey, address = valkey_program(folder / "valkey")
        environment = {
            "TUNELOOP_CONFIG": str(folder / "tuneloop.toml"),
            "TUNELOOP_DATA": str(folder),
            "TUNELOOP_REDIS_URL": address,
            "LABELBOX_WEBHOOK_SECRET": SECRET,
            "LABELBOX_API_KEY": "bench",
        }
        with process(valkey.arguments, {}, valkey.is_ready):
            yield folder, environment


@contextmanager
def process(
    arguments: Sequence[str], environment: Mapping[str, str], is_ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends."""
    import os

    running = subprocess.Popen(list(arguments), env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        end_s = time.monotonic() + READY_S
        while not is_ready():
            if running.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"{arguments[0]} did not start")
            time.sleep(0.05)
        yield running
    finally:
        running.terminate()
        running.wait()
