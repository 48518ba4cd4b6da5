"""Converting: deliveries a second and worker, in batches as the service does, beside one RQ job a delivery.

Both against the same sandbox Labelbox, through the real SDK, with one real worker process and SQLite.
"""

import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from bench.bodies import delivery
from bench.stage import process, say, stage
from service.adapters.redis_clients import quick_redis
from service.adapters.sql_engine import migrate
from service.bootstrap import Deps, database_url, now
from service.cli.processes import answers_http
from service.cli.valkey import free_port
from service.config import load
from service.domain.deliveries import Delivery, delivery_key

DELIVERIES = 4_000
NAIVE_DELIVERIES = 60
ROUNDS = 3
PATIENCE_S = 120.0
MIN_RATIO = 50


def measure() -> dict[str, Any]:
    """Convert the same rows both ways, in turn, and compare the medians."""
    ours, naive = [], []
    with stage() as (folder, environment), _labelbox(folder, environment) as row_ids:
        migrate(database_url(load(environment)))
        with _worker(environment):
            for number in range(ROUNDS):
                ours.append(_ours(environment, row_ids, number))
                naive.append(_naive(environment, row_ids, number))
                say(f"round {number + 1}: {ours[-1]:.0f}/s in batches, {naive[-1]:.1f}/s one job each")
    ratios = sorted(one / other for one, other in zip(ours, naive, strict=True))
    ratio = ratios[len(ratios) // 2]
    return {
        "figures": {
            "deliveries": DELIVERIES,
            "rounds": ROUNDS,
            "batched_per_second": sorted(ours)[ROUNDS // 2],
            "one_job_each_per_second": sorted(naive)[ROUNDS // 2],
        },
        "ratios": {"batched_to_one_job_each": ratio},
        "aims": [
            {
                "aim": "deliveries converted a second and worker at least 50 times one RQ job each",
                "met": ratio >= MIN_RATIO,
            }
        ],
    }


@contextmanager
def _labelbox(folder: Path, environment: dict[str, str]) -> Iterator[list[str]]:
    """Run a sandbox whose labelers have finished as many rows as there are deliveries; give the rows."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    arguments = [sys.executable, "-m", "sandbox", "--port", str(port), "--scenario", "support-chats"]
    arguments += ["--rows", str(DELIVERIES + 500), "--labels", str(DELIVERIES), "--rate", "0"]
    with process(arguments, {}, lambda: answers_http(f"{address}/sandbox/ready")):
        say("labelers are at work ...")
        project = _wait_for(lambda: _finished_project(address))
        configuration = folder / "tuneloop.toml"
        text = configuration.read_text(encoding="utf-8")
        project_line = next(line for line in text.splitlines() if line.startswith("project = "))
        # No run: the conversion alone is measured.
        trigger = "[pipelines.bench.trigger]\nthreshold = 1000000\n"
        text = text.replace(project_line, f'project = "{project["id"]}"') + trigger
        configuration.write_text(text, encoding="utf-8")
        environment["TUNELOOP_LABELBOX_ENDPOINT"] = f"{address}/graphql"
        yield [row["data_row_id"] for row in project["approved"]]


def _finished_project(address: str) -> dict[str, Any] | None:
    with urllib.request.urlopen(f"{address}/sandbox/state", timeout=30) as answer:  # noqa: S310 - our own server
        project: dict[str, Any] = json.load(answer)["projects"][0]
    return project if len(project["approved"]) >= DELIVERIES else None


@contextmanager
def _worker(environment: Mapping[str, str]) -> Iterator[None]:
    redis = quick_redis(environment["TUNELOOP_REDIS_URL"])
    command = [sys.executable, "-X", "utf8", "-m", "service.cli", "work"]
    with process(command, environment, lambda: Worker.count(connection=redis) > 0):
        yield


def _ours(environment: Mapping[str, str], row_ids: list[str], number: int) -> float:
    """Fill the inbox, wake the worker once, and take the time until everything is acknowledged."""
    deps = Deps(load(environment))
    project = deps.settings.pipelines["bench"].labels.project
    for position, row_id in enumerate(row_ids[:DELIVERIES]):
        deps.inbox.put_back(_delivery(number * DELIVERIES + position, row_id, project))
    began_s = time.perf_counter()
    deps.queue.wake("convert_deliveries")
    _wait_for(lambda: deps.inbox.depth() == 0 or None)
    return DELIVERIES / (time.perf_counter() - began_s)


def _delivery(number: int, row_id: str, project: str) -> Delivery:
    body = json.loads(delivery(number))
    body |= {"dataRow": {**body["dataRow"], "id": row_id}, "project": {"id": project}}
    # The workflow topic names no label that the export would have to show.
    topic, encoded = "WORKFLOW_ACTION", json.dumps(body).encode()
    return Delivery(delivery_key(topic, encoded), topic, "", encoded, now())


def _naive(environment: Mapping[str, str], row_ids: list[str], number: int) -> float:
    """Queue one job a delivery and take the time until the last one has finished."""
    redis: Redis = quick_redis(environment["TUNELOOP_REDIS_URL"])
    queue = Queue("labels", connection=redis, serializer=JSONSerializer)
    chosen = row_ids[number * NAIVE_DELIVERIES : (number + 1) * NAIVE_DELIVERIES]
    began_s = time.perf_counter()
    jobs = [queue.enqueue("bench.naive.convert_one", row_id, result_ttl=600) for row_id in chosen]
    _wait_for(lambda: all(job.get_status() in {"finished", "failed"} for job in jobs) or None)
    if failed := [job for job in jobs if not job.is_finished]:
        raise RuntimeError(f"{len(failed)} of the compared jobs failed: {failed[0].exc_info}")
    return len(jobs) / (time.perf_counter() - began_s)


def _wait_for(probe: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is waited for
    end_s = time.monotonic() + PATIENCE_S
    while (found := probe()) is None:
        if time.monotonic() > end_s:
            raise RuntimeError("it took too long")
        time.sleep(0.02)
    return found
