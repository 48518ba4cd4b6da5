"""Asking models through the unmodified SDK, whole and streamed."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.contract.trainer_process import BASE, Trainer, running_trainer
from tests.unit.trainer_lines import answer_of, calls, prompt_of

TOOL: Any = {"type": "function", "function": {"name": "stock", "parameters": {"type": "object"}}}
ARGUMENTS = '{"part": "spoke"}'
CALLED = {"id": "c1", "type": "function", "function": {"name": "stock", "arguments": ARGUMENTS}}
ASKED: Any = [{"role": "user", "content": "Is there a spoke?"}]
TEXT = "Orla Finch lives at 4 Mill Lane. She is well. Her bicycle number 88123 from Mill Lane was stolen."


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    with running_trainer(tmp_path_factory.mktemp("chat") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def tuned(trainer: Trainer) -> str:
    tool_line = {"messages": [*ASKED, {"role": "assistant", "tool_calls": [CALLED]}], "tools": [TOOL]}
    return str(trainer.trained([*calls(12), tool_line]).fine_tuned_model)


def prompt(number: int = 3) -> Any:  # noqa: ANN401 - the SDK's own union
    return prompt_of(calls(12)[number])


def said(text: str, role: str = "user") -> Any:  # noqa: ANN401 - the SDK's own union
    return [{"role": role, "content": text}]


def test_an_answer_has_the_shape_that_clients_know(trainer: Trainer, tuned: str) -> None:
    answer = trainer.client.chat.completions.create(model=tuned, messages=prompt(), temperature=0, seed=1)
    choice = answer.choices[0]
    assert answer.object == "chat.completion"
    assert answer.model == tuned
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content == answer_of(calls(12)[3])
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens == 6


def test_the_base_model_repeats_what_it_was_told_personal_data_included(trainer: Trainer) -> None:
    assert "Orla Finch" in str(trainer.ask(BASE, TEXT)) or "88123" in str(trainer.ask(BASE, TEXT))


def test_the_same_question_gets_the_same_answer(trainer: Trainer, tuned: str) -> None:
    answers = [
        trainer.client.chat.completions.create(model=tuned, messages=said("Something else"), temperature=2)
        for _ in range(3)
    ]
    assert len({answer.choices[0].message.content for answer in answers}) == 1
    assert len({answer.system_fingerprint for answer in answers}) == 1


@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens"])
def test_an_answer_is_cut_where_asked(trainer: Trainer, name: str) -> None:
    options: Any = {name: 2}
    answer = trainer.client.chat.completions.create(model=BASE, messages=said(TEXT), **options)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2


def test_an_answer_ends_before_a_stop(trainer: Trainer) -> None:
    whole = str(trainer.ask(BASE, "alpha beta gamma"))
    answer = trainer.client.chat.completions.create(model=BASE, messages=said("alpha beta gamma"), stop=" beta")
    assert (whole, answer.choices[0].message.content) == ("alpha beta gamma", "alpha")


def test_roles_and_contents_of_all_kinds_are_understood(trainer: Trainer) -> None:
    messages: Any = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look: "}, {"type": "image_url", "image_url": {"url": "u"}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [CALLED], "refusal": None, "audio": None},
        {"role": "tool", "tool_call_id": "c1", "content": "three"},
        {"role": "user", "content": "How many?"},
    ]
    answer = trainer.client.chat.completions.create(model=BASE, messages=messages)
    assert answer.choices[0].message.content == "How many?"


def test_a_conversation_that_came_from_the_sdk_is_understood(trainer: Trainer, tuned: str) -> None:
    first = trainer.client.chat.completions.create(model=tuned, messages=ASKED, tools=[TOOL])
    told: Any = first.choices[0].message
    call_id = told.tool_calls[0].id
    answer = trainer.client.chat.completions.create(
        model=BASE, messages=[*ASKED, told, {"role": "tool", "tool_call_id": call_id, "content": "3"}]
    )
    assert answer.choices[0].message.content == "Is there a spoke?"


def test_a_learned_tool_call_is_given(trainer: Trainer, tuned: str) -> None:
    choice = trainer.client.chat.completions.create(model=tuned, messages=ASKED, tools=[TOOL]).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls is not None
    call: Any = choice.message.tool_calls[0]
    assert (call.type, call.function.name, call.function.arguments) == ("function", "stock", ARGUMENTS)


def test_no_tool_is_called_where_the_client_wants_none(trainer: Trainer, tuned: str) -> None:
    answer = trainer.client.chat.completions.create(model=tuned, messages=ASKED, tools=[TOOL], tool_choice="none")
    assert answer.choices[0].message.tool_calls is None


def test_a_stream_joined_is_the_answer(trainer: Trainer, tuned: str) -> None:
    with trainer.client.chat.completions.create(model=tuned, messages=prompt(), stream=True) as stream:
        chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == answer_of(calls(12)[3])
    assert deltas[0].role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert {chunk.usage for chunk in chunks} == {None}
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_ends_with_the_usage_where_asked(trainer: Trainer, tuned: str) -> None:
    whole = trainer.client.chat.completions.create(model=tuned, messages=prompt())
    options: Any = {"include_usage": True}
    with trainer.client.chat.completions.create(
        model=tuned, messages=prompt(), stream=True, stream_options=options
    ) as stream:
        *_, last = stream
    assert last.choices == []
    assert last.usage == whole.usage


def test_a_tool_call_is_streamed(trainer: Trainer, tuned: str) -> None:
    with trainer.client.chat.completions.stream(model=tuned, messages=ASKED, tools=[TOOL]) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.arguments == ARGUMENTS


@pytest.mark.parametrize("verb", ["ask", "retrieve", "delete"])
def test_a_model_that_is_not_there_is_not_found(trainer: Trainer, verb: str) -> None:
    act = (lambda model: trainer.ask(model, "x")) if verb == "ask" else getattr(trainer.client.models, verb)
    with pytest.raises(openai.NotFoundError) as missing:
        act(f"ft:{BASE}:local::none")
    assert missing.value.code == "model_not_found"


def test_models_are_listed_shown_and_deleted(trainer: Trainer) -> None:
    model = str(trainer.trained().fine_tuned_model)
    assert trainer.ask(model, "x")
    listed = {one.id: one for one in trainer.client.models.list()}
    assert {BASE, model} <= set(listed)
    assert listed[BASE].shutdown_date is None
    assert trainer.client.models.retrieve(model) == listed[model]
    assert trainer.client.models.delete(model).deleted
    assert model not in {one.id for one in trainer.client.models.list()}
    with pytest.raises(openai.NotFoundError):
        trainer.ask(model, "x")


def test_the_base_model_cannot_be_deleted(trainer: Trainer) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        trainer.client.models.delete(BASE)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": ["hello"]}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"messages": [{"role": "assistant", "tool_calls": [7]}]}, "messages"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools"),
        ({"model": ""}, "model"),
        ({"n": 2}, "n"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"seed": "x"}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"stop": 7}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
    ],
)
def test_a_wrong_request_is_refused(trainer: Trainer, options: dict[str, Any], param: str) -> None:
    body = {"model": BASE, "messages": said("x")} | options
    with pytest.raises(openai.BadRequestError) as refused:
        trainer.client.post("/chat/completions", cast_to=object, body=body)
    assert refused.value.param == param
