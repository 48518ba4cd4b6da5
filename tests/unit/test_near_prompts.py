"""Which prompts are about the same things."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.near_prompts import nearest
from service.domain.shown_prompts import shown_prompt

POOL = [
    "My parcel has not arrived and tracking stands still",
    "How do I change the password of my account?",
    "Wo ist mein Paket? Es sollte gestern ankommen",
    "The invoice shows an amount that I did not order",
]
TYPE = "application/vnd.labelbox.conversational"


def test_the_prompt_about_the_same_thing_comes_first() -> None:
    near = nearest(["tracking of my parcel stands still since monday", "i forgot my password"], POOL, most=2)
    assert [found[0][0] for found in near] == [0, 1]
    assert all(0 < like < 1 for found in near for _, like in found)


def test_case_and_spacing_make_no_difference() -> None:
    ((place, like),) = nearest(["  MY PARCEL has not arrived\nand tracking stands still "], POOL, most=1)[0]
    assert (place, round(like, 6)) == (0, 1.0)


def test_what_has_nothing_in_common_is_not_near() -> None:
    assert nearest(["\u4e2d\u6587\u7684\u95ee\u9898"], POOL, most=3) == [[]]
    assert nearest(["", "x"], POOL, most=3) == [[], []]
    assert nearest([], POOL, most=3) == []
    assert nearest(["a"], [], most=3) == [[]]


@given(texts=st.lists(st.text(), min_size=1, max_size=8), most=st.integers(1, 5))
def test_any_text_is_compared_best_first_and_never_more_than_asked(texts: list[str], most: int) -> None:
    for found in nearest(texts, texts, most=most):
        likes = [like for _, like in found]
        assert len(found) <= most
        assert likes == sorted(likes, reverse=True)
        assert all(0 < like <= 1.000001 for like in likes)


def test_a_text_is_shown_as_it_is() -> None:
    assert shown_prompt("Where is it?", "text") == "Where is it?"
    assert shown_prompt('{"a": "application/json"}', "text") is None
    assert shown_prompt('{ not json "application/', "text") == '{ not json "application/'


def test_what_labelers_cannot_read_yet_is_no_prompt() -> None:
    for row_data in ("https://storage.labelbox.com/x", " ", "", None, 7, "half \ud800", {"type": TYPE, "messages": []}):
        assert shown_prompt(row_data, "text") is None
    assert shown_prompt("a picture", "image") is None
    assert shown_prompt('{"type":"application/llm.prompt-creation","version":1}', None) is None


def test_of_a_conversation_what_people_say_is_shown() -> None:
    one = {"type": TYPE, "version": 1, "messages": [{"content": "Hello", "user": {"name": "A"}}, {"content": "there"}]}
    assert shown_prompt(one, "conversational") == "Hello\nthere"
    tree = {
        "type": f"{TYPE}.model-chat-evaluation",
        "actors": {"h": {"role": "human"}, "m": {"role": "model"}},
        "messages": {
            "1": {"actorId": "h", "content": [{"type": "text", "content": "Ask"}, {"type": "image", "content": "x"}]},
            "2": {"actorId": "m", "content": [{"type": "text", "content": "Answer"}]},
        },
    }
    assert shown_prompt(tree, "conversational") == "Ask"
    empty = {"type": f"{TYPE}.model-chat-evaluation", "draft": True, "actors": {}, "messages": {}}
    assert shown_prompt(empty, "conversational") is None
