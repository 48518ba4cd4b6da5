"""Multimodal chats: a tree of messages in which labelers judge the models' answers at each fork.

Source: Labelbox documentation, "Import multimodal chat data"; the SDK's expectations of such exports.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from service.domain.contents import Content, Turn
from service.domain.errors import NoExample
from service.domain.export_rows import Judgement


class Part(msgspec.Struct, frozen=True):
    """A piece of a message; pieces of other types than ``text`` hold no text."""

    type: str
    content: Any = None


class TreeMessage(msgspec.Struct, frozen=True, rename="camel"):
    """One message and what follows it."""

    actor_id: str
    content: list[Part]
    child_message_ids: list[str] = []


class Actor(msgspec.Struct, frozen=True):
    """Who speaks: ``human`` or ``model``."""

    role: str


class ChatTree(msgspec.Struct, frozen=True, rename="camel"):
    """The document behind ``row_data``, version 2."""

    root_message_ids: list[str]
    actors: dict[str, Actor]
    messages: dict[str, TreeMessage]


@dataclass(frozen=True, slots=True)
class Path:
    """The way through a tree that the labeler chose.

    Attributes:
        message_ids: The message behind each turn.
    """

    turns: Content
    message_ids: tuple[str, ...]


def follow(tree: ChatTree, judgements: Sequence[Judgement]) -> Path:
    """Walk from the root, at each fork along the answer that was selected or ranked first.

    The walk ends where a fork was not decided or nothing follows, and the path with its last answer.

    Raises:
        NoExample: There is no answer on it, or the judgements contradict each other.
    """
    ranks = _ranks(tree, judgements)
    turns: list[Turn] = []
    ids: list[str] = []
    level: Sequence[str] = tree.root_message_ids
    while level := [key for key in dict.fromkeys(level) if key in tree.messages and key not in ids]:
        role = _role_of(tree, level)
        chosen = _decided(level, ranks) if role == "assistant" else _continued(tree, level, ranks)
        if chosen is None:
            break
        turns.append(Turn(role, _text(tree, chosen), _losers(tree, level, chosen, ranks)))
        ids.append(chosen)
        level = tree.messages[chosen].child_message_ids
    while turns and turns[-1].role == "user":
        turns.pop()
    if not turns:
        raise NoExample("no_selection")
    return Path(tuple(turns), tuple(ids[: len(turns)]))


def _ranks(tree: ChatTree, judgements: Iterable[Judgement]) -> Mapping[str, int]:
    """Give each judged message its rank, 1 the best; those passed over at a selection come last.

    Several tools may judge one fork: a ranking says most, then a selection of one, then one of several. The weaker
    may not pass over the best of the stronger.
    """
    tools: tuple[dict[str, int], ...] = ({}, {}, {})
    for judgement in judgements:
        found = tools[0 if judgement.selected_messages else 2 if judgement.ranked_messages else 1]
        for key, rank in _judged(tree, judgement).items():
            if found.setdefault(key, rank) != rank:
                raise NoExample("judgements_contradict")
    ranks: dict[str, int] = {}
    for stronger in tools:
        if any(rank == 1 and ranks.get(key, 1) != 1 for key, rank in stronger.items()):
            raise NoExample("judgements_contradict")
        ranks |= stronger
    return ranks


def _judged(tree: ChatTree, judgement: Judgement) -> dict[str, int]:
    if judgement.ranked_messages:
        ranking = judgement.ranked_messages.ranked_messages
        orders = {item.message_id: item.order for item in ranking if item.order is not None}
        first = min(orders.values(), default=-1)
        if len(orders) != len(ranking) or first not in {0, 1}:
            raise NoExample("judgements_contradict")
        # Some count from 0.
        return {key: order + 1 - first for key, order in orders.items()}
    if judgement.selected_messages:
        selected = {item.message_id for item in judgement.selected_messages.messages}
    else:
        selected = {judgement.selected_message.message_id} if judgement.selected_message else set()
    beside = {key for siblings in _forks(tree) if selected & set(siblings) for key in siblings}
    return dict.fromkeys(beside - selected, len(beside)) | dict.fromkeys(selected, 1)


def _forks(tree: ChatTree) -> Iterable[Sequence[str]]:
    return [tree.root_message_ids, *(message.child_message_ids for message in tree.messages.values())]


def _decided(level: Sequence[str], ranks: Mapping[str, int]) -> str | None:
    if len(level) == 1:
        return level[0]
    judged = [key for key in level if key in ranks]
    # Several may be equally good; the tree's order decides which of them the chat goes on with.
    return min(judged, key=lambda key: ranks[key]) if judged else None


def _losers(tree: ChatTree, level: Sequence[str], chosen: str, ranks: Mapping[str, int]) -> tuple[str, ...]:
    """Give the answers placed below the chosen one, best first; an equal text has not lost."""
    below = [key for key in level if ranks.get(key, 0) > ranks.get(chosen, 1)]
    texts = (_text(tree, key) for key in sorted(below, key=lambda key: ranks[key]))
    return tuple(dict.fromkeys(text for text in texts if text.strip() and text != _text(tree, chosen)))


def _continued(tree: ChatTree, level: Sequence[str], ranks: Mapping[str, int]) -> str | None:
    """Choose among several human messages the one after which something was judged; None where that is unclear."""
    if len(level) == 1:
        return level[0]
    going_on = [key for key in level if any(child in ranks for child in tree.messages[key].child_message_ids)]
    return going_on[0] if len(going_on) == 1 else None


def _role_of(tree: ChatTree, level: Sequence[str]) -> Any:  # noqa: ANN401 - one of a turn's two roles
    roles = {tree.actors[actor].role if (actor := tree.messages[key].actor_id) in tree.actors else "" for key in level}
    known = {"human": "user", "model": "assistant"}
    if len(roles) != 1 or not roles <= known.keys():
        raise NoExample("roles_unclear")
    return known[roles.pop()]


def _text(tree: ChatTree, key: str) -> str:
    parts = tree.messages[key].content
    if any(part.type != "text" or not isinstance(part.content, str) for part in parts):
        raise NoExample("message_not_text")
    return "\n".join(str(part.content) for part in parts)
