"""Together's fine-tuning API: a trainer of another shape than OpenAI's, in one file.

Its jobs carry no metadata and its creation knows no idempotency key, so that a run's id rides in the suffix of its
model's name: there it is found again. Source: Together's API reference, "Fine-tuning" and "Files", and the types of its
Python package 3.1; never called for real.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from textwrap import shorten
from typing import Any, BinaryIO

import httpx2

from service.adapters.http_waits import retry_after_s
from service.adapters.openai_client import Access
from service.adapters.openai_errors import doubt, refused_answer, too_large
from service.domain.contents import Message
from service.domain.errors import (
    JobMissing,
    ModelNotReady,
    ServiceError,
    TrainerBusy,
    TrainerRefused,
    TrainerUnreachable,
)
from service.domain.outcomes import INSUFFICIENT_QUOTA, REFUSALS
from service.domain.runs import Run
from service.domain.sampling import USUAL, Sampling
from service.ports import Answer, JobEvent, RemoteFile, RemoteJob, RemoteModel

_CONNECT_TIMEOUT_S = 10.0
# A person waits for it.
_LIST_TIMEOUT_S = 10.0
_LONGEST_MESSAGE = 300
_MIB = 1024 * 1024
_UNSURE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
# It needs an endpoint before it answers; see the trainer's deploy command.
_NO_MODEL = frozenset({"model_not_available", "model_not_found"})
_RUN_ID = re.compile(r"run-[0-9a-f]{20}")
_LEVELS = {"legacy_info": "info", "warning": "warn", "legacy_iwarning": "warn", "legacy_ierror": "error"}
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Check the variable that the trainer's api_key_env names.",
    HTTPStatus.PAYMENT_REQUIRED: REFUSALS[INSUFFICIENT_QUOTA].remedy,
    HTTPStatus.FORBIDDEN: "Check what the key that the trainer's api_key_env names may do.",
    HTTPStatus.NOT_FOUND: "Check the trainer's base_url and the name of the model.",
}


class TogetherTrainer:
    """See ``Trainer``. Nothing connects before the first request, so a process may fork after it is built.

    Args:
        access: Address, key and dialect of the server.
        timeout_s: How long a request may take.
        create_timeout_s: The same for creating a job and for an upload.
    """

    creates_once = False

    def __init__(self, access: Access, *, timeout_s: float = 30, create_timeout_s: float = 60) -> None:
        self._access = access
        self._manners = access.manners
        self._key = access.api_key.get_secret_value() if access.api_key else ""
        self._create_timeout = _patience(create_timeout_s)
        self._client = httpx2.Client(
            base_url=access.base_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=_patience(timeout_s),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def upload(self, name: str, content: BinaryIO, size_bytes: int) -> str:
        """See ``Trainer``: looked for by name and size first, as the answer to an upload may have been lost."""
        if size_bytes > self._manners.max_file_mb * _MIB:
            raise too_large(size_bytes, self._manners.max_file_mb)
        for file in _items(self._ask("GET", "files")):
            if (file.get("filename"), file.get("bytes")) == (name, size_bytes):
                return _id_of(file)
        fields = {"purpose": self._manners.file_purpose, "file_name": name, "file_type": "jsonl"}
        sent = {"file": (name, content, "application/jsonl")}
        return _id_of(self._ask("POST", "files/upload", data=fields, files=sent, timeout=self._create_timeout))

    def find_jobs(self, run_id: str, training_file: str) -> list[RemoteJob]:
        """See ``Trainer``; by the run in the model's name, or by the file where a job shows no name."""
        found = [self._job_in(item) for item in _items(self._ask("GET", "fine-tunes"))]
        ours = [job for job in found if job.metadata.get("run_id", run_id) == run_id and _is_by(job, training_file)]
        return sorted(ours, key=lambda job: job.created_at)

    def create_job(self, run: Run, *, training_file: str, validation_file: str | None) -> RemoteJob:
        """See ``Trainer``; ``run.facts`` may hold ``hyperparameters`` and ``suffix``."""
        request = {
            "model": run.model,
            "training_file": training_file,
            "suffix": "-".join(part for part in (run.fact("suffix"), run.run_id) if part),
            **_method(run),
            **self._access.extra_body,
        }
        if validation_file:
            # Without evaluations the file would be ignored.
            request = {"validation_file": validation_file, "n_evals": 1, **request}
        made = self._ask("POST", "fine-tunes", creating=True, json=request, timeout=self._create_timeout)
        _id_of(made, creating=True)
        return self._job_in(made)

    def job(self, job_id: str) -> RemoteJob:
        """See ``Trainer``."""
        found = self._of_job("GET", f"fine-tunes/{job_id}")
        _id_of(found)
        return self._job_in(found)

    def cancel(self, job_id: str) -> None:
        """See ``Trainer``; a job that has ended is refused."""
        self._of_job("POST", f"fine-tunes/{job_id}/cancel")

    def list_jobs(self) -> Iterator[RemoteJob]:
        """See ``Trainer``; the server gives all at once."""
        found = [self._job_in(item) for item in _items(self._ask("GET", "fine-tunes"))]
        return iter(sorted(found, key=lambda job: job.created_at, reverse=True))

    def list_files(self) -> Iterator[RemoteFile]:
        """See ``Trainer``; the server gives all at once."""
        found = [
            RemoteFile(str(item.get("id") or ""), str(item.get("filename") or ""), _seconds(item.get("created_at")))
            for item in _items(self._ask("GET", "files"))
        ]
        return iter(sorted(found, key=lambda file: file.created_at, reverse=True))

    def events(self, job_id: str) -> Iterator[JobEvent]:
        """See ``Trainer``; they have no ids, so that one is made of what each says."""
        events = [_event(item) for item in _items(self._ask("GET", f"fine-tunes/{job_id}/events"))]
        # Of one second the one that is listed later is newer, as they come oldest first.
        return iter(sorted(events, key=lambda event: event.created_at)[::-1])

    def checkpoints(self, job_id: str) -> list[Mapping[str, Any]]:
        """See ``Trainer``; none has metrics."""
        found = [_checkpoint(item) for item in _items(self._ask("GET", f"fine-tunes/{job_id}/checkpoints"))]
        return sorted(found, key=lambda point: point["step"] or 0, reverse=True)

    def file_content(self, file_id: str) -> bytes:
        """See ``Trainer``."""
        return self._send("GET", f"files/{file_id}/content", creating=False, follow_redirects=True).content

    def delete_file(self, file_id: str) -> None:
        """See ``Trainer``."""
        try:
            self._ask("DELETE", f"files/{file_id}")
        except _NotThere:
            return

    def model(self, model_id: str) -> RemoteModel | None:  # noqa: ARG002 - the port's shape
        """See ``Trainer``; this server names no day on which a model ends."""
        return None

    def models(self) -> list[RemoteModel] | None:
        """See ``Trainer``; this list is an array of its own, not inside an object."""
        try:
            found = self._read("GET", "models", timeout=_patience(_LIST_TIMEOUT_S))
        except _NotThere:
            return None
        listed = found.get("data") if isinstance(found, dict) else found
        if not isinstance(listed, list):
            raise TrainerUnreachable("the trainer's answer is no list")
        names = [item.get("id") for item in listed if isinstance(item, dict)]
        return [RemoteModel(name) for name in names if name and isinstance(name, str)]

    def set_alias(self, alias: str, model: str) -> None:  # noqa: ARG002 - the port's shape
        """See ``Trainer``; this server has no names of that kind."""
        raise TrainerRefused(f"no alias for {model}: this trainer has none")

    def aliases(self) -> Mapping[str, str]:
        """See ``Trainer``; this server has no names of that kind."""
        return {}

    def remove_alias(self, alias: str, model: str) -> None:
        """See ``Trainer``; this server has no names of that kind, so that there is none to remove."""

    def answer(self, model: str, messages: Sequence[Message], sampling: Sampling = USUAL) -> Answer:
        """See ``Trainer``; a refusal or a cut answer is an answer, only not a good one."""
        options = sampling.sent(length_field=self._manners.length_field)
        request: dict[str, Any] = {"model": model, "messages": list(messages), **options}
        timeout = _patience(self._access.answer_timeout.total_seconds())
        try:
            said = self._ask("POST", "chat/completions", json=request, timeout=timeout)
        except TrainerRefused as error:
            if isinstance(error, _NotThere) or error.code in _NO_MODEL:
                raise ModelNotReady(str(error)) from error
            return refused_answer(error, options)
        return _answer(said)

    def _job_in(self, found: Mapping[str, Any]) -> RemoteJob:
        status = str(found.get("status") or "")
        outcome = self._manners.outcome_of(status)
        named = _RUN_ID.search(f"{found.get('suffix')} {found.get('model_output_name')}")
        return RemoteJob(
            job_id=str(found.get("id") or ""),
            status=status,
            outcome=outcome,
            created_at=_seconds(found.get("created_at")),
            tuned_model=(found.get("model_output_name") or None) if outcome == "succeeded" else None,
            trained_tokens=_whole(found.get("token_count")),
            training_file=found.get("training_file"),
            metadata={"run_id": named[0]} if named else {},
            result_files=(),
            error=_failure(found) if outcome == "failed" else None,
        )

    def _of_job(self, method: str, path: str) -> dict[str, Any]:
        try:
            return self._ask(method, path)
        except _NotThere as error:
            raise JobMissing(str(error), code=error.code) from error

    def _ask(self, method: str, path: str, *, creating: bool = False, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx2's own arguments
        found = self._read(method, path, creating=creating, **request)
        if not isinstance(found, dict):
            raise doubt("the trainer's answer is not what was asked for", creating=creating)
        return found

    def _read(self, method: str, path: str, *, creating: bool = False, **request: Any) -> Any:  # noqa: ANN401 - any JSON
        sent = self._send(method, path, creating=creating, **request)
        try:
            return sent.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise doubt("the trainer's answer is no JSON", creating=creating) from error

    def _send(self, method: str, path: str, *, creating: bool, **request: Any) -> httpx2.Response:  # noqa: ANN401 - as above
        try:
            answer = self._client.request(method, path, **request)
        except httpx2.HTTPError as error:
            if isinstance(error, _NOT_SENT):
                raise TrainerUnreachable("no connection to the trainer") from error
            raise doubt(f"the trainer's answer is lost: {type(error).__name__}", creating=creating) from error
        if not answer.is_success:
            raise self._refusal(answer, creating=creating)
        return answer

    def _refusal(self, answer: httpx2.Response, *, creating: bool) -> ServiceError:
        status, (words, code) = answer.status_code, _complaint(answer)
        told = f"status {status}: {words.replace(self._key, '***') if self._key else words}"
        wait_s = retry_after_s(answer.headers)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return TrainerBusy(told, retry_after_s=wait_s)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _UNSURE:
            return doubt(told, creating=creating, wait_s=wait_s)
        if status == HTTPStatus.PAYMENT_REQUIRED:
            # Whatever its own word for it is, the run waits for whoever pays.
            code = INSUFFICIENT_QUOTA
        kind = _NotThere if status == HTTPStatus.NOT_FOUND else TrainerRefused
        return kind(told, code=code, remedy=_REMEDIES.get(status))


class _NotThere(TrainerRefused):
    """What the request is about does not exist."""


def _method(run: Run) -> dict[str, Any]:
    """Give the method and the hyperparameters; what is "auto" is left to the server."""
    given = {name: value for name, value in (run.fact("hyperparameters") or {}).items() if value != "auto"}
    if run.fact("method") != "preference":
        return {"training_method": {"method": "sft", "train_on_inputs": "auto"}, **given}
    beta = {"dpo_beta": given.pop("beta")} if "beta" in given else {}
    return {"training_method": {"method": "dpo", **beta}, **given}


def _is_by(job: RemoteJob, training_file: str) -> bool:
    return "run_id" in job.metadata or job.training_file == training_file


def _items(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = answer.get("data")
    if not isinstance(found, list):
        # Not an empty list: "no job" is what a second job would be created on.
        raise TrainerUnreachable("the trainer's answer is no list")
    return [item for item in found if isinstance(item, dict)]


def _id_of(answer: Mapping[str, Any], *, creating: bool = False) -> str:
    found = answer.get("id")
    if not isinstance(found, str) or not found:
        raise doubt("the trainer's answer is not what was asked for", creating=creating)
    return found


def _event(found: Mapping[str, Any]) -> JobEvent:
    level = str(found.get("level") or "info")
    facts = {name: found[name] for name in ("step", "total_steps", "token_count") if found.get(name) is not None}
    said = json.dumps([found.get(name) for name in ("created_at", "type", "message", "step")])
    return JobEvent(
        event_id="event-" + hashlib.sha256(said.encode()).hexdigest()[:24],
        created_at=_seconds(found.get("created_at")),
        level=_LEVELS.get(level, level),
        kind=str(found.get("type") or "message"),
        message=str(found.get("message") or ""),
        facts=facts,
    )


def _checkpoint(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "checkpoint_id": str(found.get("object_id") or found.get("path") or ""),
        "created_at": _seconds(found.get("created_at")),
        "step": _whole(found.get("step")),
        "model": found.get("object_name"),
        "metrics": {},
    }


def _answer(said: Mapping[str, Any]) -> Answer:
    choices, usage = said.get("choices"), said.get("usage")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise TrainerUnreachable("the model's answer is empty")
    message, counts = choices[0].get("message") or {}, usage if isinstance(usage, dict) else {}
    return Answer(
        text=str(message.get("content") or ""),
        prompt_tokens=_whole(counts.get("prompt_tokens")) or 0,
        completion_tokens=_whole(counts.get("completion_tokens")) or 0,
        finish=str(choices[0].get("finish_reason") or "") or None,
    )


def _failure(found: Mapping[str, Any]) -> str:
    events = [item for item in found.get("events") or () if isinstance(item, dict)]
    complaints = [str(item.get("message")) for item in events if "error" in str(item.get("level"))]
    return complaints[-1] if complaints else "the trainer gives no reason; see the job's events"


def _complaint(answer: httpx2.Response) -> tuple[str, str | None]:
    try:
        told = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return "no reason given", None
    error = told.get("error", told) if isinstance(told, dict) else {}
    if not isinstance(error, dict):
        return shorten(str(error), _LONGEST_MESSAGE, placeholder=" ..."), None
    words = shorten(str(error.get("message") or "no reason given"), _LONGEST_MESSAGE, placeholder=" ...")
    code = error.get("code") or error.get("type")
    return words, str(code) if code else None


def _seconds(moment: object) -> int:
    """Read a time as they write it, ISO 8601, or unix seconds."""
    if isinstance(moment, int | float):
        return int(moment)
    try:
        read = datetime.fromisoformat(str(moment))
    except ValueError:
        return 0
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _patience(timeout_s: float) -> httpx2.Timeout:
    return httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S))
