"""Records as the SDK reads them: every field that it asks for must be there, null is fine."""

import json
from datetime import datetime

from sandbox.metadata import shown
from sandbox.older_vocabulary import older_vocabulary
from sandbox.organization import Organization
from sandbox.project import Project
from sandbox.records import Batch, DataRow, Dataset, Issue, Json, Label, Ontology, ProjectRow, Queue, User, Webhook
from sandbox.stamps import api_stamp, whole_second
from sandbox.tasks import Task


def user_view(user: User) -> Json:
    """Show a person; the sandbox's people live in UTC."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.email.partition("@")[0],
        "nickname": user.email.partition("@")[0],
        "createdAt": api_stamp(user.created_at),
        "updatedAt": api_stamp(user.created_at),
        "lastLoginAt": None,
        "picture": None,
        "isExternalUser": False,
        "isViewer": False,
        "timezone": "UTC",
    }


def project_view(project: Project) -> Json:
    """Show a project's own fields."""
    active = [versions.current.last_activity_at for versions in project.rows.values()]
    ready = project.ontology is not None
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "createdAt": api_stamp(project.created_at),
        "updatedAt": api_stamp(project.updated_at),
        "setupComplete": api_stamp(project.updated_at) if ready else None,
        "lastActivityTime": api_stamp(max(active)) if active else None,
        "allowedMediaType": project.kind.media_type,
        "editorTaskType": project.kind.editor_task_type,
        "uploadType": "AUTO" if project.kind.makes_rows else "MANUAL",
        "autoAuditNumberOfLabels": project.quality.number_of_labels,
        "autoAuditPercentage": project.quality.percentage,
        "isBenchmarkEnabled": project.quality.benchmark,
        "isConsensusEnabled": project.quality.consensus,
        "modelSetupComplete": project.model_setup_complete,
        "dataRowCount": len(active),
        "deleted": project.deleted,
    }


def ontology_view(ontology: Ontology) -> Json:
    """Show an ontology with its ``normalized`` document."""
    return {
        "id": ontology.id,
        "name": ontology.name,
        "description": None,
        "mediaType": ontology.media_type,
        "normalized": ontology.normalized,
        "objectSchemaCount": len(ontology.normalized["tools"]),
        "classificationSchemaCount": len(ontology.normalized["classifications"]),
        "createdAt": api_stamp(ontology.created_at),
        "updatedAt": api_stamp(ontology.updated_at),
    }


def dataset_view(organization: Organization, dataset: Dataset) -> Json:
    """Show a dataset; its rows are counted only when asked for."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "description": dataset.description,
        "createdAt": api_stamp(dataset.created_at),
        "updatedAt": api_stamp(dataset.updated_at),
        "deleted": False,
        "rowCount": lambda _: sum(row.dataset_id == dataset.id for row in organization.data_rows.values()),
    }


def webhook_view(webhook: Webhook) -> Json:
    """Show a webhook; its secret is never given back."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "topics": list(webhook.topics),
        "status": webhook.status,
        "createdAt": api_stamp(webhook.created_at),
        "updatedAt": api_stamp(webhook.updated_at),
    }


def task_view(task: Task, at: datetime) -> Json:
    """Show a task; looking at it counts as one poll of its status."""
    status = task.poll(at)
    return {
        "id": task.id,
        "name": task.name,
        "type": task.type,
        "status": status,
        "completionPercentage": 0.0 if status == "IN_PROGRESS" else 100.0,
        "createdAt": api_stamp(task.created_at),
        "updatedAt": api_stamp(at),
        "result": None,
        "errors": None,
        "metadata": None,
    }


def data_row_view(organization: Organization, data_row: DataRow) -> Json:
    """Show a data row."""
    fields = shown(data_row.metadata, organization.metadata.by_id())
    return {
        "id": data_row.id,
        "externalId": data_row.external_id,
        "globalKey": data_row.global_key,
        "rowData": data_row.row_data,
        "mediaAttributes": {"mimeType": data_row.media_attributes["mime_type"]},
        "customMetadata": fields,
        "metadataFields": fields,
        "createdAt": api_stamp(data_row.created_at),
        "updatedAt": api_stamp(data_row.updated_at),
    }


def batch_view(project: Project, batch: Batch) -> Json:
    """Show a batch; its size is the number of its rows that are still in the project."""
    return {
        "id": batch.id,
        "name": batch.name,
        "size": sum(row.batch.id == batch.id for row in project.current_rows()),
        "consensusSettingsJson": _consensus(batch),
        "createdAt": api_stamp(batch.created_at),
        "updatedAt": api_stamp(batch.created_at),
    }


def _consensus(batch: Batch) -> str | None:
    settings = batch.consensus
    if settings is None:
        return None
    return json.dumps({"numberOfLabels": settings.number_of_labels, "coveragePercentage": settings.coverage})


def queue_view(queue: Queue, rows: int) -> Json:
    """Show a step of the workflow and how many rows wait there."""
    return {
        "id": queue.id,
        "name": queue.name,
        "description": None,
        "queueType": queue.queue_type,
        "dataRowCount": rows,
    }


def issue_view(issue: Issue, author: User) -> Json:
    """Show an issue; nobody resolves one here."""
    written = api_stamp(issue.created_at)
    return {
        "id": issue.id,
        "friendlyId": str(issue.number),
        "labelId": issue.label_id,
        "dataRowId": issue.data_row_id,
        "categoryId": None,
        "content": issue.content,
        "position": None,
        "status": "Open",
        "createdBy": user_view(author),
        "resolvedBy": None,
        "createdAt": written,
        "updatedAt": written,
        "resolvedAt": None,
        "contentUpdatedAt": written,
        "latestReplyAt": None,
    }


def label_view(label: Label, row: ProjectRow) -> Json:
    """Show a label with its content in the older vocabulary."""
    return {
        "id": label.id,
        "label": older_vocabulary(label),
        "secondsToLabel": float(label.seconds_to_label),
        "agreement": None,
        "benchmarkAgreement": None,
        "isBenchmarkReference": label.id == row.benchmark_label_id,
        "createdAt": api_stamp(whole_second(label.created_at)),
        "updatedAt": api_stamp(label.updated_at),
    }
