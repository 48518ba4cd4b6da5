"""From a row of a Labelbox export to one example, or to the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.domain.addresses import is_address
from service.domain.answers import Rating
from service.domain.contents import Content, Form, has_lines
from service.domain.errors import NoExample, UnreadableRow
from service.domain.export_rows import ExportRow, Label, Project, moment_of
from service.domain.label_choice import choose_label, refusal, touched_at
from service.domain.ontologies import choose_response, rating_question, read_ontology
from service.domain.pipelines import LabelPolicy
from service.domain.row_contents import OTHER_MEDIA, ContentReader, is_broken

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What one data row says at the moment of an export.

    Exactly one of ``content`` and ``reason`` is given.

    Attributes:
        data_row_id: Labelbox's id of the row.
        global_key: The uploader's own key of the row, if any.
        activity_at: When the row, its labels, reviews or metadata were last touched.
        label_ids: Every label on the row, whether it counts or not.
        label_id: The label that counts.
        choice: Why it is that one: ``only``, ``selected``, ``highest_score`` or ``newest``.
        content: The chat; of a prompt set only the prompt.
        reason: Why this row gives no example: a stable code.
        touched_at: When any label of the row was last touched.
        metadata: What its uploader noted of the row, by the fields' names.
        is_choice: Whether its answer is one of few, and not a text of the labeler's own.
        limits: The fewest and the most characters that the ontology allows the answer; None is no limit.
        is_remembered: Whether this is no export's row but what was read from one before, when its metadata were known.
    """

    data_row_id: str
    global_key: str | None
    activity_at: datetime
    label_ids: tuple[str, ...] = ()
    label_id: str | None = None
    choice: str | None = None
    content: Content | None = None
    reason: str | None = None
    touched_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    is_choice: bool = False
    limits: tuple[int | None, int | None] = (None, None)
    is_remembered: bool = False

    @property
    def is_prompt(self) -> bool:
        """Whether it is a prompt without an answer, which no model can be trained on."""
        return self.content is not None and self.content[-1].role == "user"


