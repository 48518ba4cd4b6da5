import re
from collections import Counter, defaultdict
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.chat_parts.facts import PERSONAL, make_case
from sandbox.chat_parts.situations import SITUATIONS, Situation
from sandbox.chat_parts.things import THINGS
from sandbox.chats import SupportChat, support_chats
from sandbox.ids import seeded
from service.domain.personal_data import leaks

SEED, MANY = 7, 2000


@cache
def many_chats() -> list[SupportChat]:
    return support_chats(SEED, MANY)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.casefold())


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    found = words(re.sub(r"^(Agent|Customer):", "", text, flags=re.MULTILINE))
    return frozenset(zip(found, found[1:], found[2:], strict=False))


def count_near_duplicates(texts: list[str], *, likeness: float) -> int:
    """Count the texts that share at least this part of their three-word pieces with an earlier one."""
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes: list[int] = []
    near = 0
    for index, text in enumerate(texts):
        pieces = shingles(text)
        shared = Counter(other for piece in pieces for other in holders[piece])
        near += any(n / (len(pieces) + sizes[other] - n) >= likeness for other, n in shared.items())
        sizes.append(len(pieces))
        for piece in pieces:
            holders[piece].append(index)
    return near


# The same seed gives the same chats.


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**9), few=st.integers(0, 4), more=st.integers(0, 4))
def test_a_chat_is_the_same_however_many_are_asked_for(seed: int, few: int, more: int) -> None:
    assert support_chats(seed, few + more)[:few] == support_chats(seed, few)


def test_another_seed_gives_other_chats() -> None:
    assert not {chat.chat for chat in support_chats(1, 50)} & {chat.chat for chat in support_chats(2, 50)}


def test_ids_are_stable_and_unique() -> None:
    assert many_chats()[17].id == "chat-00017"
    assert len({chat.id for chat in many_chats()}) == MANY


# What a chat looks like.


def test_every_line_of_a_chat_is_a_turn_of_agent_or_customer() -> None:
    lines = [line for chat in many_chats() for line in chat.chat.split("\n")]
    assert all(re.match(r"(Agent|Customer): \S", line) for line in lines)


def test_chats_are_of_all_lengths_from_four_to_sixteen_turns() -> None:
    assert {len(chat.chat.split("\n")) for chat in many_chats()} == set(range(4, 17))


def test_no_gap_is_left_unfilled() -> None:
    texts = [text for chat in many_chats() for text in (chat.chat, chat.summary, chat.careless_summary)]
    assert not [text for text in texts if re.search(r"[{}\[\]<>|_]|=>|  ", text)]


# Personal data.


@pytest.mark.parametrize("seed", [SEED, 8])
def test_a_chat_holds_personal_data_and_its_summary_none(seed: int) -> None:
    for index, chat in enumerate(support_chats(seed, 500)):
        facts = make_case(seeded("chat", seed, index)).facts
        personal = [facts[fact] for fact in (*PERSONAL, "agent")]
        assert any(text in chat.chat for text in personal)
        assert not [text for text in personal if re.search(rf"\b{re.escape(text)}\b", chat.summary, re.IGNORECASE)]


def test_a_careless_summary_names_the_customer() -> None:
    for index, chat in enumerate(many_chats()):
        facts = make_case(seeded("chat", SEED, index)).facts
        assert facts["first"] in chat.careless_summary or facts["family"] in chat.careless_summary


def test_the_judge_of_the_service_sees_it_the_same_way() -> None:
    chats = many_chats()[:400]
    assert [chat.id for chat in chats if leaks(chat.chat, chat.summary)] == []
    assert [chat.id for chat in chats if not leaks(chat.chat, chat.careless_summary)] == []


# Variety.


def test_no_chat_and_hardly_any_summary_comes_twice() -> None:
    assert len({chat.chat for chat in many_chats()}) == MANY
    assert len({chat.summary for chat in many_chats()}) > 0.99 * MANY


def test_hardly_any_text_is_nearly_another() -> None:
    assert count_near_duplicates([chat.chat for chat in many_chats()[:1000]], likeness=0.5) == 0
    assert count_near_duplicates([chat.summary for chat in many_chats()], likeness=0.7) < 0.01 * MANY


def test_later_chats_still_bring_new_words() -> None:
    first, later = (
        {word for chat in chats for word in words(chat.summary)} for chats in (many_chats()[:250], many_chats()[250:])
    )
    assert len(first) > 800
    assert len(later - first) > 300


def test_a_summary_is_no_sentence_of_the_chat() -> None:
    copied = [chat.id for chat in many_chats() if any(part in chat.chat for part in chat.summary.split(". "))]
    assert copied == []


# The situations.


def test_there_are_many_situations_each_of_its_own_name() -> None:
    assert len({situation.name for situation in SITUATIONS}) == len(SITUATIONS) > 50
    assert all(situation.things in THINGS for situation in SITUATIONS)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_whatever_a_customer_says_has_a_cause_a_remedy_and_a_telling(situation: Situation) -> None:
    unused = {(kind, line.place) for kind in situation.lines for line in situation.lines[kind]}
    for says in situation.lines["says"]:
        unused -= {("says", says.place)}
        for kind in ("title", "problem", "cause"):
            fitting = situation.fitting(kind, says)
            assert fitting
            unused -= {(kind, line.place) for line in fitting}
        unused -= {("asks", line.place) for line in situation.fitting("asks", says)}
        for cause in situation.fitting("cause", says):
            does = situation.fitting("does", says, cause)
            assert does
            unused -= {("does", line.place) for line in does}
    assert unused == set()
