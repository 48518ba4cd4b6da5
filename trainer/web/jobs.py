"""``/v1/fine_tuning/jobs``."""

import re
import time
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from trainer.dataset.lines import BOM
from trainer.runtime import Runtime
from trainer.store.folders import link, remove
from trainer.store.ids import new_id
from trainer.store.job_records import JobRecord, NewJob
from trainer.store.pages import CursorUnknown
from trainer.values import JsonObject
from trainer.web.bodies import after_unknown, limit_of, list_answer, read_json
from trainer.web.errors import ApiError, invalid, json_answer, not_found
from trainer.web.job_requests import JobRequest, read_idempotency_key, read_job_request
from trainer.web.shapes import checkpoint_shape, event_shape, job_shape
from trainer.work.lifecycle import KeyReused
from trainer.work.validating import TRAINING, VALIDATION

MOST_JOBS, MOST_EVENTS = 100, 1000
METADATA = re.compile(r"metadata\[(.+)\]")


async def create_job(request: Request) -> Response:
    """Create a job, once for each idempotency key."""
    runtime: Runtime = request.app.state.runtime
    manners = runtime.settings.manners
    asked = read_job_request(await read_json(request), manners)
    key = read_idempotency_key(request.headers.get("idempotency-key") if manners.idempotency else None)
    try:
        job = await run_in_threadpool(_create, runtime, asked, key)
    except KeyReused:
        # Told not to try again: the SDK would, on a 409.
        told = "This Idempotency-Key was used for a job with another body; use a new key for a new job."
        headers = {"x-should-retry": "false"}
        raise ApiError(409, told, param="Idempotency-Key", code="idempotency_key_reused", headers=headers) from None
    runtime.wake()
    return _answer(runtime, job)


def list_jobs(request: Request) -> Response:
    """List jobs, newest first."""
    runtime: Runtime = request.app.state.runtime
    query = request.query_params
    narrows = runtime.settings.manners.metadata_filter
    wanted = {found[1]: value for name, value in query.items() if narrows and (found := METADATA.fullmatch(name))}
    try:
        page = runtime.stores.jobs.page(
            after=query.get("after"),
            limit=limit_of(request, default=20, most=MOST_JOBS),
            metadata=wanted,
            without_metadata=narrows and query.get("metadata") == "null",
        )
    except CursorUnknown as error:
        raise after_unknown(error) from None
    return json_answer(list_answer(page, lambda job: _shape(runtime, job)))


def retrieve_job(request: Request) -> Response:
    """Show a job."""
    return _answer(request.app.state.runtime, _known(request))


def cancel_job(request: Request) -> Response:
    """End a job that has not ended."""
    runtime: Runtime = request.app.state.runtime
    return _changed(request, done=runtime.lifecycle.cancel(_known(request).id), verb="cancelled")


def pause_job(request: Request) -> Response:
    """Have a job wait."""
    runtime: Runtime = request.app.state.runtime
    return _changed(request, done=runtime.lifecycle.pause(_known(request).id), verb="paused")


def resume_job(request: Request) -> Response:
    """Let a paused job go on."""
    runtime: Runtime = request.app.state.runtime
    return _changed(request, done=runtime.lifecycle.resume(_known(request).id), verb="resumed")


def list_events(request: Request) -> Response:
    """List a job's events, newest first."""
    runtime: Runtime = request.app.state.runtime
    job = _known(request)
    limit = limit_of(request, default=20, most=MOST_EVENTS)
    try:
        page = runtime.stores.events.page(job.id, after=request.query_params.get("after"), limit=limit)
    except CursorUnknown as error:
        raise after_unknown(error) from None
    return json_answer(list_answer(page, event_shape))


