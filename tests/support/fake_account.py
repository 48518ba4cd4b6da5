"""A Labelbox account in memory, at the port of the setup; it can fail at any change, before or after doing it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from service.domain.errors import LabelsRefused, LabelsUnreachable
from service.domain.setup_rows import UploadRow
from service.domain.setup_webhooks import HeldWebhook
from service.domain.setups import MEDIA, HeldOntology, HeldProject, Kind
from tests.support.fakes import NOON

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def _change(
    act: Callable[Concatenate["FakeAccount", _Given], _Result],
) -> Callable[Concatenate["FakeAccount", _Given], _Result]:
    """Count a change, and fail where the test says so."""

    @wraps(act)
    def counted(account: "FakeAccount", *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        account.changes += 1
        fails = account.changes == account.fails_at
        if fails and not account.acts_before_failing:
            raise LabelsUnreachable("the connection broke before")
        result = act(account, *args, **kwargs)
        if fails:
            raise LabelsUnreachable("the connection broke after")
        return result

    return counted


@dataclass
class FakeAccount:
    """The account.

    Attributes:
        changes: How many calls changed something or tried to.
        fails_at: The number of the change that fails; 0 lets all succeed.
        refuses: Upload errors by global key.
        keeps_limits: Whether an ontology keeps the character limits it was made with.
    """

    projects: dict[str, HeldProject] = field(default_factory=dict)
    ontologies: dict[str, HeldOntology] = field(default_factory=dict)
    connected: dict[str, str] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sent: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    hooks: dict[str, HeldWebhook] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    keeps_limits: bool = True
    changes: int = 0
    fails_at: int = 0
    acts_before_failing: bool = False

    def project(self, project_id: str) -> HeldProject:
        if project_id not in self.projects:
            raise LabelsRefused(f"no project {project_id}")
        return self.projects[project_id]

    def projects_named(self, name: str) -> list[HeldProject]:
        return [project for project in self.projects.values() if project.name == name]

    @_change
    def create_project(self, name: str, kind: Kind) -> HeldProject:
        media_type, editor_task = MEDIA[kind]
        made = HeldProject(self._id("project", self.projects), name, media_type, editor_task)
        self.projects[made.project_id] = made
        return made

    def connected_ontology(self, project_id: str) -> HeldOntology | None:
        found = self.connected.get(self.project(project_id).project_id)
        held = self.ontologies[found] if found else None
        return None if held is None or held.is_empty else held

    def ontologies_named(self, name: str) -> list[HeldOntology]:
        return [ontology for ontology in self.ontologies.values() if ontology.name == name]

    @_change
    def create_ontology(self, name: str, kind: Kind, normalized: Mapping[str, Any]) -> HeldOntology:
        document = json.loads(json.dumps(normalized))
        for item in document["classifications"] if not self.keeps_limits else ():
            item.pop("minCharacters", None)
            item.pop("maxCharacters", None)
        made = HeldOntology(self._id("ontology", self.ontologies), name, MEDIA[kind][0], document)
        self.ontologies[made.ontology_id] = made
        return made

    @_change
    def connect_ontology(self, project_id: str, ontology_id: str) -> None:
        self.connected[self.project(project_id).project_id] = self.ontologies[ontology_id].ontology_id

    def datasets_named(self, name: str) -> list[str]:
        return [dataset_id for dataset_id, found in self.datasets.items() if found == name]

    @_change
    def create_dataset(self, name: str) -> str:
        made = self._id("dataset", self.datasets)
        self.datasets[made] = name
        return made

    def contents_in_project(self, project_id: str, global_keys: Sequence[str]) -> dict[str, str]:
        here = {key for keys in self.sent.get(self.project(project_id).project_id, {}).values() for key in keys}
        return {key: self.rows[key] for key in global_keys if key in here}

    def known_keys(self, global_keys: Sequence[str]) -> set[str]:
        return self.rows.keys() & set(global_keys)

    @_change
    def upload(self, dataset_id: str, rows: Sequence[UploadRow], *, exist: bool) -> dict[str, str]:
        assert dataset_id in self.datasets
        refused = {row.global_key: self.refuses[row.global_key] for row in rows if row.global_key in self.refuses}
        for row in rows:
            if row.global_key in self.rows and not exist:
                refused[row.global_key] = f"Duplicate global key: '{row.global_key}'"
            elif row.global_key not in refused:
                text = row.content if isinstance(row.content, str) else json.dumps(row.content)
                self.rows[row.global_key], self.metadata[row.global_key] = text, row.metadata
        return refused

    def batches(self, project_id: str) -> dict[str, int]:
        found = self.sent.get(self.project(project_id).project_id, {})
        return {name: len(keys) for name, keys in found.items()}

    @_change
    def create_batch(self, project_id: str, name: str, global_keys: Sequence[str], *, priority: int) -> int:
        assert 1 <= priority <= 5
        assert 0 < len(global_keys) <= 100_000
        batches = self.sent.setdefault(self.project(project_id).project_id, {})
        assert name not in batches
        here = {key for keys in batches.values() for key in keys}
        batches[name] = [key for key in global_keys if key in self.rows and key not in here]
        return len(batches[name])

    def webhooks(self, project_id: str) -> list[HeldWebhook]:
        self.project(project_id)
        return [hook for hook in self.hooks.values() if self.owners[hook.webhook_id] in {None, project_id}]

    @_change
    def create_webhook(self, project_id: str | None, *, url: str, topics: Sequence[str], secret: str) -> str:
        made = self._id("webhook", self.hooks)
        at = NOON + timedelta(minutes=len(self.hooks))
        scope = "organization" if project_id is None else "project"
        self.hooks[made] = HeldWebhook(made, url, tuple(topics), "ACTIVE", at, scope)
        self.owners[made] = project_id
        self.secrets.append(secret)
        return made

    @_change
    def set_topics(self, webhook: HeldWebhook, topics: Sequence[str]) -> None:
        self.hooks[webhook.webhook_id] = replace(webhook, topics=tuple(topics))

    @_change
    def switch_off(self, webhook: HeldWebhook) -> None:
        self.hooks[webhook.webhook_id] = replace(webhook, status="INACTIVE")

    @staticmethod
    def _id(what: str, there: Mapping[str, object]) -> str:
        return f"{what}-{len(there) + 1}"
