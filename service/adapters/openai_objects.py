"""Jobs, events and checkpoints as a trainer of OpenAI's shape sends them, in the domain's words.

The SDK builds its objects without checking them, and servers leave fields out or send null for them; so
nothing here is taken for granted, and nothing is validated against the SDK's own types.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from service.domain.dialects import Dialect
from service.domain.errors import TrainerUnreachable
from service.ports import JobEvent, RemoteFile, RemoteJob, RemoteModel

PAGE = 100
# Azure has its own words; a server that names another state has the file.
_UNUSABLE = frozenset({"error", "failed", "deleting", "deleted", "canceled", "cancelled"})
NO_LIST = "the trainer's answer is no list"
# Ours are keys in a database, whose indexes take no more than some thousand bytes.
_LONGEST_ID = 200
# What a JSON number is exact to; a database's whole numbers hold more.
_MOST = 2**53


def remote_job(job: object, dialect: Dialect) -> RemoteJob:
    """Read a job, whose status is a word of this dialect.

    A status that is not known is an open job: servers add words such as ``paused``. Whether a job failed is
    its status alone: healthy jobs carry an error object as well, an empty one.
    """
    status, files = str(getattr(job, "status", "")), getattr(job, "result_files", None)
    outcome = dialect.outcome_of(status)
    metadata = getattr(job, "metadata", None)
    return RemoteJob(
        job_id=id_of(job),
        status=status,
        outcome=outcome,
        created_at=_whole(job, "created_at") or 0,
        tuned_model=getattr(job, "fine_tuned_model", None) or None,
        trained_tokens=_whole(job, "trained_tokens"),
        training_file=getattr(job, "training_file", None),
        metadata={str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {},
        result_files=tuple(item for item in files if item and isinstance(item, str)) if isinstance(files, list) else (),
        error=_failure(getattr(job, "error", None)) if outcome == "failed" else None,
        estimated_finish=_whole(job, "estimated_finish"),
        error_code=_text(getattr(job, "error", None), "code") if outcome == "failed" else None,
        suffix=_text(job, "user_provided_suffix"),
    )


def remote_model(found: object) -> RemoteModel | None:
    """Read a model; None where this is none, such as the page that some servers give for every unknown address."""
    model_id = id_of(found)
    return RemoteModel(model_id, _day(getattr(found, "shutdown_date", None))) if model_id else None


def remote_file(file: object) -> RemoteFile:
    """Read an uploaded file."""
    return RemoteFile(id_of(file), _text(file, "filename") or "", _whole(file, "created_at") or 0)


def id_of(answer: object) -> str:
    """Give the id of what a server sent, empty if that is not what was asked for, such as a gateway's page."""
    found = getattr(answer, "id", None)
    return found if isinstance(found, str) else ""


def is_job_of(job: RemoteJob, run_id: str, training_file: str) -> bool:
    """Say whether a job belongs to a run.

    The file decides only where the server keeps no metadata: two runs of one snapshot share the file.
    """
    named = job.metadata.get("run_id")
    return named == run_id if named else job.training_file == training_file


def is_upload(file: object, name: str, size_bytes: int) -> bool:
    """Say whether an uploaded file is this one and usable; our names hold the content's hash."""
    found = (getattr(file, "filename", None), getattr(file, "bytes", None))
    return found == (name, size_bytes) and getattr(file, "status", None) not in _UNUSABLE


def job_event(event: object) -> JobEvent:
    """Read an event."""
    facts = getattr(event, "data", None)
    created_at, message = _whole(event, "created_at") or 0, str(getattr(event, "message", None) or "")
    return JobEvent(
        # Without an id it is known again by what it says.
        event_id=_key(id_of(event) or f"{created_at}\n{message}\n{facts!r}"),
        created_at=created_at,
        level=str(getattr(event, "level", None) or "info"),
        kind=str(getattr(event, "type", None) or "message"),
        message=message,
        facts=facts if isinstance(facts, dict) else {},
    )


def checkpoint(found: object) -> Mapping[str, Any]:
    """Read a checkpoint: ``checkpoint_id``, ``created_at``, ``step``, ``model`` and ``metrics``, a mapping."""
    metrics: Any = getattr(found, "metrics", None)
    dumped = metrics.model_dump(exclude_none=True, warnings=False) if hasattr(metrics, "model_dump") else metrics
    return {
        "checkpoint_id": id_of(found),
        "created_at": _whole(found, "created_at") or 0,
        "step": getattr(found, "step_number", None),
        "model": getattr(found, "fine_tuned_model_checkpoint", None),
        "metrics": dumped if isinstance(dumped, dict) else {},
    }


def items_of(fetch: Callable[[str | None], Any], *, most_pages: int) -> Iterator[Any]:
    """Go through a list, page by page, each ``fetch`` given the last id before it.

    Ends where the server says so, and also where it ignores the id and sends a page again: some servers
    claim for ever that there is more.

    Raises:
        TrainerUnreachable: A page is no list. It must not pass for an empty one: "no job" is what a second
            job would be created on.
    """
    seen: set[str] = set()
    after: str | None = None
    for _ in range(most_pages):
        page = fetch(after)
        fresh = [item for item in _data_of(page) if id_of(item) not in seen]
        yield from fresh
        seen.update(map(id_of, fresh))
        if not fresh or getattr(page, "has_more", None) is False:
            return
        after = id_of(fresh[-1])


def _data_of(page: object) -> list[object]:
    found = getattr(page, "data", None)
    if found is None and getattr(page, "object", None) == "list":
        return []
    if not isinstance(found, list):
        raise TrainerUnreachable(NO_LIST)
    return found


def _whole(answer: object, name: str) -> int | None:
    found = getattr(answer, name, None)
    # Also false for NaN.
    return int(found) if isinstance(found, int | float) and abs(found) <= _MOST else None


def _key(text: str) -> str:
    if len(text) <= _LONGEST_ID and text.isprintable():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _day(written: object) -> date | None:
    """Read ``YYYY-MM-DD``, with or without a time behind it; what is no date is none."""
    try:
        return date.fromisoformat(written[:10]) if isinstance(written, str) else None
    except ValueError:
        return None


def _text(answer: object, name: str) -> str | None:
    found = getattr(answer, name, None)
    return found if found and isinstance(found, str) else None


def _failure(error: object) -> str | None:
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    return ": ".join(str(part) for part in (code, message) if part) or None
