"""A trainer of OpenAI's shape, through its SDK: OpenAI, Azure, Nebius, gateways and our own ``trainer/``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from http import HTTPStatus
from typing import Any, BinaryIO

from service.adapters.openai_client import Access, open_client, patience
from service.adapters.openai_errors import doubt, refused_answer, too_large, translated
from service.adapters.openai_objects import (
    NO_LIST,
    PAGE,
    checkpoint,
    id_of,
    is_job_of,
    is_upload,
    items_of,
    job_event,
    remote_file,
    remote_job,
    remote_model,
)
from service.domain.contents import Message
from service.domain.errors import JobMissing, ModelNotReady, TrainerRefused, TrainerUnreachable
from service.domain.runs import Run
from service.domain.sampling import USUAL, Sampling
from service.ports import Answer, JobEvent, RemoteFile, RemoteJob, RemoteModel

_BOM = b"\xef\xbb\xbf"
# Newest first, so that what a run left behind is on the first page; the rest is for servers without a filter.
_MOST_PAGES = 20
# One event a training step: this is 20,000 steps.
_MOST_EVENT_PAGES = 200
_VALUE_MAX = 512
_MIB = 1024 * 1024
_NOT_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
# Servers without this route answer in one of these ways.
_TELLS_NOTHING = frozenset(
    {
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.GONE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
_HAS_NO_LIST = _TELLS_NOTHING - {HTTPStatus.FORBIDDEN}
_NO_MODEL = frozenset({"model_not_found", "DeploymentNotFound"})
# A person waits for it.
_LIST_TIMEOUT_S = 10.0


class OpenAITrainer:
    """See ``Trainer``. Nothing connects before the first request, so a process may fork after it is built.

    Args:
        access: Address, key and dialect of the server.
        timeout_s: How long a request may take.
        create_timeout_s: The same for creating a job and for an upload: a server may check the files first.
    """

    def __init__(self, access: Access, *, timeout_s: float = 30, create_timeout_s: float = 60) -> None:
        self._dialect = access.manners
        self.creates_once = self._dialect.creates_once
        self._access = access
        self._client = open_client(access, timeout_s=timeout_s)
        self._create_timeout = patience(create_timeout_s)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def upload(self, name: str, content: BinaryIO, size_bytes: int) -> str:
        """See ``Trainer``: looked for by name and size first, as the answer to an upload may have been lost."""
        expected_bytes = size_bytes + (len(_BOM) if self._dialect.bom else 0)
        self._require_small(expected_bytes)
        for file in self._listed_files():
            if is_upload(file, name, expected_bytes):
                return id_of(file)
        body = _BOM + content.read() if self._dialect.bom else content
        with self._translated():
            made = self._client.files.create(
                file=(name, body, "application/jsonl"), purpose=self._purpose, timeout=self._create_timeout
            )
        return _id_in(made, creating=False)

    def find_jobs(self, run_id: str, training_file: str) -> list[RemoteJob]:
        """See ``Trainer``; each job is checked here too, because some servers ignore the filter."""
        narrowed: dict[str, Any] = {"metadata": {"run_id": run_id}} if self._dialect.metadata_filter else {}
        found = list(self._listed_jobs(**narrowed))
        ours = [job for job in reversed(found) if is_job_of(job, run_id, training_file)]
        return sorted(ours, key=lambda job: job.created_at)

    def create_job(self, run: Run, *, training_file: str, validation_file: str | None) -> RemoteJob:
        """See ``Trainer``; ``run.facts`` may hold ``hyperparameters``, ``suffix`` and ``installation``."""
        optional = {"validation_file": validation_file, "suffix": run.fact("suffix"), **self._method(run)}
        if self._dialect.metadata:
            optional["metadata"] = _metadata(run)
        request = {name: value for name, value in optional.items() if value}
        with self._translated(creating=True):
            job = self._client.fine_tuning.jobs.create(
                model=run.model,
                training_file=training_file,
                extra_headers={"Idempotency-Key": run.run_id} if self.creates_once else None,
                extra_body=dict(self._access.extra_body) or None,
                timeout=self._create_timeout,
                **request,
            )
        _id_in(job, creating=True)
        return remote_job(job, self._dialect)

    def job(self, job_id: str) -> RemoteJob:
        """See ``Trainer``."""
        return remote_job(self._of_job(partial(self._client.fine_tuning.jobs.retrieve, job_id)), self._dialect)

    def cancel(self, job_id: str) -> None:
        """See ``Trainer``; a job that has ended is refused."""
        self._of_job(partial(self._client.fine_tuning.jobs.cancel, job_id))

    def list_jobs(self) -> Iterator[RemoteJob]:
        """See ``Trainer``; pages are fetched as they are needed."""
        return self._listed_jobs()

    def list_files(self) -> Iterator[RemoteFile]:
        """See ``Trainer``; pages are fetched as they are needed."""
        return map(remote_file, self._listed_files())

    def events(self, job_id: str) -> Iterator[JobEvent]:
        """See ``Trainer``; pages are fetched as they are needed."""
        events = partial(self._page, partial(self._client.fine_tuning.jobs.list_events, job_id))
        return map(job_event, items_of(events, most_pages=_MOST_EVENT_PAGES))

    def checkpoints(self, job_id: str) -> list[Mapping[str, Any]]:
        """See ``Trainer``; each has ``checkpoint_id``, ``created_at``, ``step``, ``model`` and ``metrics``."""
        found = partial(self._page, partial(self._client.fine_tuning.jobs.checkpoints.list, job_id))
        return [checkpoint(item) for item in items_of(found, most_pages=_MOST_PAGES)]

    def file_content(self, file_id: str) -> bytes:
        """See ``Trainer``; the bytes as sent: a result file of OpenAI's is base64."""
        with self._translated():
            return self._client.files.content(file_id).read()

    def delete_file(self, file_id: str) -> None:
        """See ``Trainer``."""
        try:
            with self._translated():
                self._client.files.delete(file_id)
        except TrainerRefused as error:
            if not _is_missing(error):
                raise

    def model(self, model_id: str) -> RemoteModel | None:
        """See ``Trainer``; a key that may train need not be allowed to look at models."""
        try:
            with self._translated():
                found = self._client.models.retrieve(model_id)
        except (TrainerRefused, TrainerUnreachable) as error:
            if getattr(error.__cause__, "status_code", None) in _TELLS_NOTHING:
                return None
            raise
        return remote_model(found)

    def models(self) -> list[RemoteModel] | None:
        """See ``Trainer``; the server gives all at once."""
        try:
            with self._translated():
                page = self._client.models.list(timeout=patience(_LIST_TIMEOUT_S))
        except (TrainerRefused, TrainerUnreachable) as error:
            if getattr(error.__cause__, "status_code", None) in _HAS_NO_LIST:
                return None
            raise
        except AttributeError as error:
            # How the SDK stumbles over a page that is no JSON object.
            raise TrainerUnreachable(NO_LIST) from error
        return [model for item in items_of(lambda _: page, most_pages=1) if (model := remote_model(item))]

    def set_alias(self, alias: str, model: str) -> None:
        """See ``Trainer``; an extension of our own ``trainer/``."""
        with self._translated():
            self._client.put(f"/aliases/{alias}", cast_to=object, body={"model": model})

    def aliases(self) -> Mapping[str, str]:
        """See ``Trainer``."""
        with self._translated():
            listed: Any = self._client.get("/aliases", cast_to=object)
        try:
            return {str(one["id"]): str(one["model"]) for one in listed["data"]}
        except (KeyError, TypeError) as error:
            raise TrainerUnreachable(NO_LIST) from error

    def remove_alias(self, alias: str, model: str) -> None:
        """See ``Trainer``."""
        try:
            with self._translated():
                self._client.delete(f"/aliases/{alias}", cast_to=object, options={"params": {"model": model}})
        except TrainerRefused as error:
            if not _is_missing(error):
                raise

    def answer(self, model: str, messages: Sequence[Message], sampling: Sampling = USUAL) -> Answer:
        """See ``Trainer``; a refusal or a cut answer is an answer, only not a good one."""
        options = sampling.sent(length_field=self._dialect.length_field)
        sent: Any = list(messages)
        try:
            with self._translated():
                said = self._client.chat.completions.create(
                    model=model,
                    messages=sent,
                    timeout=patience(self._access.answer_timeout.total_seconds()),
                    **options,
                )
        except TrainerRefused as error:
            if _is_missing(error) or error.code in _NO_MODEL:
                raise ModelNotReady(str(error)) from error
            return refused_answer(error, options)
        return _answer_in(said)

    def _translated(self, *, creating: bool = False) -> AbstractContextManager[None]:
        key = self._access.api_key
        return translated(creating=creating, secret=key.get_secret_value() if key else "")

    @property
    def _purpose(self) -> Any:  # noqa: ANN401 - the SDK knows OpenAI's purposes alone
        return self._dialect.file_purpose

    def _require_small(self, size_bytes: int) -> None:
        if size_bytes > self._dialect.max_file_mb * _MIB:
            raise too_large(size_bytes, self._dialect.max_file_mb)

    def _listed_files(self) -> Iterator[object]:
        files = partial(self._page, self._client.files.list, purpose=self._purpose, order="desc")
        try:
            yield from items_of(files, most_pages=_MOST_PAGES)
        except TrainerRefused as error:
            # At worst a file is uploaded twice, which costs nothing.
            if self._dialect.file_list or _status_of(error) not in _NOT_THERE:
                raise

    def _method(self, run: Run) -> dict[str, Any]:
        given = dict(run.fact("hyperparameters") or {})
        if run.fact("method") == "preference":
            return {"method": {"type": "dpo", "dpo": {"hyperparameters": given}}}
        if not given or self._dialect.method_style == "top_level":
            return {"hyperparameters": given}
        return {"method": {"type": "supervised", "supervised": {"hyperparameters": given}}}

    def _of_job(self, request: Callable[[], object]) -> object:
        try:
            with self._translated():
                job = request()
        except TrainerRefused as error:
            if _is_missing(error):
                raise JobMissing(str(error), code=error.code) from error
            raise
        _id_in(job, creating=False)
        return job

    def _listed_jobs(self, **narrowed: Any) -> Iterator[RemoteJob]:  # noqa: ANN401 - the SDK's own arguments
        jobs = partial(self._page, self._client.fine_tuning.jobs.list, **narrowed)
        return (remote_job(job, self._dialect) for job in items_of(jobs, most_pages=_MOST_PAGES))

    def _page(self, listing: Callable[..., object], after: str | None, **narrowed: object) -> object:
        start = {"after": after} if after else {}
        try:
            with self._translated():
                return listing(limit=PAGE, **narrowed, **start)
        except AttributeError as error:
            # How the SDK stumbles over a page that is no JSON object.
            raise TrainerUnreachable(NO_LIST) from error


