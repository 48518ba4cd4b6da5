"""Labelbox in memory, as work is given to its labelers; any change can fail, or end the process, before or after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from service.domain.errors import LabelsRefused, LabelsUnreachable
from service.ports import Abilities, RowStanding, UnlabelledRow
from tests.support.fakes import NOON

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def _change(
    act: Callable[Concatenate["FakeQueues", _Given], _Answer],
) -> Callable[Concatenate["FakeQueues", _Given], _Answer]:
    """Count a change, and fail where the test says so."""

    @wraps(act)
    def counted(queues: "FakeQueues", *args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
        queues.changes += 1
        fails = queues.changes == queues.fails_at
        if fails and not queues.acts_before_failing:
            raise queues.error
        answer = act(queues, *args, **kwargs)
        if fails:
            raise queues.error
        return answer

    return counted


@dataclass
class FakeQueues:
    """One project with its datasets.

    Attributes:
        standing: The rows that the project has.
        waiting: Unlabelled rows by id, wherever they are.
        sent: Every row that ever came by a batch, as often as it did.
        moved: Every row that was ever moved to rework, as often as it was.
        changes: How many calls changed something or tried to.
        fails_at: The number of the change that fails; 0 lets all succeed.
        error: With what; a KeyboardInterrupt ends the process.
        takes: So many rows of each batch are taken at most.
        shows: So many rows of each look are shown at most, as exports stay behind.
    """

    can: Abilities = field(default_factory=lambda: Abilities(is_retired=False, has_rework=True))
    standing: dict[str, RowStanding] = field(default_factory=dict)
    waiting: dict[str, UnlabelledRow] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    priorities: dict[str, int] = field(default_factory=dict)
    remarks: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[Sequence[str]] = field(default_factory=list)
    changes: int = 0
    fails_at: int = 0
    acts_before_failing: bool = False
    error: BaseException = field(default_factory=lambda: LabelsUnreachable("the connection broke"))
    at: datetime = NOON
    takes_remarks: bool = True
    takes: int | None = None
    shows: int | None = None

    def label(self, row_id: str, *, status: str = "DONE", at: datetime = NOON) -> None:
        """Let a row stand in the project with its label."""
        self.standing[row_id] = RowStanding(status, at, frozenset({f"label-{row_id}"}))

    def offer(self, row_id: str, prompt: str | None, *, in_project: bool = False, **metadata: str) -> None:
        """Let an unlabelled row be there."""
        self.waiting[row_id] = UnlabelledRow(row_id, in_project, prompt, metadata)
        if in_project:
            self.standing[row_id] = RowStanding("TO_LABEL", self.at, frozenset())

    def abilities(self, project_id: str) -> Abilities:
        assert project_id
        return self.can

    def unlabelled(self, project_id: str, datasets: Sequence[str], *, most: int) -> list[UnlabelledRow]:
        assert project_id
        self.asked.append(datasets)
        found = [row for row in self.waiting.values() if row.in_project or row.data_row_id not in self.standing]
        return found[:most]

    def look(self, project_id: str, data_row_ids: Sequence[str]) -> dict[str, RowStanding]:
        assert project_id
        found = [row_id for row_id in data_row_ids if row_id in self.standing]
        return {row_id: self.standing[row_id] for row_id in found[: self.shows]}

    def batches(self, project_id: str) -> dict[str, int]:
        assert project_id
        return {name: len(rows) for name, rows in self.named.items()}

    @_change
    def send_batch(self, project_id: str, name: str, data_row_ids: Sequence[str], *, priority: int) -> frozenset[str]:
        assert project_id
        if name in self.named:
            raise LabelsRefused(f"the project has a batch {name!r}")
        self.named[name] = list(data_row_ids[: self.takes])
        for row_id in self.named[name]:
            self.sent.append(row_id)
            self.priorities[row_id] = priority
            self.standing[row_id] = RowStanding("TO_LABEL", self._next(), frozenset(), name)
        return frozenset(data_row_ids) - {*self.named[name]}

    @_change
    def prioritise(self, project_id: str, data_row_ids: Sequence[str], *, priority: int) -> None:
        assert project_id
        self.priorities |= dict.fromkeys(data_row_ids, priority)

    @_change
    def remark(self, project_id: str, data_row_id: str, label_id: str, text: str) -> None:
        assert project_id
        if not self.takes_remarks:
            raise LabelsRefused("no issues here")
        if (data_row_id, label_id, text) not in self.remarks:
            self.remarks.append((data_row_id, label_id, text))

    @_change
    def rework(self, project_id: str, data_row_ids: Sequence[str]) -> None:
        assert project_id
        for row_id in data_row_ids:
            self.moved.append(row_id)
            self.standing[row_id] = replace(self.standing[row_id], status="IN_REWORK", activity_at=self._next())

    def _next(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at
