"""From the answers on a label to the text that the assistant shall give."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.export_rows import Answer, Choice, all_answers
from service.domain.ontologies import Question


@dataclass(frozen=True, slots=True)
class Rating:
    """A question by which labels are filtered.

    Attributes:
        allowed: Feature schema ids of the options that pass.
    """

    question: Question
    allowed: frozenset[str]

    def passes(self, answers: Sequence[Answer]) -> bool:
        """Say whether it was answered and only by options that pass, however often it was asked."""
        mine = [item for item in all_answers(list(answers)) if _is_about(item, self.question)]
        ticked = {choice.feature_schema_id for item in mine for choice in item.ticked}
        return bool(ticked) and ticked <= self.allowed


def response_text(questions: Sequence[Question], answers: Sequence[Answer]) -> str:
    """Give the assistant's message: empty if none of the questions was answered.

    One question is answered by its text or its options' machine values. Several, or one whose options ask in turn,
    give a JSON object by the questions' machine names, in the ontology's order.

    Args:
        questions: The questions of the response.
        answers: The label's answers, in the order in which the labeler gave them.
    """
    if len(questions) == 1 and (questions[0].answer == "text" or not questions[0].is_nested):
        question = questions[0]
        for answer in answers:
            if answer.feature_schema_id == question.feature_schema_id:
                return _plain(question, answer)
        return ""
    found = _as_object(questions, answers)
    return json.dumps(found, ensure_ascii=False) if found else ""


def _plain(question: Question, answer: Answer) -> str:
    if question.answer == "text":
        return answer.text or ""
    return ", ".join(_value(question, choice) for choice in _ordered(question, answer.ticked))


def _as_object(questions: Sequence[Question], answers: Sequence[Answer]) -> Mapping[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for question in questions:
        for answer in answers:
            if not _is_about(answer, question):
                continue
            ticked = _ordered(question, answer.ticked)
            values = [_value(question, choice) for choice in ticked]
            if question.answer == "text":
                found |= {question.name: answer.text} if answer.text and answer.text.strip() else {}
            elif values:
                found[question.name] = values if question.answer == "checklist" else values[0]
            for choice in ticked:
                option = question.options.get(choice.feature_schema_id or "")
                found |= _as_object(option.questions if option else (), choice.classifications or [])
    return found


def _is_about(answer: Answer, question: Question) -> bool:
    return answer.feature_schema_id == question.feature_schema_id


def _ordered(question: Question, ticked: Sequence[Choice]) -> list[Choice]:
    """Put options in the ontology's order, because the export has the order in which the labeler clicked."""
    by_id = {choice.feature_schema_id or "": choice for choice in ticked}
    known = [key for key in question.options if key in by_id]
    return [by_id[key] for key in known + sorted(set(by_id) - set(known))]


def _value(question: Question, choice: Choice) -> str:
    option = question.options.get(choice.feature_schema_id or "")
    # An option that is archived by now has only what the export says.
    return (option.value if option else "") or choice.value or choice.name or ""
