"""What holds for every chat and every label, however odd."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.domain.contents import Turn, content_hash_of, decode_content, encode_content, lines_of
from service.domain.errors import UnreadableRow
from service.domain.export_rows import row_of
from service.domain.labels import RowOutcome, RowReader
from service.domain.pipelines import LabelPolicy
from service.domain.reasons import REASONS
from tests.support.export_rows import (
    PROJECT,
    conversation,
    exported,
    label,
    ontology,
    question,
    ranking,
    selection,
    selections,
    tree,
    written,
)

JUDGING = ontology(tools=("message-single-selection", "message-multi-selection", "message-ranking"))
SUMMARY = ontology(question("text", "summary"))

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8)
turns = st.builds(
    Turn, st.sampled_from(["user", "assistant"]), texts, st.lists(texts, max_size=2).map(tuple), st.sampled_from([0, 1])
)
KEYS = [f"m{number}" for number in range(7)]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Give a chat of up to seven messages that may follow each other in any way, loops included."""
    messages = {
        key: (
            draw(st.sampled_from(["human", "one", "two"])),
            draw(texts),
            draw(st.lists(st.sampled_from([*KEYS, "nowhere"]), max_size=3)),
        )
        for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
    }
    return tree(draw(st.lists(st.sampled_from(KEYS), max_size=2)), **messages)


some_keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)
judgements = st.lists(
    some_keys.map(lambda keys: selection(keys[0]))
    | some_keys.map(lambda keys: selections(*keys))
    | some_keys.map(lambda keys: ranking(*keys)),
    max_size=3,
)


def read(row: dict[str, Any], asked: dict[str, Any]) -> RowOutcome:
    return RowReader(asked, LabelPolicy(PROJECT)).read(row_of(row))


@given(document=documents(), objects=judgements, order=st.randoms(use_true_random=False))
def test_any_chat_gives_a_path_to_an_answer_or_a_known_reason_whatever_the_order(
    document: dict[str, Any],
    objects: list[dict[str, Any]],
    order: Any,  # noqa: ANN401 - a random.Random
) -> None:
    found = read(exported(document, label("l", objects=objects)), JUDGING)
    shuffled = list(objects)
    order.shuffle(shuffled)
    assert read(exported(document, label("l", objects=shuffled)), JUDGING) == found
    if found.content is None:
        assert found.reason in REASONS
        return
    assert found.reason is None
    assert found.content[-1].role == "assistant"
    known = {message["content"][0]["content"] for message in document["messages"].values()}
    for turn in found.content:
        assert {turn.content, *turn.rejected} <= known
        assert turn.content not in turn.rejected
        assert turn.role == "assistant" or not turn.rejected


@given(
    said=st.lists(st.tuples(st.sampled_from(["Kim", "Bot"]), texts), min_size=1, max_size=6),
    answered=st.dictionaries(st.integers(0, 6).map("m{}".format) | st.none(), texts, max_size=4),
)
def test_any_answered_conversation_ends_with_a_labelers_words_or_gives_a_reason(
    said: list[tuple[str, str]], answered: dict[str | None, str]
) -> None:
    answers = [written("summary", text, message=message) for message, text in answered.items()]
    found = read(exported(conversation(*said), label("l", *answers)), SUMMARY)
    if found.content is None:
        assert found.reason in REASONS
        return
    assert found.content[-1].role == "assistant"
    assert found.content[-1].content in answered.values()
    # What an assistant said and nobody judged is shown, and not taught.
    assert all(
        turn.weight == 0 or turn.content in answered.values() for turn in found.content if turn.role == "assistant"
    )


@given(content=st.lists(turns, min_size=1, max_size=4).map(tuple))
def test_a_content_is_stored_and_hashed_by_all_it_says(content: tuple[Turn, ...]) -> None:
    assert decode_content(encode_content(content)) == content
    longer = (*content, Turn("user", "more"))
    assert content_hash_of(content) == content_hash_of(decode_content(encode_content(content)))
    assert content_hash_of(content) != content_hash_of(longer)


@given(content=st.lists(turns, min_size=1, max_size=4).map(tuple), system=st.none() | texts)
def test_there_is_one_chat_line_and_one_pair_for_each_loser(content: tuple[Turn, ...], system: str | None) -> None:
    (chat,) = lines_of(content, system=system, form="chat")
    pairs = list(lines_of(content, system=system, form="preference"))
    assert len(pairs) == sum(len(turn.rejected) for turn in content)
    for line in (chat, *pairs):
        assert line.isascii()
        assert line.count(b"\n") == 1
        assert line.endswith(b"\n")
    assert [item["content"] for item in json.loads(chat)["messages"]][-len(content) :] == [t.content for t in content]


names = st.sampled_from(["messages", "user", "content", "modelOutputs", "actors", "rootMessageIds", "actorId", "role"])
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
)


@given(
    kind=st.sampled_from(["", ".model-chat-evaluation"]),
    rest=st.dictionaries(names, odd, max_size=3),
    more=odd,
)
def test_an_odd_document_is_refused_and_breaks_nothing(kind: str, rest: dict[str, Any], more: object) -> None:
    document = {**rest, "messages": more, "type": f"application/vnd.labelbox.conversational{kind}"}
    try:
        found = read(exported(document, label("l", written("summary", "x"))), SUMMARY)
    except UnreadableRow:
        return
    assert (found.content is None) == (found.reason in REASONS)