def list_checkpoints(request: Request) -> Response:
    """List a succeeded job's checkpoints, newest first."""
    runtime: Runtime = request.app.state.runtime
    job = _known(request)
    limit = limit_of(request, default=10, most=MOST_JOBS)
    try:
        page = runtime.stores.checkpoints.page(job.id, after=request.query_params.get("after"), limit=limit)
    except CursorUnknown as error:
        raise after_unknown(error) from None
    return json_answer(list_answer(page, lambda checkpoint: checkpoint_shape(checkpoint, job.id)))


def _create(runtime: Runtime, asked: JobRequest, key: str | None) -> JobRecord:
    # A repeat is answered before anything is checked: the files may have been deleted since.
    made = runtime.lifecycle.made_before(key, asked.sha256)
    if made is not None:
        return made
    _check_model(runtime, asked.model)
    job_id = new_id("ftjob-")
    try:
        _link_files(runtime, asked, job_id)
        job = runtime.lifecycle.create(_new_job(job_id, asked, key))
    except BaseException:
        remove(runtime.folders.job(job_id))
        raise
    if job.id != job_id:
        # A request with the same key came first in the meantime.
        remove(runtime.folders.job(job_id))
    return job


def _new_job(job_id: str, asked: JobRequest, key: str | None) -> NewJob:
    return NewJob(
        id=job_id,
        model=asked.model,
        method=asked.method,
        hyperparameters=asked.hyperparameters,
        training_file=asked.training_file,
        validation_file=asked.validation_file,
        suffix=asked.suffix,
        seed=asked.seed,
        metadata=asked.metadata,
        idempotency_key=key,
        request_sha256=asked.sha256,
    )


def _check_model(runtime: Runtime, model: str) -> None:
    bases = {base.id for base in runtime.engine.base_models()}
    if model not in bases and runtime.stores.models.get(model) is None:
        told = f"The model {model!r} is not there or cannot be fine-tuned; base models: {', '.join(sorted(bases))}."
        raise invalid("model", told, "model_not_available")


def _link_files(runtime: Runtime, asked: JobRequest, job_id: str) -> None:
    """Give the job its own links to its files, so that their deletion or expiry does not end it."""
    wanted: Mapping[str, tuple[str | None, str]] = {
        "training_file": (asked.training_file, TRAINING),
        "validation_file": (asked.validation_file, VALIDATION),
    }
    for param, (file_id, name) in wanted.items():
        if file_id is None:
            continue
        file = runtime.stores.files.get(file_id, time.time())
        if file is None:
            raise invalid(param, f"There is no file {file_id!r}.", "file_not_found")
        if file.purpose != "fine-tune":
            raise invalid(param, f"The file {file_id!r} has the purpose {file.purpose!r}, not 'fine-tune'.")
        try:
            # A mark that the server demands is no part of the lines.
            skipped = len(BOM) if runtime.settings.manners.bom else 0
            link(runtime.folders.file(file_id), runtime.folders.job(job_id) / name, skipped_bytes=skipped)
        except FileNotFoundError:
            # Deleted since it was looked up.
            raise invalid(param, f"There is no file {file_id!r}.", "file_not_found") from None


def _changed(request: Request, *, done: bool, verb: str) -> Response:
    runtime: Runtime = request.app.state.runtime
    job = _known(request)
    if not done:
        raise ApiError(400, f"The job cannot be {verb}: its status is {job.status}.", code="invalid_job_status")
    runtime.wake()
    return _answer(runtime, job)


def _answer(runtime: Runtime, job: JobRecord) -> Response:
    return json_answer(_shape(runtime, job))


def _shape(runtime: Runtime, job: JobRecord) -> JsonObject:
    manners = runtime.settings.manners
    newest = runtime.stores.events.newest_metrics(job.id) if manners.more_job_fields else {}
    return job_shape(job, runtime.settings.organization, manners, newest)


def _known(request: Request) -> JobRecord:
    runtime: Runtime = request.app.state.runtime
    job_id = request.path_params["job_id"]
    job = runtime.stores.jobs.get(job_id)
    if job is None:
        raise not_found("fine-tuning job", job_id)
    return job