def _metadata(run: Run) -> dict[str, str]:
    # OpenAI's limit; our ids are far shorter.
    named = {
        "run_id": run.run_id,
        "pipeline": run.pipeline,
        "snapshot_id": run.snapshot_id or "",
        # An account may serve several installations; a job is nobody else's to stop.
        "installation": str(run.fact("installation") or ""),
    }
    return {name: value[:_VALUE_MAX] for name, value in named.items() if value}


def _id_in(answer: object, *, creating: bool) -> str:
    """Give the id; without one the answer is not the server's, but for instance that of a gateway in between."""
    found = id_of(answer)
    if not found:
        raise doubt("the trainer's answer is not what was asked for", creating=creating)
    return found


def _is_missing(error: TrainerRefused) -> bool:
    return _status_of(error) == HTTPStatus.NOT_FOUND


def _status_of(error: TrainerRefused) -> int | None:
    return getattr(error.__cause__, "status_code", None)


def _answer_in(said: object) -> Answer:
    choices = getattr(said, "choices", None)
    if not choices:
        raise TrainerUnreachable("the model's answer is empty")
    message, usage = getattr(choices[0], "message", None), getattr(said, "usage", None)
    finish = "refusal" if getattr(message, "refusal", None) else getattr(choices[0], "finish_reason", None)
    return Answer(
        text=str(getattr(message, "content", None) or getattr(message, "refusal", None) or ""),
        prompt_tokens=getattr(usage, "prompt_tokens", None) or 0,
        completion_tokens=getattr(usage, "completion_tokens", None) or 0,
        finish=str(finish) if finish else None,
    )
