"""What people are told to do: with real names, and with commands that work as they stand."""

import re
from collections.abc import Iterator

import pytest

from service.domain.errors import ServiceError, TooFewExamples, TrainerRefused
from service.domain.outcomes import REFUSALS, remedy_of_failure
from service.domain.remedies import remedy_for, start_command
from service.domain.runs import RETRAINING, Run, RunState
from service.web.pages.commands import commands_for, commands_for_letter
from tests.support.builders import make_run
from tests.support.typed import commands_in, parsed

RUN = make_run("run-1", pipeline="summaries", snapshot_id="5a" * 32, trainer="box", model="base")
PLACES = re.compile(r"\b(RUN|PIPELINE|SNAPSHOT|LETTER|ID)\b|\[(pipelines|trainers)\.NAME")


def errors_under(error: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for child in error.__subclasses__():
        if child.__module__.startswith("service."):
            yield child
            yield from errors_under(child)


ERRORS = sorted(set(errors_under(ServiceError)), key=lambda error: error.__name__)


def require_commands(text: str) -> None:
    """Require that each command can be typed, and that no option follows that it does not know."""
    for words in commands_in(text):
        whole = parsed(words)
        assert whole is not None, words
        following = words[len(whole) : len(whole) + 1]
        assert not [word for word in following if word.startswith("-")], words


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_remedy_names_commands_that_there_are(error: type[ServiceError]) -> None:
    require_commands(error.remedy)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_remedy_of_a_run_names_the_run_itself(error: type[ServiceError], *, ended: bool) -> None:
    remedy = remedy_for(RUN, error.remedy, ended=ended)
    require_commands(remedy)
    if error.__module__ == "service.domain.errors":
        assert PLACES.search(remedy.replace("tuneloop dead-letters replay LETTER", "")) is None


@pytest.mark.parametrize("code", [*REFUSALS, None, "moderation"])
def test_what_follows_from_an_answer_of_a_trainer_can_be_pasted(code: str | None) -> None:
    remedy = remedy_for(RUN, remedy_of_failure(code, []), ended=True)
    require_commands(remedy)
    assert PLACES.search(remedy) is None


def test_a_run_that_ended_is_started_anew_and_one_that_waits_goes_on() -> None:
    ended = remedy_for(RUN, TrainerRefused.remedy, ended=True)
    assert ended.endswith("start another: tuneloop runs start summaries.")
    assert remedy_for(RUN, TrainerRefused.remedy, ended=False).endswith("let it go on: tuneloop runs approve run-1.")
    assert "[pipelines.summaries.dataset]" in remedy_for(RUN, TooFewExamples.remedy, ended=True)


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({}, "summaries"),
        ({"tuned_model": "ft:1"}, "summaries --again"),
        ({"facts": {"again": True}}, "summaries --again"),
        ({"cause": RETRAINING}, f"--snapshot {'5a' * 8} --trainer box --model base"),
        ({"facts": {"despite_sunset": True}}, "summaries --despite-sunset"),
    ],
)
def test_another_run_is_started_by_a_command_that_nothing_refuses(fields: dict[str, object], command: str) -> None:
    run = make_run(**{"pipeline": "summaries", "snapshot_id": "5a" * 32, "trainer": "box", "model": "base"} | fields)
    assert start_command(run) == f"tuneloop runs start {command}"
    require_commands(start_command(run))


@pytest.mark.parametrize("code", ["model_not_found", "model_not_available"])
def test_a_model_that_the_trainer_does_not_train_is_never_started_again(code: str) -> None:
    remedy = remedy_of_failure(code, [])
    run = make_run(cause=RETRAINING, model="bse", trainer="box", snapshot_id="5a")
    retraining = remedy_for(run, remedy, ended=True)
    assert retraining.endswith("tuneloop runs start --snapshot 5a --trainer box --model MODEL.")
    assert "bse" not in retraining
    assert "correct model in [pipelines.summaries.train]" in remedy_for(RUN, remedy, ended=True)


@pytest.mark.parametrize("state", RunState)
def test_the_pages_commands_can_be_typed(state: RunState) -> None:
    run: Run = make_run("run-1", pipeline="summaries", state=state)
    for line, _ in commands_for(run):
        assert parsed(line.split()[1:]) == line.split()[1:]


@pytest.mark.parametrize("kind", ["delivery", "notice", "run", "aftermath", "deployment", "orphan", "file", "row"])
def test_the_pages_commands_about_a_letter_can_be_typed(kind: str) -> None:
    for command in commands_for_letter(kind, "0123456789abcdef", "run-1"):
        words = command.line.split()[1:]
        assert parsed(words) == words


@pytest.mark.parametrize("text", ["tuneloop runs begin p", "tuneloop runs approve", "tuneloop runs"])
def test_a_command_that_there_is_not_would_be_seen(text: str) -> None:
    assert [parsed(words) for words in commands_in(text)] == [None]
