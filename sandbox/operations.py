"""The operations by name: who usually does one, and which rule of the workflow it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox import labelling, reviewing
from sandbox.changes import Change, Doing
from sandbox.content import annotate_all, chat_of
from sandbox.errors import MalformedRequest, OperationNotAllowed
from sandbox.given import Answers, Given
from sandbox.organization import OWNER, Organization
from sandbox.project import Project
from sandbox.records import Content, Ontology, ProjectRow, Status

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
        name: ``submit``, ``edit``, ``delete_label``, ``skip``, ``approve``, ``reject``, ``choose``, ``benchmark``,
            ``move`` or ``delete_data_row``.
        data_row_id: The row.
        by: The person's e-mail address; without one, whoever usually does this.
        answers: For ``submit`` and ``edit``, where there is nothing but answers about the row as a whole.
        given: In place of ``answers``, for everything that a label can hold.
        label_id: The label that it is about, where a row has several.
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
    given: Given | None = None
    label_id: str | None = None


Act = Callable[[Organization, Project, ProjectRow, Doing, Operation], Change]


def _submit(organization: Organization, project: Project, row: ProjectRow, doing: Doing, asked: Operation) -> Change:
    content, row = _written(organization, project, row, doing, asked)
    return labelling.submit(row, doing, content=content, label_id=organization.ids.cuid())


def _skip(organization: Organization, _project: Project, row: ProjectRow, doing: Doing, _asked: Operation) -> Change:
    return labelling.submit(row, doing, content=Content(), label_id=organization.ids.cuid(), skipped=True)


def _edit(organization: Organization, project: Project, row: ProjectRow, doing: Doing, asked: Operation) -> Change:
    content, row = _written(organization, project, row, doing, asked)
    return labelling.edit(row, doing, content=content)


def _move(_: Organization, _project: Project, row: ProjectRow, doing: Doing, asked: Operation) -> Change:
    if asked.queue not in _QUEUES:
        raise MalformedRequest(f"unknown queue {asked.queue!r}; known: {', '.join(_QUEUES)}")
    return reviewing.move(row, doing, to=_QUEUES[asked.queue])


def _written(
    organization: Organization, project: Project, row: ProjectRow, doing: Doing, asked: Operation
) -> tuple[Content, ProjectRow]:
    """Put what was given into the shape of a label; whoever talked with models has written the row as well."""
    given = asked.given or Given(asked.answers or {})
    data_row = chat_of(project, row.data_row, given, doing.at)
    content = annotate_all(_ontology(project), data_row, given, organization.ids)
    return content, replace(row, data_row=data_row)


def _ontology(project: Project) -> Ontology:
    if project.ontology is None:
        raise OperationNotAllowed("the project has no ontology, so nobody can answer")
    return project.ontology


def _plain(action: Callable[[ProjectRow, Doing], Change]) -> Act:
    return lambda _organization, _project, row, doing, _asked: action(row, doing)


# By name: who does it when nobody is named, and how.
ACTIONS: dict[str, tuple[str, Act]] = {
    "submit": (LABELER, _submit),
    "edit": (LABELER, _edit),
    "skip": (LABELER, _skip),
    "delete_label": (OWNER, _plain(labelling.delete_label)),
    "approve": (REVIEWER, _plain(reviewing.approve)),
    "reject": (REVIEWER, _plain(reviewing.reject)),
    "choose": (REVIEWER, _plain(reviewing.choose)),
    "benchmark": (OWNER, _plain(labelling.mark_benchmark)),
    "move": (REVIEWER, _move),
    "delete_data_row": (OWNER, _plain(labelling.delete_row)),
}
