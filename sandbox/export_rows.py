"""A row of a project as one line of an export.

Shape: the export rows in Labelbox's documentation and published exports. A key that has no value, or whose
parameter is off, is absent, never null. ``reviews`` stays empty even for approved labels, as in real exports.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sandbox.metadata import Schema, exported
from sandbox.organization import Organization
from sandbox.project import Project
from sandbox.records import DataRow, Json, Label, ProjectRow
from sandbox.scores import score_at
from sandbox.stamps import export_stamp, whole_second


@dataclass(frozen=True, slots=True)
class Params:
    """Which parts a line has.

    Source: the SDK's ``exportDataRowsInProject`` input, ``includeAttachments`` and so on.
    """

    attachments: bool = False
    embeddings: bool = False
    metadata: bool = False
    data_row_details: bool = False
    project_details: bool = False
    performance_details: bool = False
    label_details: bool = False

    @classmethod
    def from_wire(cls, params: Mapping[str, object]) -> "Params":
        """Read the ``params`` of an export request."""
        return cls(
            attachments=bool(params.get("includeAttachments")),
            embeddings=bool(params.get("includeEmbeddings")),
            metadata=bool(params.get("includeMetadata")),
            data_row_details=bool(params.get("includeDataRowDetails")),
            project_details=bool(params.get("includeProjectDetails")),
            performance_details=bool(params.get("includePerformanceDetails")),
            label_details=bool(params.get("includeLabelDetails")),
        )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a line says besides its row, the same for every line of one export.

    Attributes:
        at: When the export was made.
        address: Gives the signed address of a file.
    """

    project_id: str
    project_name: str
    ontology_id: str | None
    task_ids: Mapping[str, Json]
    dataset_names: Mapping[str, str]
    created_by: str
    at: datetime
    metadata: Mapping[str, Schema]
    address: Callable[[str], str]

    @classmethod
    def of(
        cls, project: Project, organization: Organization, *, at: datetime, address: Callable[[str], str]
    ) -> "Surroundings":
        """Copy what is needed, so that the export can be written while the project goes on."""
        queues = project.queues
        return cls(
            project_id=project.id,
            project_name=project.name,
            ontology_id=project.ontology.id if project.ontology else None,
            task_ids={
                "TO_LABEL": {},
                "IN_REVIEW": {"task_id": queues.review.id, "task_name": queues.review.name},
                "IN_REWORK": {"task_id": queues.rework.id, "task_name": queues.rework.name},
                "DONE": {"task_name": "Done"},
            },
            dataset_names={dataset.id: dataset.name for dataset in organization.datasets.values()},
            created_by=organization.owner.email,
            at=at,
            metadata=organization.metadata.by_id(),
            address=address,
        )


def export_row(row: ProjectRow, params: Params, around: Surroundings) -> Json:
    """Write one line as a JSON object."""
    line = line_of(row.data_row, row.last_activity_at, params, around)
    line["projects"] = {around.project_id: project_part(row, params, around)}
    return line


def project_part(row: ProjectRow, params: Params, around: Surroundings) -> Json:
    """Write what one project knows of a row."""
    project: Json = {
        "name": around.project_name,
        "labels": [_label(label, row, params, around.at) for label in row.labels],
    }
    if params.project_details:
        project["project_details"] = _project_details(row, around)
    project["project_tags"] = []
    return project


def line_of(data_row: DataRow, active_at: datetime, params: Params, around: Surroundings) -> Json:
    """Write what a line says of its row itself, whatever projects it is in."""
    line: Json = {
        "data_row": _data_row(data_row, active_at, params, around),
        "media_attributes": data_row.media_attributes,
    }
    if params.attachments:
        line["attachments"] = []
    if params.metadata:
        line["metadata_fields"] = exported(data_row.metadata, around.metadata)
    if params.embeddings:
        line["embeddings"] = []
    return line


def _data_row(data_row: DataRow, active_at: datetime, params: Params, around: Surroundings) -> Json:
    written: Json = {"id": data_row.id}
    if data_row.global_key is not None:
        written["global_key"] = data_row.global_key
    if data_row.external_id is not None:
        written["external_id"] = data_row.external_id
    written["row_data"] = around.address(data_row.file) if data_row.file else data_row.row_data
    if params.data_row_details:
        written["details"] = {
            "dataset_id": data_row.dataset_id,
            "dataset_name": around.dataset_names[data_row.dataset_id],
            "created_at": export_stamp(data_row.created_at),
            "updated_at": export_stamp(data_row.updated_at),
            "last_activity_at": export_stamp(active_at),
            "created_by": around.created_by,
        }
    return written


def _label(label: Label, row: ProjectRow, params: Params, at: datetime) -> Json:
    written: Json = {"label_kind": "Default", "version": "1.0.0", "id": label.id}
    if params.label_details:
        written["label_details"] = {
            "created_at": export_stamp(whole_second(label.created_at)),
            "updated_at": export_stamp(whole_second(label.updated_at)),
            "created_by": label.created_by,
            "content_last_updated_at": export_stamp(label.content_last_updated_at),
            "reviews": [],
        }
    if params.performance_details:
        score = _score(label, row, at)
        total = label.seconds_to_label + label.seconds_to_review + label.seconds_to_rework
        written["performance_details"] = {
            "seconds_to_create": total,
            "seconds_to_review": label.seconds_to_review,
            "skipped": label.skipped,
            **score,
        }
        # In no document, but in real exports of 2025.
        written["performance_details_v2"] = {
            "seconds_to_label": label.seconds_to_label,
            "seconds_to_review": label.seconds_to_review,
            "seconds_to_rework": label.seconds_to_rework,
            "seconds_total": total,
            "skipped": label.skipped,
            **({} if row.benchmark_label_id else score),
        }
    written["annotations"] = {
        "objects": label.objects,
        "classifications": label.classifications,
        "relationships": [],
    }
    return written


def _score(label: Label, row: ProjectRow, at: datetime) -> Json:
    """Give a label's score, which the newest one lacks for a while."""
    value = score_at(label, at)
    if value is None or not (row.benchmark_label_id or row.expected_labels):
        return {}
    return {"benchmark_score" if row.benchmark_label_id else "consensus_score": value}


def _project_details(row: ProjectRow, around: Surroundings) -> Json:
    details: Json = {"ontology_id": around.ontology_id} if around.ontology_id else {}
    details |= around.task_ids[row.status]
    details |= {
        "batch_id": row.batch.id,
        "batch_name": row.batch.name,
        "workflow_status": row.status,
        "priority": row.priority,
    }
    if row.selected_label_id is not None:
        details["selected_label_id"] = row.selected_label_id
    if row.expected_labels is not None:
        details["consensus_expected_label_count"] = row.expected_labels
    details["workflow_history"] = row.history
    return details
