"""Labelbox: what is read from it and what is set up in it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from service.domain.errors import UnfetchablePrompt
from service.domain.exports import Export, Request
from service.domain.exports import Kind as ExportKind
from service.domain.setup_rows import UploadRow
from service.domain.setup_webhooks import HeldWebhook
from service.domain.setups import HeldOntology, HeldProject, Kind


class LabelSource(Protocol):
    """Labelbox, read."""

    def normalized_ontology(self, project_id: str) -> Mapping[str, Any]:
        """Give the project's ontology document."""

    def start_export(self, project_id: str, request: Request) -> "LabelTask":
        """Ask for an export; data rows that Labelbox does not have are left out of it."""

    def look(self, task_id: str) -> "LabelTask":
        """Look at a task once; ExportLost where Labelbox does not know it, ExportFailed where it ended in vain."""

    def read(self, task_id: str) -> Iterator[Mapping[str, Any] | None]:
        """Give the rows of a complete task, one in memory at a time; None for a line that is no JSON object."""


@dataclass(frozen=True, slots=True)
class LabelTask:
    """An export's task at Labelbox."""

    task_id: str
    is_complete: bool


class ExportStore(Protocol):
    """Our exports: at most one of a project runs, and a bounded number in the organisation."""

    def want(self, project: str, kind: ExportKind, wish: Mapping[str, Any], *, now: datetime) -> Export:
        """Stand in line, once a project and kind; the wish is added to what is wanted already."""

    def turn(
        self,
        project: str,
        kind: ExportKind,
        ask: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None,
        *,
        create: bool,
        at_once: int,
        now: datetime,
        until: datetime,
    ) -> Export | None:
        """Let an export run and lease it, if it is its turn; None if not, and then its ticket stays in line.

        Args:
            project: Whose.
            kind: Which.
            ask: Says what to ask for, given what was wished; rows that are tried again stay those that they were, and
                None leaves what is asked as it is.
            create: Whether to stand in line if nobody does yet.
            at_once: So many may run in the organisation.
            now: The time.
            until: How long it is leased.
        """

    def lease(self, export: Export, *, now: datetime, until: datetime) -> Export | None:
        """Take a running export over; None while another worker has it."""

    def keep(self, export: Export, *, until: datetime) -> None:
        """Stay the one who has it."""

    def write(self, export: Export, *, now: datetime) -> Export:
        """Write how it stands; ExportMoved if another worker has it."""

    def get(self, export_id: str) -> Export:
        """Give one."""

    def due(self, *, now: datetime) -> list[Export]:
        """Give what somebody should come for: running ones that nobody has, and those in line."""

    def pause(self, until: datetime) -> None:
        """Ask Labelbox for nothing until then, in the whole organisation."""

    def is_paused(self, *, now: datetime) -> bool:
        """Say whether Labelbox is left alone now."""


class PromptTexts(Protocol):
    """Texts that were uploaded as addresses."""

    def texts(self, addresses: Iterable[str]) -> Mapping[str, str | UnfetchablePrompt]:
        """Fetch each address once, or say why not; every address given is a key.

        Ask for what fits in memory: each text may have a mebibyte. A job that holds a lease keeps it meanwhile.

        Args:
            addresses: As they stand in the rows.
        """


class LabelboxAccount(Protocol):
    """Labelbox, set up: what there is by its name, and how to make what is missing. Nothing is ever deleted."""

    def project(self, project_id: str) -> HeldProject:
        """Give a project; LabelsRefused if there is none."""

    def projects_named(self, name: str) -> list[HeldProject]:
        """Give every project of exactly this name."""

    def create_project(self, name: str, kind: Kind) -> HeldProject:
        """Make a project without rows."""

    def connected_ontology(self, project_id: str) -> HeldOntology | None:
        """Give the project's ontology; None if it has none that asks anything."""

    def ontologies_named(self, name: str) -> list[HeldOntology]:
        """Give every ontology of exactly this name."""

    def create_ontology(self, name: str, kind: Kind, normalized: Mapping[str, Any]) -> HeldOntology:
        """Make an ontology; gives it as Labelbox keeps it."""

    def connect_ontology(self, project_id: str, ontology_id: str) -> None:
        """Let a project ask an ontology's questions."""

    def datasets_named(self, name: str) -> list[str]:
        """Give the ids of every dataset of exactly this name."""

    def create_dataset(self, name: str) -> str:
        """Make an empty dataset; gives its id."""

    def contents_in_project(self, project_id: str, global_keys: Sequence[str]) -> dict[str, str]:
        """Give the content of those of these rows that are in the project, by global key."""

    def known_keys(self, global_keys: Sequence[str]) -> set[str]:
        """Give those of these keys that any row of the organisation has."""

    def upload(self, dataset_id: str, rows: Sequence[UploadRow], *, exist: bool) -> dict[str, str]:
        """Make rows, or give rows that exist their content again; gives Labelbox's reason by the key it refused."""

    def batches(self, project_id: str) -> dict[str, int]:
        """Give the size of every batch of the project by its name."""

    def create_batch(self, project_id: str, name: str, global_keys: Sequence[str], *, priority: int) -> int:
        """Send rows (at most 100,000) to the project; gives how many arrived."""

    def webhooks(self, project_id: str) -> list[HeldWebhook]:
        """Give the webhooks of the project, and those of the whole organisation that may post to this service."""

    def create_webhook(self, project_id: str | None, *, url: str, topics: Sequence[str], secret: str) -> str:
        """Make a webhook of a project, or of the organisation; gives its id."""

    def set_topics(self, webhook: HeldWebhook, topics: Sequence[str]) -> None:
        """Let a webhook be told of these topics."""

    def switch_off(self, webhook: HeldWebhook) -> None:
        """Make a webhook inactive."""
