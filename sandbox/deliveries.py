"""Webhook deliveries: the body, its signature, and which webhooks want it.

Body: payload version 1, the one that webhooks made by the SDK have. WORKFLOW_ACTION was never published; ours
names project and data row where the other topics have them, and nothing more should be read from it.
"""

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sandbox.changes import Event
from sandbox.older_vocabulary import older_vocabulary
from sandbox.organization import Organization
from sandbox.project import Project
from sandbox.records import DataRow, Dataset, Json, Label, ProjectRow, User, Webhook
from sandbox.stamps import hook_stamp, whole_second

Signing = Literal["sha1", "both"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that is owed to one webhook."""

    id: str
    url: str
    secret: str
    topic: str
    body: bytes

    def headers(self, signing: Signing) -> dict[str, str]:
        """Give the request's headers, signed over exactly the body's bytes.

        Args:
            signing: ``both`` adds the SHA-256 header that some of Labelbox's documents show.
        """
        key = self.secret.encode()
        headers = {
            "Content-Type": "application/json",
            "X-Labelbox-Event": self.topic,
            "X-Labelbox-Id": self.id,
            "X-Hub-Signature": "sha1=" + hmac.digest(key, self.body, "sha1").hex(),
        }
        if signing == "both":
            headers["X-Hub-Signature-256"] = "sha256=" + hmac.digest(key, self.body, "sha256").hex()
        return headers


def deliveries_for(
    organization: Organization, project: Project, row: ProjectRow, event: Event, actor: User
) -> list[Delivery]:
    """Give one delivery for every active webhook that asked for this topic here."""
    wanted = _wanting(organization.webhooks.values(), event.topic, project.id)
    if not wanted:
        return []
    body = json.dumps(
        _body(organization, project, row, event, actor), ensure_ascii=False, separators=(",", ":")
    ).encode()
    return [Delivery(organization.ids.cuid(), hook.url, hook.secret, event.topic, body) for hook in wanted]


def _wanting(webhooks: Iterable[Webhook], topic: str, project_id: str) -> list[Webhook]:
    return [
        hook
        for hook in webhooks
        if hook.status == "ACTIVE" and topic in hook.topics and hook.project_id in {None, project_id}
    ]


def _body(organization: Organization, project: Project, row: ProjectRow, event: Event, actor: User) -> Json:
    surroundings = {
        "project": _project(project),
        "dataRow": _data_row(row),
        "dataset": _dataset(organization.dataset(row.data_row.dataset_id)),
        "user": {"id": actor.id, "email": actor.email},
    }
    if event.label is None:
        action = str(row.history[0]["action"]) if row.history else "Move"
        at = hook_stamp(row.last_activity_at)
        return {"id": organization.ids.cuid(), "createdAt": at, "updatedAt": at, "action": action} | surroundings
    return _label(event.label, deleted=event.topic == "LABEL_DELETED") | surroundings


def _label(label: Label, *, deleted: bool) -> Json:
    return {
        "id": label.id,
        "createdAt": hook_stamp(whole_second(label.created_at)),
        "updatedAt": hook_stamp(label.updated_at),
        "secondsToLabel": float(label.seconds_to_label),
        "label": older_vocabulary(label),
        "agreement": None,
        "benchmarkAgreement": None,
        "deleted": deleted,
    }


def _project(project: Project) -> Json:
    return {
        "id": project.id,
        "createdAt": hook_stamp(project.created_at),
        "updatedAt": hook_stamp(project.updated_at),
        "name": project.name,
        "description": project.description,
        "deleted": project.deleted,
    }


def _data_row(row: ProjectRow) -> Json:
    data_row: DataRow = row.data_row
    return {
        "id": data_row.id,
        "createdAt": hook_stamp(data_row.created_at),
        "updatedAt": hook_stamp(data_row.updated_at),
        "deletedAt": hook_stamp(row.last_activity_at) if row.deleted else None,
        "externalId": data_row.external_id,
        "rowData": data_row.row_data,
    }


def _dataset(dataset: Dataset) -> Json:
    return {
        "id": dataset.id,
        "createdAt": hook_stamp(dataset.created_at),
        "updatedAt": hook_stamp(dataset.updated_at),
        "name": dataset.name,
        "description": dataset.description,
        "deleted": False,
    }
