"""The job queue: RQ with JSON, ids only."""

import hashlib
import json
import time
from collections.abc import Sequence
from itertools import count

from redis import Redis
from rq import Queue
from rq.exceptions import DuplicateJobError

from service.adapters.redis_clients import translated

QUEUES = ("runs", "labels", "notices")
_OF_RUNS = (
    "advance_run",
    "clear_run",
    "poke_job",
    "gather_reports",
    "reconcile_trainer",
    "name_champion",
    "watch_sunsets",
)
_QUEUE_OF = {**dict.fromkeys(_OF_RUNS, "runs"), "send_notices": "notices"}
# A message that nobody took in this time is forgotten: the sweep sends another while there is work.
WAIT_S = 60
TIMEOUT_S = 3600


class RqJobQueue:
    """See ``JobQueue``.

    Messages of one second with the same job and arguments are one message while it waits, however many processes
    send them. They are not kept unique for longer, because RQ remembers a job of a killed worker for minutes, and
    would refuse its successor that long.
    """

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def wake(self, job: str, *arguments: str) -> None:
        """See ``JobQueue``."""
        queue = Queue(_QUEUE_OF.get(job, "labels"), connection=self._redis, serializer="json")
        name = f"{job}-{hashlib.sha256(json.dumps(arguments).encode()).hexdigest()[:16]}-{int(time.time())}"
        with translated():
            for number in count():
                # A worker may have it already, and have looked before there was what we wake it for.
                if self._enqueue(queue, f"{name}-{number}", job, arguments) or self._waits(queue, f"{name}-{number}"):
                    return

    def _enqueue(self, queue: Queue, job_id: str, job: str, arguments: Sequence[str]) -> bool:
        """Queue a message; False if RQ knows its id, waiting or running."""
        try:
            queue.enqueue(
                f"workers.jobs.{job}",
                args=arguments,
                job_id=job_id,
                unique=True,
                ttl=WAIT_S,
                result_ttl=0,
                failure_ttl=24 * 3600,
                job_timeout=TIMEOUT_S,
            )
        except DuplicateJobError:
            return False
        return True

    def _waits(self, queue: Queue, job_id: str) -> bool:
        return self._redis.lpos(queue.key, job_id) is not None
