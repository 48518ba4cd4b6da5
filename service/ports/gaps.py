"""Work that goes back to the labelers: Labelbox's queues, and what we know of the rows sent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.domain.gap_labels import Labelled
from service.domain.gaps import GapPlan, GapRow, RowState
from service.domain.placements import Places
from service.domain.splits import Split
from service.ports.examples import Wanted


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a project can take.

    Attributes:
        is_retired: Whether Labelbox no longer lets anybody label in projects of this kind.
        has_rework: Whether its workflow has a step for rework.
    """

    is_retired: bool
    has_rework: bool


@dataclass(frozen=True, slots=True)
class UnlabelledRow:
    """A data row that nobody has labelled.

    Attributes:
        in_project: Whether it waits in the project; else it stands in a dataset only.
        prompt: What labelers would be asked; None where it cannot be read, as in an empty chat or behind an address.
        metadata: What its uploader noted, by field.
    """

    data_row_id: str
    in_project: bool
    prompt: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowStanding:
    """How a row stands in the project.

    Attributes:
        status: Labelbox's ``workflow_status``.
        activity_at: When anybody last touched it.
        batch: The name of the batch that it came by; None where an export does not say.
    """

    status: str
    activity_at: datetime
    label_ids: frozenset[str]
    batch: str | None = None


class LabelQueues(Protocol):
    """Labelbox, as work is given to its labelers; every call may be made again."""

    def abilities(self, project_id: str) -> Abilities:
        """Say what the project can take."""

    def unlabelled(self, project_id: str, datasets: Sequence[str], *, most: int) -> list[UnlabelledRow]:
        """Give rows without a label: those that wait in the project, then those of the datasets that it does not have.

        Args:
            project_id: The project.
            datasets: Names or ids; one that is not there is passed over.
            most: So many of each at most.
        """

    def look(self, project_id: str, data_row_ids: Sequence[str]) -> dict[str, RowStanding]:
        """Say how those of these rows stand that the project has."""

    def batches(self, project_id: str) -> dict[str, int]:
        """Give the size of every batch of the project by its name."""

    def send_batch(self, project_id: str, name: str, data_row_ids: Sequence[str], *, priority: int) -> frozenset[str]:
        """Send rows to the project and give those that it did not take; a name that is taken is a refusal."""

    def prioritise(self, project_id: str, data_row_ids: Sequence[str], *, priority: int) -> None:
        """Let rows that wait in the project come earlier."""

    def remark(self, project_id: str, data_row_id: str, label_id: str, text: str) -> None:
        """Pin an issue to a label, unless the row has one with this text."""

    def rework(self, project_id: str, data_row_ids: Sequence[str]) -> None:
        """Move rows to the rework queue."""


class GapStore(Protocol):
    """Plans, and the examples that they are made from."""

    def plans(self, pipeline: str) -> list[GapPlan]:
        """Give every plan of a pipeline, oldest first."""

    def add(self, plan: GapPlan) -> bool:
        """Write a new plan; False where another one is open or has this number."""

    def take(self, plan_id: str, *, now: datetime, until: datetime) -> bool:
        """Have an open plan alone until then; False while somebody else has it."""

    def extend(self, plan_id: str, *, until: datetime) -> None:
        """Have it alone for longer."""

    def release(self, plan_id: str) -> None:
        """Let others have it."""

    def mark(
        self, plan_id: str, data_row_ids: Sequence[str], state: RowState, *, now: datetime, until: datetime
    ) -> None:
        """Write what became of rows, and have the plan alone until then."""

    def finish(self, plan_id: str) -> None:
        """Close a plan: nothing more is sent of it."""

    def rows(self, pipeline: str) -> list[tuple[GapRow, datetime]]:
        """Give every row of a pipeline's plans and when its plan was made, oldest first."""

    def forgotten(self, data_row_ids: Collection[str]) -> set[str]:
        """Give those of these rows whose text was erased, and must not be asked for again."""

    def places(self, pipeline: str, wanted: Wanted) -> Places:
        """Give the places that prompts have, or may join; see ``ExampleStore``."""

    def conflicting(self, pipeline: str, *, most: int) -> list[Labelled]:
        """Give active examples of which several share a prompt, or nearly one, and not the whole content.

        Args:
            pipeline: Whose.
            most: So many groups at most.
        """

    def oldest(self, pipeline: str, *, before: datetime, most: int) -> list[Labelled]:
        """Give active examples that nobody has touched since, oldest first."""

    def labelled(self, pipeline: str, splits: Collection[Split], *, most: int) -> list[Labelled]:
        """Give active examples of these splits, newest first."""