class RowReader:
    """Reads the rows of one project as one pipeline wants them.

    Args:
        normalized: The project's ontology document.
        policy: Which labels count and what becomes the answer.
        form: What the lines are for, see ``has_lines``.
        offline: Leave out the moments, which only the service needs and only its own exports always have.

    Raises:
        AmbiguousOntology: The ontology does not say which answer is wanted.
    """

    def __init__(
        self, normalized: Mapping[str, Any], policy: LabelPolicy, *, form: Form = "chat", offline: bool = False
    ) -> None:
        ontology = read_ontology(normalized)
        ratings = [Rating(*rating_question(ontology, name, values)) for name, values in policy.where.items()]
        # A tool's name says which of several judgements decides.
        tools = {*ontology.tools, *ontology.tools.values()}
        self.response = choose_response(
            ontology,
            named=[name for name in policy.response if name not in tools],
            ratings=[rating.question for rating in ratings],
        )
        self.ontology = ontology
        self._policy, self._form, self._offline = policy, form, offline
        self._of_answers: dict[str, Any] = {
            "is_choice": bool(self.response) and all(question.answer != "text" for question in self.response),
            "limits": self.response[0].limits if len(self.response) == 1 else (None, None),
        }
        self._contents = ContentReader(ontology, response=self.response, ratings=ratings, policy=policy)

    def describe(self) -> str:
        """Say what becomes the example's answer, for people."""
        if self.response:
            names = " and ".join(repr(question.name) for question in self.response)
            return f"the response is the {self.response[0].answer} question {names}"
        if self.ontology.tools:
            return f"the response is what labelers judge best with {', '.join(self.ontology.tools.values())}"
        if self.ontology.prompt:
            return "labelers write prompts only: a prompt set, which no model is trained on"
        return "the response is the assistant's own part of each conversation that passes the ratings"

    def read(self, row: ExportRow, project_id: str | None = None, *, row_data: object = None) -> RowOutcome:
        """Choose the label that counts and read its example.

        Args:
            row: One line of an export with project, label, performance and data row details.
            project_id: The project whose labels count, by default the pipeline's.
            row_data: The text behind the row's address, where it was fetched.

        Raises:
            UnreadableRow: A time stamp is none, or an id is unusable.
        """
        try:
            return self._read(row, row.projects.get(project_id or self._policy.project), row_data)
        except ValueError as error:
            raise UnreadableRow(f"export row of unexpected shape: {error}") from error

    def address_in(self, row: ExportRow) -> str | None:
        """Give the address that must be fetched to read the row's example; None where no text is behind one."""
        project = row.projects.get(self._policy.project)
        given = row.data_row.row_data
        is_needed = (
            self.ontology.prompt is None
            and project is not None
            and isinstance(given, str)
            and is_address(given)
            # An image is behind its address as well, and no model of ours reads it.
            and (row.media_attributes is None or row.media_attributes.asset_type not in OTHER_MEDIA)
            and refusal(project, self._policy.accept) is None
        )
        return str(given) if is_needed else None

    def refuse(self, row: ExportRow, reason: str) -> RowOutcome:
        """Give a row no example for a reason that was found outside of it.

        Raises:
            UnreadableRow: See ``read``.
        """
        try:
            return RowOutcome(**self._facts(row, row.projects.get(self._policy.project)), reason=reason)
        except ValueError as error:
            raise UnreadableRow(f"export row of unexpected shape: {error}") from error

    def _facts(self, row: ExportRow, project: Project | None) -> dict[str, Any]:
        labels = project.labels if project else []
        return {
            "data_row_id": _id(row.data_row.id),
            "global_key": _global_key(row.data_row.global_key),
            "activity_at": _UNKNOWN if self._offline else _activity_at(row),
            "label_ids": tuple([_id(label.id) for label in labels]),
            "touched_at": None if self._offline else touched_at(labels),
            "metadata": {} if self._offline else metadata_of(row),
        }

    def _read(self, row: ExportRow, project: Project | None, row_data: object) -> RowOutcome:
        found = self._facts(row, project)
        if project is None:
            return RowOutcome(**found, reason="not_in_project")
        if reason := refusal(project, self._policy.accept):
            return RowOutcome(**found, reason=reason)
        try:
            label, choice = choose_label(project)
        except NoExample as none:
            return RowOutcome(**found, reason=none.reason)
        try:
            content = self._content(row, label, row_data)
        except NoExample as none:
            return RowOutcome(**found, label_id=label.id, choice=choice, reason=none.reason)
        return RowOutcome(**found, label_id=label.id, choice=choice, content=content, **self._of_answers)

    def _content(self, row: ExportRow, label: Label, row_data: object) -> Content:
        given = row.data_row.row_data if row_data is None else row_data
        content = self._contents.read(label, given, row.media_attributes.asset_type if row.media_attributes else None)
        if content[-1].role == "assistant" and not has_lines(content, self._form):
            raise NoExample("several_turns") if self._form == "completion" else NoExample("no_loser")
        return content


def _activity_at(row: ExportRow) -> datetime:
    stamp = row.data_row.details.last_activity_at if row.data_row.details else None
    if stamp is None:
        raise ValueError("data_row.details.last_activity_at is missing")
    return moment_of(stamp)


def metadata_of(row: ExportRow) -> Mapping[str, str]:
    """Give what a row's uploader noted of it, by the fields' names."""
    fields = row.metadata_fields if isinstance(row.metadata_fields, list) else ()
    return {
        str(item["schema_name"]): str(item["value"])
        for item in fields
        if isinstance(item, Mapping) and item.get("schema_name") and item.get("value") is not None
    }


def _id(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("an id is no text")
    return value


def _global_key(value: str | None) -> str | None:
    if value is not None and is_broken(value):
        raise ValueError("a global key is broken")
    return value
