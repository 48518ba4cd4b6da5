"""Everything that one account holds, in memory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sandbox.errors import UnknownResource
from sandbox.ids import Ids
from sandbox.kinds import Kind, Quality
from sandbox.metadata import MetadataSchemas
from sandbox.ontologies import archive, with_ids
from sandbox.project import Project, new_queues
from sandbox.records import Batch, Consensus, DataRow, Dataset, Issue, Json, Ontology, User, Webhook
from sandbox.storage import Storage

OWNER = "owner@example.com"

_Record = TypeVar("_Record")


class Organization:
    """The account.

    Args:
        ids: Where its ids come from.
        at: When it was made.
        base_url: Where it is served, without a path.
    """

    def __init__(self, ids: Ids, at: datetime, base_url: str = "") -> None:
        self.ids = ids
        self.id = ids.cuid()
        self.name = "Sandbox"
        self.created_at = at
        self.users: dict[str, User] = {}
        self.projects: dict[str, Project] = {}
        self.datasets: dict[str, Dataset] = {}
        self.data_rows: dict[str, DataRow] = {}
        self.by_global_key: dict[str, str] = {}
        self.ontologies: dict[str, Ontology] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.issues: list[Issue] = []
        self.model_configs: dict[str, Json] = {}
        self.metadata = MetadataSchemas(ids)
        self.storage = Storage(base_url)
        self.owner = self.user(OWNER, at)

    def user(self, email: str, at: datetime) -> User:
        """Find a person, or make them known."""
        if email not in self.users:
            self.users[email] = User(self.ids.cuid(), email, at)
        return self.users[email]

    def project(self, project_id: object) -> Project:
        """Give a project that was not deleted."""
        project = self.projects.get(str(project_id))
        if project is None or project.deleted:
            raise UnknownResource(f"no project {project_id!r}")
        return project

    def dataset(self, dataset_id: object) -> Dataset:
        """Give a dataset."""
        return _found(self.datasets, dataset_id, "dataset")

    def data_row(self, data_row_id: object) -> DataRow:
        """Give a data row."""
        return _found(self.data_rows, data_row_id, "data row")

    def ontology(self, ontology_id: object) -> Ontology:
        """Give an ontology."""
        return _found(self.ontologies, ontology_id, "ontology")

    def webhook(self, webhook_id: object) -> Webhook:
        """Give a webhook."""
        return _found(self.webhooks, webhook_id, "webhook")

    def model_config(self, config_id: object) -> Json:
        """Give a model's configuration."""
        return _found(self.model_configs, config_id, "model config")

    def create_project(
        self,
        name: str,
        *,
        description: str,
        media_type: str | None,
        at: datetime,
        kind: Kind | None = None,
        quality: Quality | None = None,
    ) -> Project:
        """Make a project with Labelbox's default workflow.

        Args:
            name: Not unique.
            description: For people.
            media_type: Labelbox's ``allowedMediaType``; enough for an ordinary project.
            at: When.
            kind: In place of the media type, for the others.
            quality: How many people label a row.
        """
        project = Project(
            self.ids.cuid(),
            name,
            description,
            kind or Kind(media_type),
            at,
            at,
            new_queues(self.ids),
            quality or Quality(),
        )
        self.projects[project.id] = project
        return project

    def create_dataset(self, name: str, *, description: str, at: datetime) -> Dataset:
        """Make an empty dataset."""
        dataset = Dataset(self.ids.cuid(), name, description, at, at)
        self.datasets[dataset.id] = dataset
        return dataset

    def create_ontology(self, name: str, normalized: Json, *, media_type: str | None, at: datetime) -> Ontology:
        """Make an ontology and give its questions their ids."""
        ontology = Ontology(
            self.ids.cuid(), name, media_type, with_ids(normalized, self.ids), created_at=at, updated_at=at
        )
        self.ontologies[ontology.id] = ontology
        return ontology

    def archive(self, ontology_id: str, feature: str, at: datetime) -> Ontology:
        """Archive one tool, question or option, for every project that has the ontology.

        Raises:
            UnknownResource: No such ontology or feature.
        """
        former = self.ontology(ontology_id)
        ontology = replace(former, normalized=archive(former.normalized, feature), updated_at=at)
        self.ontologies[ontology_id] = ontology
        for project in self.projects.values():
            if project.ontology and project.ontology.id == ontology_id:
                project.ontology = ontology
        return ontology

    def create_batch(self, project: Project, name: str, at: datetime, consensus: Consensus | None = None) -> Batch:
        """Make an empty batch in a project."""
        batch = Batch(self.ids.uuid(), name, at, consensus)
        project.batches[batch.id] = batch
        return batch

    def create_webhook(
        self, url: str, *, secret: str, topics: Iterable[str], project_id: str | None, at: datetime
    ) -> Webhook:
        """Make a webhook; nothing keeps two alike apart, just as in Labelbox."""
        webhook = Webhook(self.ids.cuid(), url, secret, tuple(topics), "ACTIVE", project_id, at, at)
        self.webhooks[webhook.id] = webhook
        return webhook

    def put_data_row(self, data_row: DataRow, at: datetime) -> None:
        """Add a data row, or replace it here and in every project that has it."""
        former = self.data_rows.get(data_row.id)
        if former and former.global_key:
            del self.by_global_key[former.global_key]
        self.data_rows[data_row.id] = data_row
        if data_row.global_key:
            self.by_global_key[data_row.global_key] = data_row.id
        if former is None:
            return
        for project in self.projects.values():
            if versions := project.rows.get(data_row.id):
                versions.put(replace(versions.current, data_row=data_row, last_activity_at=at), at)

    def drop_data_row(self, data_row_id: str) -> None:
        """Forget a data row; what projects know of it is their affair."""
        if former := self.data_rows.pop(data_row_id, None):
            self.by_global_key.pop(former.global_key or "", None)

    def known_ids(self, ids: Iterable[str], *, are_global_keys: bool) -> list[str]:
        """Turn ids or global keys into data row ids; unknown ones stay away."""
        if are_global_keys:
            return [self.by_global_key[key] for key in ids if key in self.by_global_key]
        return [key for key in ids if key in self.data_rows]


def _found(records: dict[str, _Record], key: object, what: str) -> _Record:
    if str(key) not in records:
        raise UnknownResource(f"no {what} {key!r}")
    return records[str(key)]
