"""``python -m bench.building plain|snapshot``: build a snapshot, or only select and write its rows."""

import json
import os
import resource
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from bench.million import PIPELINE
from service.adapters.sql_engine import reading
from service.adapters.sql_tables import examples
from service.bootstrap import Deps
from service.config import load

_KB = 1024


def plain(deps: Deps) -> None:
    """Select the rows in order and write their contents as lines: the least that any builder does."""
    columns = (examples.c.example_id, examples.c.version, examples.c.label_id, examples.c.split, examples.c.content)
    mine = (examples.c.pipeline == PIPELINE, examples.c.status == "active")
    wanted = sa.select(*columns).where(*mine).order_by(examples.c.split, examples.c.example_id)
    target = Path(deps.settings.data_folder) / "plain.jsonl"
    with reading(deps.engine) as connection, target.open("wb") as file:
        for row in connection.execution_options(yield_per=1000).execute(wanted):
            file.write(row.content.encode() + b"\n")
    target.unlink()


def snapshot(deps: Deps) -> None:
    """Build the snapshot as a run does."""
    pipeline = deps.settings.pipelines[PIPELINE]
    deps.archive.build(pipeline, model=pipeline.train.model)


def main(name: str) -> None:
    """Do one of both and tell seconds and peak memory."""
    deps = Deps(load(os.environ))
    began_s = time.perf_counter()
    {"plain": plain, "snapshot": snapshot}[name](deps)
    seconds = time.perf_counter() - began_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main(sys.argv[1])
