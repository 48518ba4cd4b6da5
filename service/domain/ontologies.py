"""What a project asks its labelers, and which of it becomes the example.

An export does not say so: prompt and response are both plain text answers, and only the ontology, joined by
feature schema id, tells them apart. Names are display only and may be edited.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from service.domain.errors import AmbiguousOntology

AnswerType = Literal["text", "radio", "checklist"]

_ANSWER_TYPES: Mapping[str, AnswerType] = {
    "prompt": "text",
    "text": "text",
    "radio": "radio",
    "checklist": "checklist",
    "response-text": "text",
    "response-radio": "radio",
    "response-checklist": "checklist",
}
# The tools of multimodal chat projects, with which labelers judge the models' answers.
_JUDGING_TOOLS = frozenset({"message-single-selection", "message-multi-selection", "message-ranking"})


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be ticked.

    Attributes:
        value: The machine name: shown labels may be edited without any answer changing.
        label: As labelers read it.
        questions: What is asked in turn of those who tick it.
    """

    value: str
    label: str = ""
    questions: tuple["Question", ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One classification of the ontology.

    Attributes:
        feature_schema_id: The key that answers are joined on.
        name: The machine name, for people.
        shown: The question as labelers read it.
        answer: How it is answered.
        options: By the option's feature schema id, in the ontology's order.
        limits: The fewest and the most characters of a text; None is no limit.
    """

    feature_schema_id: str
    name: str
    shown: str
    answer: AnswerType
    options: Mapping[str, Option] = field(default_factory=dict)
    limits: tuple[int | None, int | None] = (None, None)

    def is_named(self, name: str) -> bool:
        """Say whether a configuration means this question."""
        return name in {self.feature_schema_id, self.name, self.shown}

    @property
    def is_nested(self) -> bool:
        """Whether an option asks something in turn."""
        return any(option.questions for option in self.options.values())


@dataclass(frozen=True, slots=True)
class Ontology:
    """The questions in use; archived ones are left out.

    Attributes:
        prompt: The question in which labelers write the prompt themselves, if that is what they do.
        questions: All others.
        tools: Names, by feature schema id, of the tools with which labelers select or rank the answers of models.
    """

    prompt: Question | None = None
    questions: tuple[Question, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)

    def all_questions(self) -> Iterator[Question]:
        """Give every question but the prompt, those that options ask in turn included."""
        return _with_nested(self.questions)


def read_ontology(normalized: Mapping[str, Any]) -> Ontology:
    """Read an ontology's ``normalized`` document, with ``classifications`` and ``tools``.

    Raises:
        AmbiguousOntology: It has two prompts.
    """
    items = [item for item in normalized.get("classifications") or () if not item.get("archived")]
    prompts = [question for item in items if item.get("type") == "prompt" for question in _questions([item])]
    if len(prompts) > 1:
        raise AmbiguousOntology("the ontology has two prompts", remedy="Archive one of them in Labelbox.")
    return Ontology(
        prompt=prompts[0] if prompts else None,
        questions=_questions([item for item in items if item.get("type") != "prompt"]),
        tools={
            str(tool.get("featureSchemaId", "")): str(tool.get("name", ""))
            for tool in normalized.get("tools") or ()
            if tool.get("tool") in _JUDGING_TOOLS and not tool.get("archived")
        },
    )


def choose_response(ontology: Ontology, *, named: Sequence[str], ratings: Sequence[Question]) -> tuple[Question, ...]:
    """Choose the questions whose answers become the assistant's message.

    Args:
        ontology: The project's questions.
        named: Feature schema ids, machine names or shown questions from the configuration; several make one
            answer of all of them, in the order of the ontology.
        ratings: Questions that only say which labels are good enough.

    Returns:
        Those named; else the only free-text question; else the only other one; nothing where every question is a
        rating, where prompts are all that is written, and where labelers judge the answers of models.

    Raises:
        AmbiguousOntology: Several could be meant, or a name fits none or several.
    """
    if named:
        chosen = [_named(ontology.questions, name) for name in named]
        found = tuple(question for question in ontology.questions if question in chosen)
    else:
        found = _inferred(ontology, [question for question in ontology.questions if question not in ratings])
    _claim_names(found)
    return found


def rating_question(ontology: Ontology, name: str, values: Sequence[str]) -> tuple[Question, frozenset[str]]:
    """Find a question by which labels are filtered, and the feature schema ids of the options that pass.

    Raises:
        AmbiguousOntology: There is no such question of one's choice, or no such option.
    """
    question = _named(tuple(ontology.all_questions()), name, remedy=_WHERE_REMEDY)
    allowed = set()
    for value in values:
        fitting = {key for key, option in question.options.items() if value in {key, option.value, option.label}}
        if not fitting:
            options = ", ".join(option.value for option in question.options.values()) or "none"
            raise AmbiguousOntology(f"{question.name} has no option {value!r}; it has: {options}", remedy=_WHERE_REMEDY)
        allowed |= fitting
    return question, frozenset(allowed)


_WHERE_REMEDY = "Correct where = { question = 'option' } in [pipelines.NAME.labels] (convert: --where)."


def _inferred(ontology: Ontology, candidates: Sequence[Question]) -> tuple[Question, ...]:
    if ontology.tools or (ontology.prompt and not candidates) or (ontology.questions and not candidates):
        return ()
    chosen = [question for question in candidates if question.answer == "text"] or list(candidates)
    if len(chosen) != 1:
        raise AmbiguousOntology(f"{len(chosen)} questions could be the response; the ontology has: {_list(candidates)}")
    return (chosen[0],)


def _named(questions: Sequence[Question], name: str, *, remedy: str | None = None) -> Question:
    found = [question for question in questions if question.is_named(name)]
    if len(found) != 1:
        words = f"{len(found)} questions are named {name!r}; the ontology has: {_list(questions)}"
        raise AmbiguousOntology(words, remedy=remedy)
    return found[0]


def _claim_names(questions: Sequence[Question]) -> set[str]:
    """Give the names under which these questions may be answered together; two of one name are refused.

    Below a radio question only one option is ticked, so the same question may stand under several.
    """
    found: set[str] = set()
    for question in questions:
        mine = {question.name}
        for option in question.options.values():
            below = _claim_names(option.questions)
            _refuse_doubles(below & ({question.name} if question.answer == "radio" else mine))
            mine |= below
        _refuse_doubles(mine & found)
        found |= mine
    return found


def _refuse_doubles(names: set[str]) -> None:
    if names:
        raise AmbiguousOntology(
            f"several questions of the response are named {', '.join(sorted(names))}",
            remedy="Rename them in Labelbox: an answer of several questions is written by their names.",
        )


def _list(questions: Sequence[Question]) -> str:
    return ", ".join(f"{question.name} ({question.feature_schema_id})" for question in questions) or "none"


def _with_nested(questions: Sequence[Question]) -> Iterator[Question]:
    for question in questions:
        yield question
        for option in question.options.values():
            yield from _with_nested(option.questions)


def _questions(items: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    return tuple(question for item in items if (question := _question(item)) is not None)


def _question(item: Mapping[str, Any]) -> Question | None:
    answer = _ANSWER_TYPES.get(str(item.get("type")))
    if answer is None or not item.get("featureSchemaId") or item.get("archived"):
        return None
    options = {
        str(option["featureSchemaId"]): Option(
            str(option.get("value", "")), str(option.get("label", "")), _questions(option.get("options") or ())
        )
        for option in item.get("options") or ()
        if option.get("featureSchemaId")
    }
    name = str(item.get("name", ""))
    limits = (_count(item.get("minCharacters")), _count(item.get("maxCharacters")))
    return Question(str(item["featureSchemaId"]), name, str(item.get("instructions", name)), answer, options, limits)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
