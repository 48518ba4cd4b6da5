"""A million examples: building a snapshot, deciding the trigger, and giving new examples their splits."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.million import PIPELINE, grow
from bench.stage import CONFIGURATION, say
from service.adapters.sql_engine import migrate
from service.adapters.sql_places import add_places, read_places
from service.bootstrap import Deps, database_url, now
from service.config import load
from service.domain.base_models import encoding_of
from service.domain.contents import pair
from service.domain.fingerprints import fingerprint_of
from service.domain.labels import RowOutcome
from service.domain.placements import Keys
from service.domain.splits import group_key
from service.ports import Wanted
from service.usecases.doors import weigh
from service.usecases.take_stock import last_reconcile
from service.usecases.write_examples import write_outcomes

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 3
BATCH = 500
BATCHES = 6
ASKED = 20
MAX_PEAK_MB = 300
MAX_TO_PLAIN = 3
MAX_COUNT_MS = 50
# Twice the time at a hundred times the size is the caches' doing, and no search through everything.
FLAT = 2


@dataclass(frozen=True)
class Size:
    """What was measured at one size; medians.

    Attributes:
        assign_us: To give one new prompt its split: look for its near-duplicates, draw, and keep it for the next.
        write_us: To write one new example with all that: appraised, placed, stored, the disk waited for.
        count_ms: To count everything that a pipeline's page shows, and to decide whether a run is due.
    """

    assign_us: float
    write_us: float
    count_ms: float


def measure() -> dict[str, Any]:
    """Grow a pipeline to a million examples, measuring on the way, then build its snapshot."""
    with tempfile.TemporaryDirectory(prefix="tuneloop-bench-") as name:
        folder = Path(name)
        (folder / "tuneloop.toml").write_text(CONFIGURATION, encoding="utf-8")
        environment = {"TUNELOOP_CONFIG": str(folder / "tuneloop.toml"), "TUNELOOP_DATA": name}
        deps = Deps(load(environment))
        migrate(database_url(deps.settings))
        sizes = _grow(deps)
        plain, ours = [], []
        for number in range(ROUNDS):
            plain.append(_build("plain", environment))
            ours.append(_build("snapshot", environment))
            say(f"round {number + 1}: {plain[-1]['seconds']:.1f} s plain, {ours[-1]['seconds']:.1f} s the snapshot")
    to_plain = _median([one["seconds"] / other["seconds"] for one, other in zip(ours, plain, strict=True)])
    peak_mb = max(one["peak_mb"] for one in ours)
    count_ms = sizes[SIZES[-1]].count_ms
    flat = sizes[SIZES[-1]].assign_us / sizes[SIZES[0]].assign_us
    return {
        "figures": {
            "examples": SIZES[-1],
            "snapshot_s": _median([one["seconds"] for one in ours]),
            "plain_loop_s": _median([one["seconds"] for one in plain]),
            "peak_mb": peak_mb,
            "count_ms": {str(size): found.count_ms for size, found in sizes.items()},
            "assign_us": {str(size): found.assign_us for size, found in sizes.items()},
            "write_us": {str(size): found.write_us for size, found in sizes.items()},
        },
        "ratios": {"snapshot_to_plain_loop": to_plain, "assign_at_million_to_ten_thousand": flat},
        "aims": [
            {"aim": f"building a snapshot of 1,000,000 keeps below {MAX_PEAK_MB} MB", "met": peak_mb < MAX_PEAK_MB},
            {"aim": f"at most {MAX_TO_PLAIN} times a loop that selects and writes", "met": to_plain <= MAX_TO_PLAIN},
            {"aim": f"trigger and counts below {MAX_COUNT_MS} ms at 1,000,000", "met": count_ms < MAX_COUNT_MS},
            {"aim": "assigning a split stays flat from 10,000 to 1,000,000", "met": flat <= FLAT},
        ],
    }


def _grow(deps: Deps) -> dict[int, Size]:
    found, before = {}, 0
    encoding = encoding_of(deps.settings.pipelines[PIPELINE].train.model)
    for size in SIZES:
        grow(deps.engine, before=before, after=size, encoding=encoding)
        before = size
        found[size] = Size(_assign_us(deps, size), _write_us(deps, size), _count_ms(deps))
        say(
            f"{size} examples: {found[size].assign_us:.0f} us to assign one, {found[size].write_us:.0f} us to write "
            f"it, {found[size].count_ms:.1f} ms to count"
        )
    return found


def _assign_us(deps: Deps, size: int) -> float:
    """Time what the converter does for the splits of a batch, under the pipeline's lock."""
    policy, draw, times = deps.settings.pipelines[PIPELINE].dataset, random.Random(size + 1), []
    for number in range(BATCHES):
        prompts = [_prompt(f"assigned-{size}-{number}-{item}", draw) for item in range(BATCH)]
        keys = [Keys(group_key(prompt), group_key(prompt), fingerprint_of(prompt)) for prompt in prompts]
        wanted = Wanted([], [key.prompt for key in keys], [key.fingerprint for key in keys if key.fingerprint])
        with deps.engine.begin() as connection:
            began_s = time.perf_counter()
            places = read_places(connection, PIPELINE, wanted)
            for key in keys:
                places.find(key, pipeline=PIPELINE, policy=policy, stays=None)
            add_places(connection, PIPELINE, places)
            times.append((time.perf_counter() - began_s) / BATCH * 1e6)
    # The first fills the caches.
    return _median(times[1:])


def _write_us(deps: Deps, size: int) -> float:
    """Time the writing of new examples, as the converter does it."""
    pipeline, at = deps.settings.pipelines[PIPELINE], datetime.now(UTC)
    draw, times = random.Random(size), []
    for number in range(BATCHES):
        outcomes = [_outcome(f"new-{size}-{number}-{item}", at, draw) for item in range(BATCH)]

        def write(outcomes: list[RowOutcome] = outcomes) -> None:
            write_outcomes(deps.examples, pipeline, outcomes, appraisers=deps.appraisers, gone=(), observed_at=at)

        times.append(_seconds(write) / BATCH * 1e6)
    return _median(times[1:])


def _outcome(row_id: str, at: datetime, draw: random.Random) -> RowOutcome:
    content = pair(_prompt(row_id, draw), f"Summary of {row_id}.")
    return RowOutcome(row_id, None, at - timedelta(days=1), label_id=f"label-{row_id}", content=content)


def _prompt(name: str, draw: random.Random) -> str:
    return f"{name}: " + " ".join(f"word{draw.randrange(10**6)}" for _ in range(50))


def _count_ms(deps: Deps) -> float:
    """Time everything that the page of a pipeline counts; the trigger's decision is made of the same."""
    pipeline = deps.settings.pipelines[PIPELINE]

    def count() -> None:
        weigh(pipeline, deps, now=now())
        deps.letters.count()
        last_reconcile(PIPELINE, deps.reconciles)
        deps.runs.recent(PIPELINE, 1)

    return _median([_seconds(count) * 1000 for _ in range(ASKED)])


def _build(name: str, environment: dict[str, str]) -> dict[str, float]:
    arguments = [sys.executable, "-m", "bench.building", name]
    done = subprocess.run(arguments, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _seconds(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
