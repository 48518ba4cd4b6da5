"""The operations by name: who usually does one, and which rule of the workflow it is."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox import workflow
from sandbox.answers import Answers, annotate
from sandbox.errors import MalformedRequest, OperationNotAllowed
from sandbox.ids import Ids
from sandbox.organization import OWNER
from sandbox.project import Project
from sandbox.records import Ontology, ProjectRow, Status
from sandbox.workflow import Change, Doing

LABELER = "labeler1@example.com"
REVIEWER = "reviewer@example.com"

_QUEUES: dict[str, Status] = {
    "labeling": "TO_LABEL",
    "review": "IN_REVIEW",
    "rework": "IN_REWORK",
    "done": "DONE",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that one person does to one data row of a project.

    Attributes:
        name: ``submit``, ``edit``, ``delete_label``, ``skip``, ``approve``, ``reject``, ``move`` or
            ``delete_data_row``.
        data_row_id: The row.
        by: The person's e-mail address; without one, whoever usually does this.
        answers: For ``submit`` and ``edit``.
        queue: For ``move``: ``labeling``, ``review``, ``rework`` or ``done``.
        seconds: How long the person took.
    """

    name: str
    project_id: str
    data_row_id: str
    by: str | None = None
    answers: Answers | None = None
    queue: str | None = None
    seconds: int = 30


Act = Callable[[Ids, Project, ProjectRow, Doing, Operation], Change]


def _submit(ids: Ids, project: Project, row: ProjectRow, doing: Doing, asked: Operation) -> Change:
    given = annotate(_ontology(project), asked.answers or {}, ids)
    return workflow.submit(row, doing, classifications=given, label_id=ids.cuid())


def _skip(ids: Ids, _project: Project, row: ProjectRow, doing: Doing, _asked: Operation) -> Change:
    return workflow.submit(row, doing, classifications=(), label_id=ids.cuid(), skipped=True)


def _edit(ids: Ids, project: Project, row: ProjectRow, doing: Doing, asked: Operation) -> Change:
    given = annotate(_ontology(project), asked.answers or {}, ids)
    return workflow.edit(row, doing, classifications=given)


def _move(_ids: Ids, _project: Project, row: ProjectRow, doing: Doing, asked: Operation) -> Change:
    if asked.queue not in _QUEUES:
        raise MalformedRequest(f"unknown queue {asked.queue!r}; known: {', '.join(_QUEUES)}")
    return workflow.move(row, doing, to=_QUEUES[asked.queue])


def _ontology(project: Project) -> Ontology:
    if project.ontology is None:
        raise OperationNotAllowed("the project has no ontology, so nobody can answer")
    return project.ontology


def _plain(action: Callable[[ProjectRow, Doing], Change]) -> Act:
    return lambda _ids, _project, row, doing, _asked: action(row, doing)


# By name: who does it when nobody is named, and how.
ACTIONS: dict[str, tuple[str, Act]] = {
    "submit": (LABELER, _submit),
    "edit": (LABELER, _edit),
    "skip": (LABELER, _skip),
    "delete_label": (OWNER, _plain(workflow.delete_label)),
    "approve": (REVIEWER, _plain(workflow.approve)),
    "reject": (REVIEWER, _plain(workflow.reject)),
    "move": (REVIEWER, _move),
    "delete_data_row": (OWNER, _plain(workflow.delete_row)),
}
