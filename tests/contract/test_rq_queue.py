"""The job queue on a real Valkey."""

import ast
import importlib
import time
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from service.adapters.rq_queue import QUEUES, RqJobQueue


@pytest.fixture
def job_queue(redis: Redis) -> RqJobQueue:
    return RqJobQueue(redis)


def waiting(redis: Redis) -> list[tuple[str, str, list[str]]]:
    return [
        (name, job.func_name, list(job.args))
        for name in QUEUES
        for job in Queue(name, connection=redis, serializer="json").jobs
    ]


def test_waking_queues_ids_on_the_right_queue(redis: Redis, job_queue: RqJobQueue) -> None:
    job_queue.wake("advance_run", "run-1")
    job_queue.wake("convert_deliveries")
    job_queue.wake("reconcile", "summaries", "whole")
    assert waiting(redis) == [
        ("runs", "workers.jobs.advance_run", ["run-1"]),
        ("labels", "workers.jobs.convert_deliveries", []),
        ("labels", "workers.jobs.reconcile", ["summaries", "whole"]),
    ]


def test_the_same_wake_up_within_a_second_is_one_message(redis: Redis, job_queue: RqJobQueue) -> None:
    began_s = int(time.time())
    for _ in range(30):
        job_queue.wake("convert_deliveries")
        RqJobQueue(redis).wake("advance_run", "run-1")
    seconds = int(time.time()) - began_s + 1
    assert 2 <= len(waiting(redis)) <= 2 * seconds


def test_wake_ups_for_different_things_are_different_messages(redis: Redis, job_queue: RqJobQueue) -> None:
    wanted = [("a", ""), ("a", "whole"), ("a-whole", ""), ("a.b", ""), ("a-b", ""), ("a_b", ""), ("ä", "")]
    for pipeline, whole in wanted:
        job_queue.wake("reconcile", pipeline, *([whole] if whole else []))
    assert len(waiting(redis)) == len(wanted)


def test_a_job_that_wakes_itself_is_queued_again_although_it_still_runs(redis: Redis, job_queue: RqJobQueue) -> None:
    """A quick step is over within the second it began in; its successor must not wait for the sweep."""
    queue = Queue("runs", connection=redis, serializer="json")
    for _ in range(5):
        job_queue.wake("advance_run", "run-1")
        assert len(waiting(redis)) == 1
        # A worker takes the message; its job is known to RQ for as long as it runs.
        Queue.dequeue_any([queue], None, connection=redis, serializer="json")
        assert waiting(redis) == []


def queued_names() -> set[str]:
    """Give every job that anything in the service or the workers queues, as their source says it."""
    found = set()
    for path in (path for package in ("service", "workers") for path in Path(package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            # Either called, or handed to something that calls it with what follows.
            for caller, argument in pairwise([node.func, *node.args]):
                if isinstance(caller, ast.Attribute) and caller.attr == "wake" and isinstance(argument, ast.Constant):
                    found.add(argument.value)
    return {name for name in found if isinstance(name, str)}


def test_every_job_that_is_queued_exists_under_its_name() -> None:
    names = queued_names()
    assert {"convert_deliveries", "advance_run", "poke_job", "reconcile"} <= names
    jobs = importlib.import_module("workers.jobs")
    assert [name for name in sorted(names) if not callable(getattr(jobs, name, None))] == []
