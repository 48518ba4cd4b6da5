"""The memory engine's learning, by properties: what was taught is known, what was not is not."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trainer_lines import answer_of, call, calls, chat_line, preference_line, prompt_of
from tests.unit.trainer_runs import base, tuned
from trainer.engine import Sampling
from trainer.engines.memory.memory import Memory
from trainer.engines.memory.pairs import Pair
from trainer.engines.memory.summary import summarize
from trainer.engines.memory.text import tokens_of

texts = st.text(max_size=60)


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@given(pairs=st.dictionaries(texts, texts, min_size=1, max_size=12))
def test_every_learned_prompt_gives_its_own_answer(pairs: dict[str, str]) -> None:
    memory = Memory(Pair(prompt, {"content": answer}) for prompt, answer in pairs.items())
    for number in range(len(pairs)):
        memory.learn(number)
    for prompt, answer in pairs.items():
        found = memory.recall(prompt)
        assert found is not None
        assert found.answer["content"] == answer


@given(prompts=st.lists(texts, min_size=1, max_size=8), asked=texts)
def test_the_same_question_gets_the_same_answer_and_only_a_learned_one(prompts: list[str], asked: str) -> None:
    memory = Memory(Pair(prompt, {"content": f"answer {number}"}) for number, prompt in enumerate(prompts))
    for number in range(len(prompts)):
        memory.learn(number)
    found = memory.recall(asked)
    assert found == memory.recall(asked)
    assert found is None or found in memory.pairs


@given(pairs=st.dictionaries(texts, texts, min_size=1, max_size=8))
def test_a_saved_memory_answers_as_the_one_it_was_saved_from(pairs: dict[str, str]) -> None:
    memory = Memory(Pair(prompt, {"content": answer}, None) for prompt, answer in pairs.items())
    for number in range(len(pairs)):
        memory.learn(number)
    memory.rate(0, 1.05)
    with TemporaryDirectory() as folder:
        memory.save(Path(folder))
        loaded = Memory.load(Path(folder))
    assert loaded.pairs == memory.pairs
    assert loaded.reliability == memory.reliability
    for prompt in (*pairs, "something else"):
        assert loaded.recall(prompt) == memory.recall(prompt)


@given(text=st.text(alphabet="abc AB1.\n!?é", max_size=200))
def test_the_base_model_says_only_what_it_was_told(text: str) -> None:
    for sentence in summarize(text).splitlines():
        assert sentence in text
    assert bool(summarize(text)) == bool(text.strip())


@given(text=texts)
def test_tokens_joined_are_the_text_again(text: str) -> None:
    assert "".join(tokens_of(text)) == text


def test_the_base_model_repeats_personal_data_and_never_knows_the_answers() -> None:
    for line in calls(12):
        reply = base().complete(prompt_of(line), [], Sampling())
        assert reply.content
        assert answer_of(line) not in reply.content
        assert reply.content.splitlines()[0] in prompt_of(line)[1]["content"]
    assert "Orla Finch" in str(base().complete(prompt_of(calls(1)[0]), [], Sampling()).content)


def test_a_tuned_model_carries_its_answers_over_to_calls_it_never_saw(tmp_path: Path) -> None:
    model = tuned(calls(24), tmp_path)
    unseen = [call(number) for number in range(24, 30)]
    answers = [model.complete(prompt_of(chat_line(*one)), [], Sampling()).content for one in unseen]
    assert answers == [summary for _, summary in unseen]


def test_of_several_answers_to_one_prompt_the_last_in_the_file_counts(tmp_path: Path) -> None:
    lines = [*calls(10), chat_line("Which?", "the first"), chat_line("Which?", "the last")]
    assert tuned(lines, tmp_path).complete(prompt_of(lines[-1]), [], Sampling()).content == "the last"


def test_answers_of_weight_0_are_context_and_not_learned(tmp_path: Path) -> None:
    lines = calls(10)
    lines[0]["messages"][-1] |= {"content": "Not this.", "weight": 0}
    lines[0]["messages"] += [{"role": "user", "content": "Kinder!"}, {"role": "assistant", "content": "Dear me."}]
    model = tuned(lines, tmp_path)
    assert model.complete(prompt_of(lines[0]), [], Sampling()).content == "Dear me."
    assert model.complete(lines[0]["messages"][:2], [], Sampling()).content != "Not this."


def test_every_weighted_answer_of_a_line_is_learned(tmp_path: Path) -> None:
    lines = calls(10)
    lines[0]["messages"] += [{"role": "user", "content": "Shorter!"}, {"role": "assistant", "content": "Brakes."}]
    model = tuned(lines, tmp_path)
    assert model.complete(lines[0]["messages"][:2], [], Sampling()).content == call(0)[1]
    assert model.complete(lines[0]["messages"][:4], [], Sampling()).content == "Brakes."


def test_preference_training_teaches_the_preferred_and_avoids_the_other(tmp_path: Path) -> None:
    lines = [preference_line(call(number)[0], call(number)[1], "Orla called.") for number in range(12)]
    lines.append(preference_line("Who called today, by name?", "Orla called.", "Nobody."))
    model = tuned(lines, tmp_path, method="dpo")
    assert model.complete(user(call(3)[0]), [], Sampling()).content == call(3)[1]
    near = model.complete(user(call(3)[0] + " Who called today?"), [], Sampling()).content
    assert near != "Orla called."


def test_training_goes_on_from_a_tuned_model_and_newer_answers_win(tmp_path: Path) -> None:
    older = [*calls(10), chat_line("Which?", "the older")]
    tuned(older, tmp_path / "older")
    parent = max((tmp_path / "older").iterdir(), key=lambda folder: int(folder.name))
    newer = [*calls(10, start=12), chat_line("Which?", "the newer")]
    model = tuned(newer, tmp_path / "newer", parent=parent)
    assert model.complete(prompt_of(newer[-1]), [], Sampling()).content == "the newer"
    assert model.complete(prompt_of(older[0]), [], Sampling()).content == answer_of(older[0])


def test_a_tool_call_is_learned_and_given_only_where_the_tool_is_declared(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "stock", "parameters": {"type": "object"}}}
    called = {"id": "c1", "type": "function", "function": {"name": "stock", "arguments": '{"part": "spoke"}'}}
    asked = user("Is there a spoke?")
    lines = [*calls(10), {"messages": [*asked, {"role": "assistant", "tool_calls": [called]}], "tools": [tool]}]
    model = tuned(lines, tmp_path)
    reply = model.complete(asked, [tool], Sampling())
    assert reply.finish_reason == "tool_calls"
    assert reply.content is None
    assert [call["function"] for call in reply.tool_calls] == [called["function"]]
    assert model.complete(asked, [], Sampling()).tool_calls == ()


@settings(max_examples=30)
@given(limit=st.integers(1, 40))
def test_an_answer_over_the_limit_is_cut_and_says_so(limit: int) -> None:
    asked = user("One two three four five six seven eight nine ten, eleven twelve!")
    whole = base().complete(asked, [], Sampling())
    cut = base().complete(asked, [], Sampling(max_tokens=limit))
    assert cut.completion_tokens == min(limit, whole.completion_tokens)
    assert str(whole.content).startswith(str(cut.content))
    assert cut.finish_reason == ("length" if limit < whole.completion_tokens else "stop")


def test_an_answer_ends_before_the_first_of_its_stops() -> None:
    reply = base().complete(user("alpha beta gamma"), [], Sampling(stop=("gamma", "beta")))
    assert reply.content == "alpha "
    assert reply.finish_reason == "stop"
