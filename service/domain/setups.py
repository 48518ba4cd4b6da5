"""What a Labelbox project should be, as a ``[pipelines.NAME.setup]`` table says, and how one that is there differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "chat", "offline-chat"]
Scope = Literal["project", "organization"]

# Labelbox's allowedMediaType and editorTaskType.
MEDIA: Mapping[Kind, tuple[str, str | None]] = {
    "text": ("TEXT", None),
    "chat": ("CONVERSATIONAL", "MODEL_CHAT_EVALUATION"),
    "offline-chat": ("CONVERSATIONAL", "OFFLINE_MODEL_CHAT_EVALUATION"),
}
# Source: labelbox 7.17, Tool.Type and Classification.Type.
MESSAGE_TOOLS: Mapping[str, str] = {
    "selection": "message-single-selection",
    "multi-selection": "message-multi-selection",
    "ranking": "message-ranking",
}
# Old response-creation ontologies call the same questions so.
_SAME_TYPE = {"response-text": "text", "response-radio": "radio", "response-checklist": "checklist"}
_COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a radio or checklist question; ``questions`` are asked of whoever takes it."""

    value: str
    label: str
    questions: tuple["AskedQuestion", ...] = ()


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question for the labelers.

    Attributes:
        name: The machine name.
        ask: What labelers read.
        type: text, radio, checklist, or a key of ``MESSAGE_TOOLS``.
        min_characters: Of a text answer; None is no limit.
        max_characters: Of a text answer; None is no limit.
    """

    name: str
    ask: str
    type: str
    required: bool = True
    min_characters: int | None = None
    max_characters: int | None = None
    options: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """What ``tuneloop labelbox setup`` makes for one pipeline.

    Attributes:
        name: Of project, dataset and ontology.
        webhook: The address Labelbox posts to; None makes no webhook.
        priority: Of batches, 1 is the highest.
        chats: Empty conversations of a live chat project, for labelers to fill.
    """

    pipeline: str
    name: str
    kind: Kind
    questions: tuple[AskedQuestion, ...]
    webhook: str | None = None
    webhook_scope: Scope = "project"
    priority: int = 5
    chats: int = 0


@dataclass(frozen=True, slots=True)
class HeldProject:
    """A project as the account has it."""

    project_id: str
    name: str
    media_type: str
    editor_task: str | None


@dataclass(frozen=True, slots=True)
class HeldOntology:
    """An ontology as the account has it."""

    ontology_id: str
    name: str
    media_type: str
    normalized: Mapping[str, Any]

    @property
    def is_empty(self) -> bool:
        """Whether it asks nothing: Labelbox connects such a one to a new project by itself."""
        return not self.normalized.get("tools") and not self.normalized.get("classifications")


def normalized(questions: Sequence[AskedQuestion]) -> dict[str, Any]:
    """Write the ontology document that Labelbox makes an ontology from."""
    tools = [question for question in questions if question.type in MESSAGE_TOOLS]
    asked = [question for question in questions if question.type not in MESSAGE_TOOLS]
    return {
        "tools": [_tool(question, _COLORS[at % len(_COLORS)]) for at, question in enumerate(tools)],
        "classifications": [_classification(question) | {"scope": "global"} for question in asked],
    }


def project_differences(setup: Setup, project: HeldProject) -> list[str]:
    """Say how a project is of another kind than the table names; empty if it is not."""
    media_type, editor_task = MEDIA[setup.kind]
    if project.media_type != media_type:
        return [f"its media type is {project.media_type}, kind {setup.kind!r} needs {media_type}"]
    if project.editor_task != editor_task:
        return [f"its editor is {project.editor_task or 'the plain one'}, kind {setup.kind!r} needs {editor_task}"]
    return []


def ontology_differences(setup: Setup, ontology: HeldOntology, *, limits: bool = True) -> list[str]:
    """Say every way in which an ontology differs from the table's questions; empty if it does not.

    Args:
        setup: The table.
        ontology: What the account has.
        limits: Whether to compare character limits, which Labelbox may not keep for every kind of question.
    """
    media_type, _ = MEDIA[setup.kind]
    # An ontology without a media type serves every project.
    wrong_media = ontology.media_type not in {media_type, "UNKNOWN"}
    differs = [f"its media type is {ontology.media_type}, not {media_type}"] if wrong_media else []
    held = [item for part in ("tools", "classifications") for item in ontology.normalized.get(part) or ()]
    return differs + list(_differences(setup.questions, held, "", limits=limits))


def _tool(question: AskedQuestion, color: str) -> dict[str, Any]:
    return {
        "tool": MESSAGE_TOOLS[question.type],
        "name": question.name,
        "required": question.required,
        "color": color,
        "classifications": [],
        "schemaNodeId": None,
        "featureSchemaId": None,
        "attributes": None,
    }


def _classification(question: AskedQuestion) -> dict[str, Any]:
    limits = {"minCharacters": question.min_characters, "maxCharacters": question.max_characters}
    return {
        "type": question.type,
        "instructions": question.ask,
        "name": question.name,
        "required": question.required,
        "options": [_option(choice, at) for at, choice in enumerate(question.options)],
        "schemaNodeId": None,
        "featureSchemaId": None,
        "attributes": None,
        **{key: limit for key, limit in limits.items() if limit is not None},
    }


def _option(choice: Choice, position: int) -> dict[str, Any]:
    return {
        "schemaNodeId": None,
        "featureSchemaId": None,
        "label": choice.label,
        "value": choice.value,
        "options": [_classification(question) for question in choice.questions],
        "position": position,
    }


def _differences(
    wanted: Sequence[AskedQuestion], held: Sequence[Mapping[str, Any]], where: str, *, limits: bool
) -> Iterator[str]:
    active = {str(item.get("name")): item for item in held if not item.get("archived")}
    for question in wanted:
        item = active.pop(question.name, None)
        if item is None:
            yield f"question {question.name!r}{where} is missing"
        else:
            yield from _question_differences(question, item, where, limits=limits)
    for name in active:
        yield f"question {name!r}{where} is not in the table"


def _question_differences(
    question: AskedQuestion, item: Mapping[str, Any], where: str, *, limits: bool
) -> Iterator[str]:
    name = f"question {question.name!r}{where}"
    held_type = str(item.get("tool") or item.get("type"))
    wanted_type = MESSAGE_TOOLS.get(question.type, question.type)
    if _SAME_TYPE.get(held_type, held_type) != wanted_type:
        yield f"{name} is of type {held_type}, not {wanted_type}"
        return
    if bool(item.get("required")) != question.required:
        yield f"{name} is {'' if item.get('required') else 'not '}required"
    if "tool" in item:
        return  # a message tool has no text of its own, no limits and no options
    if str(item.get("instructions", question.ask)) != question.ask:
        yield f"{name} is asked in other words"
    for key, limit, words in (
        ("minCharacters", question.min_characters, "min_characters"),
        ("maxCharacters", question.max_characters, "max_characters"),
    ):
        if limits and item.get(key) != limit:
            yield f"{name} has {words} {item.get(key) or 'none'}, not {limit or 'none'}"
    yield from _option_differences(question, item.get("options") or (), name, limits=limits)


def _option_differences(
    question: AskedQuestion, held: Sequence[Mapping[str, Any]], name: str, *, limits: bool
) -> Iterator[str]:
    left = {str(option.get("value")): option for option in held}
    for choice in question.options:
        option = left.pop(choice.value, None)
        if option is None:
            yield f"{name} lacks the option {choice.value!r}"
            continue
        if str(option.get("label", choice.label)) != choice.label:
            yield f"{name} shows the option {choice.value!r} as another label"
        below = f" below {choice.value!r}"
        yield from _differences(choice.questions, option.get("options") or (), below, limits=limits)
    for value in left:
        yield f"{name} has the option {value!r}, which is not in the table"
