"""The job queue: RQ with JSON, ids only."""

import hashlib
import time
from itertools import count

from redis import Redis
from rq import Queue
from rq.exceptions import DuplicateJobError

QUEUES = ("runs", "labels")
_QUEUE_OF = {"advance_run": "runs", "poke_job": "runs"}
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
        digest = hashlib.sha256("\n".join(arguments).encode()).hexdigest()[:16]
        second = int(time.time())
        for number in count():
            job_id = f"{job}-{digest}-{second}-{number}"
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
                if self._redis.lpos(queue.key, job_id) is None:
                    # A worker has it already, and perhaps looked before there was what we wake it for.
                    continue
            return
