"""What a label makes of its data row, kind by kind: the turns of a chat, or the reason why there are none.

The kind follows from the ontology and, for uploaded data, from the asset; only where that leaves a choice does the
configuration name it.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from service.domain.addresses import is_address
from service.domain.answers import Rating, response_text
from service.domain.chat_trees import ChatTree, follow
from service.domain.contents import Content, Turn, pair
from service.domain.conversations import Conversation, preferred, roles_of, transcript, with_answers
from service.domain.errors import NoExample
from service.domain.export_rows import Answer, Label
from service.domain.ontologies import Ontology, Question
from service.domain.pipelines import LabelPolicy

_TEXT_ASSETS = frozenset({"text", "conversational", "", None})
OTHER_MEDIA = frozenset({"image", "video", "audio", "document", "pdf", "html", "dicom", "tms_geo", "point_cloud"})
_CONVERSATION = "application/vnd.labelbox.conversational"
_CHAT = "application/vnd.labelbox.conversational.model-chat-evaluation"
# Rows of the retired kinds hold a small document that only names the kind.
_RETIRED = "application/llm."


_Document = TypeVar("_Document", Conversation, ChatTree)


class _Head(msgspec.Struct):
    type: str = ""


class ContentReader:
    """Reads the labels of one project.

    Args:
        ontology: The project's questions.
        response: Those whose answers become the assistant's message.
        ratings: Those that a label must pass.
        policy: What the configuration says of the pipeline's labels.
    """

    def __init__(
        self, ontology: Ontology, *, response: Sequence[Question], ratings: Sequence[Rating], policy: LabelPolicy
    ) -> None:
        self._ontology, self._response, self._ratings, self._policy = ontology, response, ratings, policy
        # The tools that decide, where the configuration names one of several.
        self._tools = {key for key, name in ontology.tools.items() if {key, name} & set(policy.response)}

    def read(self, label: Label, row_data: object, asset_type: str | None) -> Content:
        """Give the example's turns.

        Args:
            label: The label that counts.
            row_data: A text, or a document as a text or decoded; what was behind the address, if it was one.
            asset_type: Labelbox's word for it.

        Raises:
            NoExample: There is none; the error's ``reason`` is a stable code.
        """
        content = self._read(label, row_data, asset_type)
        is_asked = False
        for turn in content:
            if is_broken(turn.content) or any(map(is_broken, turn.rejected)):
                raise NoExample("broken_text")
            is_asked = is_asked or (turn.role == "user" and bool(turn.content.strip()))
        if not is_asked:
            raise NoExample("empty_prompt")
        if not all(turn.content.strip() for turn in content if turn.role == "assistant"):
            raise NoExample("no_answer")
        return content

    def _read(self, label: Label, row_data: object, asset_type: str | None) -> Content:
        answers = label.annotations.classifications
        if self._ontology.prompt is not None:
            self._rate(answers)
            return self._written(self._ontology.prompt, answers)
        kind, document = _document(row_data, asset_type)
        if kind == _CHAT:
            return self._chat(document, label)
        self._rate(answers)
        if kind == _CONVERSATION:
            return self._conversation(document, answers)
        if not self._response:
            raise NoExample("no_question")
        return pair(str(row_data), response_text(self._response, answers))

    def _rate(self, answers: Sequence[Answer]) -> None:
        if not all(rating.passes(answers) for rating in self._ratings):
            raise NoExample("rating")

    def _written(self, prompt: Question, answers: Sequence[Answer]) -> Content:
        """Read a project in which labelers write the prompt, and mostly its answer too."""
        question = response_text([prompt], answers)
        if self._response:
            return pair(question, response_text(self._response, answers))
        return (Turn("user", question),)

    def _conversation(self, document: bytes, answers: Sequence[Answer]) -> Content:
        conversation = _decoded(document, Conversation)
        if content := self._preference(conversation, answers):
            return content
        if self._response and self._style == "transcript":
            return pair(transcript(conversation), response_text(self._response, _global(answers)))
        turns = self._turns(conversation)
        if not self._response:
            return _approved(turns)
        bound = self._bound(answers)
        if bound:
            return with_answers(turns, [message.message_id for message in conversation.messages], bound)
        return self._answered(turns, Turn("assistant", response_text(self._response, _global(answers))))

    @property
    def _style(self) -> str:
        # A text goes on with the conversation; a class is something said about it.
        is_text = len(self._response) == 1 and self._response[0].answer == "text"
        return self._policy.conversation or ("turns" if is_text else "transcript")

    def _turns(self, conversation: Conversation) -> list[Turn]:
        turns = roles_of(conversation, self._policy.assistant)
        if turns is None:
            raise NoExample("roles_unclear")
        return turns

    def _preference(self, conversation: Conversation, answers: Sequence[Answer]) -> Content | None:
        """Read the choice among model outputs; None where no question asks for it."""
        names = {name for output in conversation.model_outputs for name in (output.title, output.model_config_name)}
        asked = [question for question in self._choices() if _names(question) & (names - {""})]
        is_written = not self._response or self._response[0].answer == "text"
        if self._policy.kind == "conversation" or (not asked and self._policy.kind is None and is_written):
            return None
        if not asked and conversation.model_outputs:
            # A class of one's own making is no answer to what the outputs answer.
            raise NoExample("no_output_chosen")
        if not asked:
            return None
        if len(asked) > 1:
            raise NoExample("several_preferences")
        ticked = [choice for item in answers if item.feature_schema_id == asked[0].feature_schema_id
                  for choice in item.ticked]  # fmt: skip
        if len(ticked) != 1:
            raise NoExample("no_answer")
        option = asked[0].options.get(ticked[0].feature_schema_id or "")
        called = [ticked[0].name or "", ticked[0].value or "", *((option.value, option.label) if option else ())]
        found = preferred(conversation, called)
        if found is None:
            raise NoExample("no_output_chosen")
        winner, losers = found[0].content, [output.content for output in found[1]]
        rejected = tuple(dict.fromkeys(text for text in losers if text.strip() and text != winner))
        return self._answered(self._turns(conversation), Turn("assistant", winner, rejected))

    def _choices(self) -> list[Question]:
        questions = self._response if self._policy.response else self._ontology.questions
        rated = [rating.question for rating in self._ratings]
        return [question for question in questions if question.answer == "radio" and question not in rated]

    def _answered(self, turns: Sequence[Turn], answer: Turn) -> Content:
        if turns and turns[-1].role == "assistant" and self._policy.conversation != "turns":
            # Perhaps it goes on, perhaps it speaks of the whole: only the configuration can say.
            raise NoExample("ends_with_assistant")
        return (*turns, answer)

    def _chat(self, document: bytes, label: Label) -> Content:
        answers = label.annotations.classifications
        judgements = [
            item for item in label.annotations.objects if not self._tools or item.feature_schema_id in self._tools
        ]
        path = follow(_decoded(document, ChatTree), judgements)
        # What was said of a message off the path does not concern the example.
        self._rate([item for item in answers if item.message_id is None or item.message_id in path.message_ids])
        better = self._bound(answers)
        return tuple(
            Turn("assistant", better[key], (turn.content, *turn.rejected))
            if turn.role == "assistant" and better.get(key, turn.content) != turn.content
            else turn
            for turn, key in zip(path.turns, path.message_ids, strict=True)
        )

    def _bound(self, answers: Sequence[Answer]) -> dict[str, str]:
        """Give what was answered to single messages, by message id."""
        about: dict[str, list[Answer]] = defaultdict(list)
        for item in answers:
            if item.message_id:
                about[item.message_id].append(item)
        texts = {key: response_text(self._response, given) for key, given in about.items()}
        return {key: text for key, text in texts.items() if text.strip()}


def is_broken(text: str) -> bool:
    """Say whether a text holds a NUL or half a surrogate pair, which no database and no UTF-8 file can hold."""
    try:
        return b"\0" in text.encode()
    except UnicodeEncodeError:
        return True


def _document(row_data: object, asset_type: str | None) -> tuple[str, bytes]:
    """Give the kind of document and its bytes; an empty kind for a plain text."""
    text = json.dumps(row_data) if isinstance(row_data, dict) else row_data
    if not isinstance(text, str):
        raise NoExample("prompt_not_text")
    if is_address(text) and asset_type not in OTHER_MEDIA:
        # Signed anew for every export: taken for the text, each look would be a new content.
        raise NoExample("prompt_behind_address")
    if text.lstrip()[:1] == "{" and '"application/' in text:
        # Half a surrogate pair makes the document unreadable, and no error of ours.
        document = text.encode("utf-8", "surrogatepass")
        kind = _kind_of(document)
        if kind in {_CONVERSATION, _CHAT}:
            return kind, document
        if kind.startswith(_RETIRED):
            raise NoExample("prompt_not_text")
    if text is not row_data or asset_type not in _TEXT_ASSETS:
        raise NoExample("prompt_not_text")
    return "", b""


def _kind_of(document: bytes) -> str:
    try:
        return msgspec.json.decode(document, type=_Head).type
    except (msgspec.DecodeError, RecursionError):
        # Some other text that begins like one.
        return ""


def _decoded(document: bytes, kind: type[_Document]) -> _Document:
    try:
        return msgspec.json.decode(document, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NoExample("unreadable_document") from error


def _names(question: Question) -> set[str]:
    return {name for option in question.options.values() for name in (option.value, option.label)}


def _global(answers: Sequence[Answer]) -> list[Answer]:
    return [item for item in answers if item.message_id is None]


def _approved(turns: Sequence[Turn]) -> Content:
    """Take a conversation as it stands, up to the assistant's last message: the label approved all of it."""
    last = max((number for number, turn in enumerate(turns) if turn.role == "assistant"), default=-1)
    return tuple(Turn(turn.role, turn.content) for turn in turns[: last + 1])
