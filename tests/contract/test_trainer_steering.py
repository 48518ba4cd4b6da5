"""Finding and steering jobs: lists, filters, idempotency keys, cancelling and pausing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from tests.contract.trainer_process import BASE, Trainer, running_trainer
from tests.unit.trainer_lines import calls, jsonl

LONG = 600.0
"""A job's seconds where the test must find it running."""


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    with running_trainer(tmp_path_factory.mktemp("steering") / "data") as running:
        yield running


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Trainer]:
    with running_trainer(tmp_path / "data", job_seconds=LONG) as running:
        yield running


def ids(jobs: list[FineTuningJob]) -> list[str]:
    return [job.id for job in jobs]


def keyed(trainer: Trainer, key: str, training_file: str, suffix: str = "a") -> FineTuningJob:
    return trainer.client.fine_tuning.jobs.create(
        model=BASE, training_file=training_file, suffix=suffix, extra_headers={"Idempotency-Key": key}
    )


def test_the_list_is_newest_first_and_walks_over_all_pages(trainer: Trainer) -> None:
    made = [trainer.create().id for _ in range(5)]
    listed = ids(list(trainer.client.fine_tuning.jobs.list(limit=2)))
    assert listed[:5] == made[::-1]
    assert len(set(listed)) == len(listed)
    assert ids(trainer.client.fine_tuning.jobs.list(after=made[2], limit=2).data) == [made[1], made[0]]


def test_the_list_finds_jobs_by_their_metadata(trainer: Trainer) -> None:
    wanted = [trainer.create(metadata={"run id": "r 1/ä", "kind": "x"}).id for _ in range(3)]
    other = trainer.create(metadata={"run id": "r2", "kind": "x"}).id
    jobs = trainer.client.fine_tuning.jobs
    assert ids(list(jobs.list(metadata={"run id": "r 1/ä"}, limit=1))) == wanted[::-1]
    assert ids(list(jobs.list(metadata={"run id": "r2", "kind": "x"}))) == [other]
    assert ids(list(jobs.list(metadata={"run id": "r2", "kind": "y"}))) == []
    assert ids(list(jobs.list(metadata={"r2": "run id"}))) == []


def test_the_list_finds_jobs_without_metadata(trainer: Trainer) -> None:
    with_it, without = trainer.create(metadata={"a": "b"}).id, trainer.create().id
    found = ids(list(trainer.client.fine_tuning.jobs.list(extra_query={"metadata": "null"})))
    assert without in found
    assert with_it not in found


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "ten"}, {"after": "ftjob-none"}])
def test_a_list_with_a_wrong_query_is_refused(trainer: Trainer, query: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        trainer.client.fine_tuning.jobs.list(extra_query=query)
    assert refused.value.param in query


def test_a_repeat_with_the_same_key_gives_the_same_job(trainer: Trainer) -> None:
    file = trainer.upload(jsonl(calls(10)))
    first = keyed(trainer, "key-1", file)
    trainer.wait(first.id)
    trainer.client.files.delete(file)
    again = keyed(trainer, "key-1", file)
    assert (again.id, again.status) == (first.id, "succeeded")


def test_requests_with_one_key_at_the_same_time_make_one_job(trainer: Trainer) -> None:
    file = trainer.upload(jsonl(calls(10)))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keyed(trainer, "key-2", file).id, range(8)))
    assert len(set(made)) == 1
    listed = list(trainer.client.fine_tuning.jobs.list())
    assert [job.training_file for job in listed].count(file) == 1


def test_the_same_key_with_another_body_is_a_conflict_that_is_not_retried(trainer: Trainer) -> None:
    file = trainer.upload(jsonl(calls(10)))
    keyed(trainer, "key-3", file)
    patient = trainer.client.with_options(max_retries=2)
    with pytest.raises(openai.ConflictError, match="another body") as refused:
        patient.fine_tuning.jobs.create(
            model=BASE, training_file=file, suffix="b", extra_headers={"Idempotency-Key": "key-3"}
        )
    assert refused.value.code == "idempotency_key_reused"
    assert refused.value.response.request.headers["x-stainless-retry-count"] == "0"


def test_a_refused_request_does_not_use_its_key_up(trainer: Trainer) -> None:
    with pytest.raises(openai.BadRequestError):
        keyed(trainer, "key-4", "file-none")
    assert keyed(trainer, "key-4", trainer.upload(jsonl(calls(10)))).id


def test_a_key_that_is_too_long_is_refused(trainer: Trainer) -> None:
    with pytest.raises(openai.BadRequestError):
        keyed(trainer, "k" * 256, trainer.upload(jsonl(calls(10))))


def test_a_running_job_is_cancelled_and_the_next_one_gets_its_turn(slow: Trainer) -> None:
    jobs = slow.client.fine_tuning.jobs
    first, second = slow.create(), slow.create()
    slow.wait(first.id, {"running"})
    slow.wait(second.id, {"queued"})
    cancelled = jobs.cancel(first.id)
    assert cancelled.status == "cancelled"
    assert cancelled.finished_at
    slow.wait(second.id, {"running"})
    assert jobs.retrieve(first.id).status == "cancelled"
    assert next(iter(jobs.list_events(first.id))).message == "The job was cancelled"
    assert jobs.cancel(second.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="its status is cancelled"):
        jobs.cancel(first.id)
    assert list(jobs.checkpoints.list(first.id)) == []


def test_a_paused_job_waits_and_goes_on_where_it_was(slow: Trainer) -> None:
    jobs = slow.client.fine_tuning.jobs
    job = slow.create()
    slow.wait(job.id, {"running"})
    assert str(jobs.pause(job.id).status) == "paused"
    with pytest.raises(openai.BadRequestError):
        jobs.pause(job.id)
    other = slow.create()
    slow.wait(other.id, {"running"})
    jobs.cancel(other.id)
    assert jobs.resume(job.id).status in {"queued", "running"}
    slow.wait(job.id, {"running"})
    with pytest.raises(openai.BadRequestError):
        jobs.resume(job.id)
    told = [event.message for event in jobs.list_events(job.id, limit=100) if event.type == "message"]
    assert told[::-1][2:] == [
        "The files are in order; the job is queued",
        "Training started",
        "The job was paused",
        "The job was resumed and is queued",
        "Training goes on",
    ]
