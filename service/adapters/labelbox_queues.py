"""Giving work to Labelbox's labelers through its own SDK."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from service.adapters.labelbox_errors import translated
from service.domain.errors import GapsRefused, LabelsUnreachable
from service.domain.export_rows import ExportRow, moment_of, row_of
from service.domain.labels import metadata_of
from service.domain.shown_prompts import shown_prompt
from service.ports import Abilities, RowStanding, UnlabelledRow

# The SDK's own limit: ids of one filter.
_MAX_IDS = 2_000
_MAX_WAIT_S = 600
_REWORK = "MANUAL_REWORK_QUEUE"
# Questions of the kinds that Labelbox retired on 2026-06-30; their editor is gone.
_RETIRED = ("prompt", "response-")


class LabelboxQueuesOfSdk:
    """See ``LabelQueues``.

    Args:
        api_key: Of a user who may make batches and move rows in the projects.
        endpoint: The GraphQL address.
    """

    def __init__(self, *, api_key: str, endpoint: str) -> None:
        from labelbox import Client  # takes more than a second

        self._client = Client(api_key=api_key, endpoint=endpoint)

    def abilities(self, project_id: str) -> Abilities:
        """See ``LabelQueues``."""
        with translated():
            project = self._client.get_project(project_id)
            asked = (project.ontology().normalized or {}).get("classifications") or ()
            queues = {queue.queue_type for queue in project.task_queues()}
        is_retired = any(str(question.get("type")).startswith(_RETIRED) for question in asked)
        return Abilities(is_retired, _REWORK in queues)

    def unlabelled(self, project_id: str, datasets: Sequence[str], *, most: int) -> list[UnlabelledRow]:
        """See ``LabelQueues``; by one export of the project and one of each dataset."""
        with translated(reading=True):
            project = self._client.get_project(project_id)
            task = project.export(filters={"workflow_status": "ToLabel"}, params=_WITH_METADATA)
            waiting = (row for row in _rows(task) if not _labels(row, project_id))
            found = [_unlabelled(row, in_project=True) for row in islice(waiting, most)]
            for dataset in self._datasets(datasets):
                task = dataset.export(params={**_WITH_METADATA, "project_ids": [project_id]})
                elsewhere = (row for row in _rows(task) if project_id not in row.projects)
                found += [_unlabelled(row, in_project=False) for row in islice(elsewhere, most)]
        return found

    def look(self, project_id: str, data_row_ids: Sequence[str]) -> dict[str, RowStanding]:
        """See ``LabelQueues``."""
        found: dict[str, RowStanding] = {}
        with translated(reading=True):
            project = self._client.get_project(project_id)
            for start in range(0, len(data_row_ids), _MAX_IDS):
                wanted = list(data_row_ids[start : start + _MAX_IDS])
                task = project.export(filters={"data_row_ids": wanted}, params=_WITH_STATUS)
                found |= {row.data_row.id: _standing(row, project_id) for row in _rows(task)}
        return found

    def batches(self, project_id: str) -> dict[str, int]:
        """See ``LabelQueues``."""
        with translated():
            return {batch.name: batch.size for batch in self._client.get_project(project_id).batches()}

    def send_batch(self, project_id: str, name: str, data_row_ids: Sequence[str], *, priority: int) -> frozenset[str]:
        """See ``LabelQueues``; waits until Labelbox has processed the rows."""
        with translated():
            project = self._client.get_project(project_id)
            made = project.create_batch(name, data_rows=list(data_row_ids), priority=priority)
        return frozenset(made.failed_data_row_ids)

    def prioritise(self, project_id: str, data_row_ids: Sequence[str], *, priority: int) -> None:
        """See ``LabelQueues``."""
        from labelbox import UniqueIds

        with translated():
            project = self._client.get_project(project_id)
            project.update_data_row_labeling_priority(UniqueIds(list(data_row_ids)), priority)

    def remark(self, project_id: str, data_row_id: str, label_id: str, text: str) -> None:
        """See ``LabelQueues``; Labelbox lists an issue only where it has a label."""
        with translated():
            project = self._client.get_project(project_id)
            if not any(issue.content == text for issue in project.get_issues(data_row_id=data_row_id)):
                project.create_issue(text, data_row_id=data_row_id, label_id=label_id)

    def rework(self, project_id: str, data_row_ids: Sequence[str]) -> None:
        """See ``LabelQueues``.

        Raises:
            GapsRefused: The project's workflow has no such step.
        """
        from labelbox import UniqueIds

        with translated():
            project = self._client.get_project(project_id)
            queue = next((queue for queue in project.task_queues() if queue.queue_type == _REWORK), None)
            if queue is None:
                raise GapsRefused("the project's workflow has no rework step")
            project.move_data_rows_to_task_queue(UniqueIds(list(data_row_ids)), queue.uid)

    def _datasets(self, names: Sequence[str]) -> Iterator[Any]:
        from labelbox import Dataset
        from lbox.exceptions import ResourceNotFoundError

        for name in names:
            found = list(self._client.get_datasets(where=Dataset.name == name))
            if not found:
                try:
                    found = [self._client.get_dataset(name)]
                except ResourceNotFoundError:
                    continue  # not made yet; the command says how many rows were found
            yield from found


_WITH_METADATA = {"metadata_fields": True, "project_details": True}
_WITH_STATUS = {"data_row_details": True, "project_details": True}


def _rows(task: Any) -> Iterator[ExportRow]:  # noqa: ANN401 - the SDK's own class
    """Wait for an export and give its rows, one in memory at a time."""
    task.wait_till_done(timeout_seconds=_MAX_WAIT_S)
    if task.status != "COMPLETE":
        raise LabelsUnreachable(f"export {task.uid} is {task.status}")
    # An empty export has no result to stream, and streaming it raises.
    for item in task.get_buffered_stream() if task.has_result() else ():
        yield row_of(item.json)


def _labels(row: ExportRow, project_id: str) -> frozenset[str]:
    project = row.projects.get(project_id)
    return frozenset(label.id for label in project.labels) if project else frozenset()


def _standing(row: ExportRow, project_id: str) -> RowStanding:
    project, details = row.projects.get(project_id), row.data_row.details
    known = project.project_details if project else None
    status, batch = (known.workflow_status, known.batch_name) if known else (None, None)
    touched = details.last_activity_at if details else None
    if touched is None:
        raise LabelsUnreachable("an export says nothing of when its rows were touched")
    # A row that waits to be labelled has no status in some exports.
    return RowStanding(status or "TO_LABEL", moment_of(touched), _labels(row, project_id), batch)


def _unlabelled(row: ExportRow, *, in_project: bool) -> UnlabelledRow:
    asset_type = row.media_attributes.asset_type if row.media_attributes else None
    prompt = shown_prompt(row.data_row.row_data, asset_type)
    return UnlabelledRow(row.data_row.id, in_project, prompt, metadata_of(row))
