"""Labelbox through its own SDK: ontologies and exports, with the SDK's traps closed.

The SDK blocks, retries by itself for two minutes, and lets errors of four other libraries out.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from service.adapters.labelbox_errors import is_about_us, translated
from service.adapters.labelbox_stream import own_folder, read_lines, require_utf8
from service.domain.errors import ExportFailed, ExportLost, LabelsRefused, RowsRefused
from service.domain.exports import Request
from service.ports import LabelTask


class ExportParams(TypedDict):
    """What rows shall tell. The SDK ignores names that it does not know, so ours are checked here."""

    data_row_details: bool
    metadata_fields: bool
    attachments: bool
    project_details: bool
    label_details: bool
    performance_details: bool


class ExportFilters(TypedDict, total=False):
    """Which rows are wanted; an unknown name would export everything."""

    data_row_ids: list[str]
    last_activity_at: list[str | None]


# Without them a row has no status, no label times and no word about skipping.
EXPORT_PARAMS = ExportParams(
    data_row_details=True,
    metadata_fields=True,
    attachments=False,
    project_details=True,
    label_details=True,
    performance_details=True,
)
_ENDED = frozenset({"FAILED", "CANCELED", "CANCELING"})


class LabelboxSource:
    """See ``LabelSource``. One a worker job: the SDK's client must not be shared.

    Args:
        api_key: Of a user who may export the projects.
        endpoint: The GraphQL address.
        folder: Where exports are kept while they are read; made when it is needed.
    """

    def __init__(self, *, api_key: str, endpoint: str, folder: Path) -> None:
        from labelbox import Client  # takes more than a second

        self._client = Client(api_key=api_key, endpoint=endpoint)
        self._folder = folder
        # As last looked at: finding a task again costs two requests.
        self._tasks: dict[str, Any] = {}

    def normalized_ontology(self, project_id: str) -> Mapping[str, Any]:
        """See ``LabelSource``."""
        with translated():
            found: Mapping[str, Any] = self._client.get_project(project_id).ontology().normalized
            return found

    def start_export(self, project_id: str, request: Request) -> LabelTask:
        """See ``LabelSource``."""
        with translated():
            project = self._client.get_project(project_id)
        try:
            with translated(), _task_is_known("just made"):
                return self._seen(project.export(filters=filters_of(request), params=EXPORT_PARAMS))
        except LabelsRefused as error:
            if request.data_row_ids is None or is_about_us(error.__cause__):
                raise
            # Whether Labelbox leaves unknown rows out or refuses them is nowhere said.
            raise RowsRefused(str(error)) from error

    def look(self, task_id: str) -> LabelTask:
        """See ``LabelSource``."""
        from labelbox import ExportTask

        with translated(), _task_is_known(task_id):
            return self._seen(ExportTask.get_task(self._client, task_id))

    def read(self, task_id: str) -> Iterator[Mapping[str, Any] | None]:
        """See ``LabelSource``.

        Raises:
            ExportFailed: The result is not what was announced; another export may be.
        """
        require_utf8()
        if task_id not in self._tasks:
            self.look(task_id)
        with translated(reading=True), own_folder(self._folder) as folder:
            task = self._tasks[task_id]
            # An empty export has no result to stream, and streaming it raises.
            if task.has_result():
                yield from read_lines(task, folder)

    def _seen(self, task: Any) -> LabelTask:  # noqa: ANN401 - the SDK's own class
        # Never the task's own text: writing it asks for what an export has not, and raises.
        if task.status in _ENDED:
            raise ExportFailed(f"task {task.uid} is {task.status}")
        self._tasks = {task.uid: task}
        return LabelTask(task.uid, is_complete=task.status == "COMPLETE")


@contextmanager
def _task_is_known(name: str) -> Iterator[None]:
    """Keep a task that is gone, or another user's, from looking like a project that is gone."""
    from lbox.exceptions import ResourceNotFoundError

    try:
        yield
    except ResourceNotFoundError as error:
        raise ExportLost(f"Labelbox does not know the task {name}") from error


def filters_of(request: Request) -> ExportFilters:
    """Write a request as the SDK reads it."""
    if request.data_row_ids is not None:
        return ExportFilters(data_row_ids=list(request.data_row_ids))
    if request.since is not None:
        return ExportFilters(last_activity_at=[_stamp(request.since), None])
    return ExportFilters()


def _stamp(moment: datetime) -> str:
    # The one form whose offset the SDK does not throw away; fractions of seconds are refused.
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
