"""Conversations that were uploaded to be labelled: who says what, and where the labeler's answer belongs.

Source: Labelbox documentation, "Import conversational text data" and "Import conversation & model response data".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from service.domain.contents import Content, Turn
from service.domain.errors import NoExample

Style = Literal["turns", "transcript"]
# Participants whose name or id holds one of these words are the assistant, unless the configuration names them.
_ASSISTANT = re.compile(
    r"(?:^|[\W_])(?:(?-i:AI)|agent|assistant|bot|chatbot|chatgpt|gpt|llm|model)(?:$|[\W_\d])", re.IGNORECASE
)


class User(msgspec.Struct, frozen=True, rename="camel"):
    """Who speaks."""

    user_id: str = ""
    name: str = ""

    @property
    def shown(self) -> str:
        """The name for a transcript."""
        return self.name or self.user_id or "?"


class ChatMessage(msgspec.Struct, frozen=True, rename="camel"):
    """One message."""

    content: str
    message_id: str = ""
    user: User = User()


class ModelOutput(msgspec.Struct, frozen=True, rename="camel"):
    """One of the answers among which the labeler prefers one."""

    content: str
    title: str = ""
    model_config_name: str = ""


class Conversation(msgspec.Struct, frozen=True, rename="camel"):
    """The document behind ``row_data``, version 1."""

    messages: list[ChatMessage]
    model_outputs: list[ModelOutput] = []


def roles_of(conversation: Conversation, named: Sequence[str]) -> list[Turn] | None:
    """Give the messages as turns; None where nobody can say which participant is the assistant.

    Args:
        conversation: The document.
        named: Names or ids of the participants that are the assistant, from the configuration.
    """
    speakers = {message.user for message in conversation.messages}
    if named:
        assistants = {user for user in speakers if user.name in named or user.user_id in named}
    else:
        assistants = {user for user in speakers if _ASSISTANT.search(user.name) or _ASSISTANT.search(user.user_id)}
    # One person alone asks; two of whom neither is known, or who are both known, cannot be told apart.
    if assistants == speakers or (not assistants and len(speakers) > 1):
        return None
    # What a bot once said is shown to the model that learns; only what a human wrote or approved is taught.
    return [
        Turn("assistant", message.content, weight=0) if message.user in assistants else Turn("user", message.content)
        for message in conversation.messages
    ]


def transcript(conversation: Conversation) -> str:
    """Write a conversation as one text, a line a message."""
    return "\n".join(f"{message.user.shown}: {message.content}" for message in conversation.messages)


def with_answers(turns: Sequence[Turn], message_ids: Sequence[str], answers: Mapping[str, str]) -> Content:
    """Put answers that labelers gave to single messages in their places, and end with the last of them.

    An answer to the assistant's message is what it should have said; one to a user's message is the reply to it. The
    words that it stands in for become the losing answer.

    Args:
        turns: The conversation.
        message_ids: The ids of its messages, in the same order.
        answers: Texts that are not empty, by message id.

    Raises:
        NoExample: Two answers claim one place.
    """
    wanted: dict[int, str] = {}
    for number, message_id in enumerate(message_ids):
        if answer := answers.get(message_id):
            place = number if turns[number].role == "assistant" else number + 1
            if wanted.setdefault(place, answer) != answer:
                # A reply to what the user said, and another wording of the reply that follows.
                raise NoExample("answers_contradict")
    found: list[Turn] = []
    ends_at = 0
    for number in range(len(turns) + 1):
        turn = turns[number] if number < len(turns) else None
        if number in wanted:
            replaced = turn is not None and turn.role == "assistant"
            losers = (turn.content,) if turn is not None and replaced and turn.content != wanted[number] else ()
            found.append(Turn("assistant", wanted[number], losers))
            ends_at = len(found)
            if replaced:
                continue
        if turn is not None:
            found.append(turn)
    return tuple(found[:ends_at])


def preferred(conversation: Conversation, named: Sequence[str]) -> tuple[ModelOutput, list[ModelOutput]] | None:
    """Find the output that a labeler chose, and the others; None where none or several are named so.

    Args:
        conversation: The document with its model outputs.
        named: What the chosen option is called: value, label or name.
    """
    outputs = conversation.model_outputs
    chosen = [output for output in outputs if {output.title, output.model_config_name} & (set(named) - {""})]
    if len(chosen) != 1:
        return None
    return chosen[0], [output for output in outputs if output is not chosen[0]]
