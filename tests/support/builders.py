"""Values that many tests need, each with sensible defaults."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from service.domain.contents import pair
from service.domain.deliveries import Delivery, delivery_key
from service.domain.labels import RowOutcome
from service.domain.pipelines import (
    DatasetPolicy,
    LabelPolicy,
    Pipeline,
    TrainPolicy,
    TriggerPolicy,
    VerdictPolicy,
)
from service.domain.runs import Run, RunState
from tests.support.fakes import NOON

SECRET = b"a secret for tests"
TRAINER_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
LIMIT_BYTES = 4096


def make_pipeline(name: str = "summaries", **policies: Any) -> Pipeline:  # noqa: ANN401 - the fields of Pipeline
    """Make a pipeline that is due as soon as it has enough examples to train on."""
    chosen: dict[str, Any] = {
        "labels": LabelPolicy("project-1"),
        "train": TrainPolicy("box", "base-model"),
        "trigger": TriggerPolicy(threshold=10, quiet=timedelta(0), cooldown=timedelta(0)),
        "dataset": DatasetPolicy(),
        "verdict": VerdictPolicy(),
    }
    return Pipeline(name, **(chosen | policies))


def make_delivery(
    body: bytes, topic: str = "LABEL_CREATED", *, pipeline: str = "", received_at: datetime = NOON
) -> Delivery:
    return Delivery(delivery_key(topic, body, pipeline=pipeline), topic, pipeline, body, received_at)


def make_outcome(row_id: str, text: str = "a summary", *, prompt: str | None = None, at: datetime = NOON) -> RowOutcome:
    """Give an approved row."""
    return RowOutcome(
        data_row_id=row_id,
        global_key=None,
        activity_at=at,
        label_ids=(f"label-{row_id}",),
        label_id=f"label-{row_id}",
        choice="only",
        content=pair(prompt if prompt is not None else f"the chat of {row_id}", text),
    )


def make_refusal(row_id: str, reason: str = "not_done", *, at: datetime = NOON) -> RowOutcome:
    """Give a row without an example."""
    return RowOutcome(data_row_id=row_id, global_key=None, activity_at=at, reason=reason)


def make_run(run_id: str = "run-1", **fields: Any) -> Run:  # noqa: ANN401 - the fields of Run
    chosen: dict[str, Any] = {
        "pipeline": "summaries",
        "ordinal": 1,
        "state": RunState.CLAIMED,
        "watermark": 0,
        "trainer": "box",
        "model": "base-model",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Run(run_id, **(chosen | fields))


def signed_headers(body: bytes, topic: str = "LABEL_CREATED", *, secret: bytes = SECRET) -> Mapping[str, str]:
    """Sign a body as Labelbox does."""
    return {
        "Content-Type": "application/json",
        "X-Labelbox-Event": topic,
        "X-Labelbox-Id": "delivery-1",
        "X-Hub-Signature": "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest(),
    }
