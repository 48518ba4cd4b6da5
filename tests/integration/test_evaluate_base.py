"""An untuned model is measured before anything is trained, and its answers are kept."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_tables import answers
from service.bootstrap import metrics_of
from service.cli.app import run as command
from service.domain.errors import ConfigurationError, NotFound, TooFewExamples, TrainerRefused, TrainerUnreachable
from service.domain.metric_specs import JudgeSpec, LengthSpec
from service.domain.pipelines import VerdictPolicy
from service.domain.runs import RunState as S
from service.ports import BaseEvaluation
from service.usecases.ask_patiently import MOST_ATTEMPTS
from service.usecases.evaluate_base import BaseWanted, evaluate_base
from service.usecases.recompute import Recomputed, recompute_base
from service.usecases.report_evaluation import NoEvaluation
from tests.contract.trainer_process import BASE, KEY, running_trainer
from tests.support.builders import make_pipeline
from tests.support.erasing import ROWS, Installation
from tests.support.fakes import NOON
from tests.support.workshop import Workshop, leaking_answer

USUAL = BaseWanted("summaries")


def measured(shop: Workshop, wanted: BaseWanted = USUAL) -> BaseEvaluation:
    told: list[str] = []
    return evaluate_base(wanted, shop.parts, wait=shop.clock.forward, tell=told.append)


def test_without_any_snapshot_the_held_out_examples_are_frozen_and_asked(shop: Workshop) -> None:
    assert shop.snapshots.recent("summaries", 1) == []
    found = measured(shop)
    (snapshot,) = shop.snapshots.recent("summaries", 2)
    assert found.snapshot_id == snapshot.snapshot_id
    assert found.facts["held_out"] == len(shop.trainer.asked) > 0
    assert found.facts["intervals"]["pii_leak"]["base"]["mean"] == 1.0
    assert set(found.facts["intervals"]) == {"pii_leak", "chrf"}
    assert any(name.startswith("prompt: ") for name in found.facts["slices"])
    assert found.facts["finished"] == {"base": {"stop": found.facts["held_out"]}}
    assert found.facts["sampling"] == {"max_tokens": 1024, "temperature": 0, "top_p": None, "seed": None}
    assert shop.evaluations.base_evaluations("summaries") == [found]
    # No run, and nothing that a later verdict would count as a look.
    assert list(shop.evaluations.earlier_looks("summaries", but="")) == []


def test_a_later_run_does_not_pay_for_the_bases_answers_again(shop: Workshop) -> None:
    measured(shop)
    shop.trainer.asked.clear()
    run = shop.go(shop.train())
    assert run.state == S.PROMOTED
    assert {model for model, _ in shop.trainer.asked} == {"ft:base-model:1"}


def test_it_goes_on_after_short_failures_and_gives_up_after_long_ones(shop: Workshop) -> None:
    shop.trainer.goes_wrong("answer base-model", TrainerUnreachable("reset"), times=2)
    first = measured(shop)
    assert len(set(shop.trainer.asked)) == len(shop.trainer.asked) == first.facts["held_out"]
    shop.fill(60, 120)
    shop.go(shop.start(), S.SNAPSHOTTED)
    shop.trainer.asked.clear()
    shop.trainer.goes_wrong("answer base-model", TrainerUnreachable("reset"), times=100)
    with pytest.raises(TrainerUnreachable):
        measured(shop)
    assert len(shop.evaluations.base_evaluations("summaries")) == 1
    assert MOST_ATTEMPTS > 1


def test_another_model_and_another_snapshot_can_be_measured(shop: Workshop) -> None:
    first = measured(shop)
    shop.fill(60, 120)
    shop.go(shop.start(), S.SNAPSHOTTED)
    shop.trainer.voices["other-model"] = leaking_answer
    other = measured(shop, BaseWanted("summaries", model="other-model", snapshot=first.snapshot_id[:12]))
    assert (other.model, other.snapshot_id) == ("other-model", first.snapshot_id)
    newest = measured(shop)
    assert newest.snapshot_id != first.snapshot_id
    assert [found.evaluation_id for found in shop.evaluations.base_evaluations("summaries")] == [
        newest.evaluation_id,
        *sorted((first.evaluation_id, other.evaluation_id), key=[other.evaluation_id, first.evaluation_id].index),
    ]


def test_what_cannot_be_measured_is_refused(shop: Workshop) -> None:
    shop.pipelines["second"] = make_pipeline("second")
    with pytest.raises(NotFound):
        measured(shop, BaseWanted("unknown"))
    with pytest.raises(NotFound, match="no trainer 'unknown'") as refused:
        measured(shop, BaseWanted("summaries", trainer="unknown"))
    assert refused.value.remedy == f"There are: {', '.join(shop.accounts)}"
    with pytest.raises(TooFewExamples):
        measured(shop, BaseWanted("second"))
    first = measured(shop)
    with pytest.raises(ConfigurationError, match="is of pipeline summaries"):
        measured(shop, BaseWanted("second", snapshot=first.snapshot_id))
    shop.trainer.goes_wrong("answer other", TrainerRefused("no such model"))
    with pytest.raises(TrainerRefused):
        measured(shop, BaseWanted("summaries", model="other"))
    judge = JudgeSpec("box", "judge-1", "Which is better?")
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("careful", ()), metrics={"careful": judge})
    with pytest.raises(ConfigurationError, match="judges alone"):
        measured(shop)
    assert len(shop.evaluations.base_evaluations("summaries")) == 1


def test_a_forgotten_question_leaves_an_empty_place(engine: sa.Engine, redis: Redis, tmp_path: Path) -> None:
    here = Installation(engine, redis, tmp_path)
    for number in range(ROWS):
        here.label(number)
    here.desk.convert()
    made = measured(here.shop)
    here.forget(here.row_in("held_out"))
    (found,) = here.shop.evaluations.base_evaluations("summaries")
    assert made.facts["questions"].count("") == 0
    assert found.facts["questions"].count("") == 1


def test_evaluations_of_bases_are_kept_in_both_databases(engine: sa.Engine) -> None:
    store = SqlEvaluationStore(engine)
    made = BaseEvaluation("eval-1", "p", "box", "m", "s" * 64, {"scores": {"chrf": {"base": [0.5]}}}, NOON)
    store.add_base(made)
    assert store.base_evaluations("p") == [made]
    assert store.base_evaluations("q") == []


# Measured again from what is stored.


def again(shop: Workshop, wanted: BaseWanted = USUAL) -> Recomputed:
    shop.trainer.asked.clear()
    found = recompute_base(wanted, shop, metrics_of)
    assert shop.trainer.asked == []
    return found


def test_every_number_of_a_base_is_had_again_by_the_rules_of_its_time(shop: Workshop) -> None:
    own = {"short": LengthSpec(max_words=8), "careful": JudgeSpec("box", "judge-1", "Which is better?")}
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("short", ("chrf", "careful")), metrics=own)
    shop.trainer.finishes["base-model"] = lambda prompt: "length" if prompt.startswith("Chat 1") else "stop"
    made = measured(shop)
    assert made.facts["unfinished"]["base"] == made.facts["scores"]["chrf"]["base"].count(0.0) > 0
    shop.pipelines.clear()
    found = again(shop)
    assert (found.name, found.is_equal, found.gone) == (made.evaluation_id, True, 0)
    assert found.values > 2 * made.facts["held_out"]


def test_the_newest_that_is_wanted_is_measured_again(shop: Workshop) -> None:
    first = measured(shop)
    shop.trainer.voices["other-model"] = leaking_answer
    shop.clock.forward(1)
    other = measured(shop, BaseWanted("summaries", model="other-model"))
    assert again(shop).name == other.evaluation_id
    assert again(shop, BaseWanted("summaries", model="base-model")).name == first.evaluation_id
    with pytest.raises(NoEvaluation):
        again(shop, BaseWanted("summaries", snapshot="0000"))


def test_an_answer_of_a_base_that_was_changed_or_removed_shows(shop: Workshop) -> None:
    made = measured(shop)
    first = answers.c.question == made.facts["questions"][0]
    with shop.engine.begin() as connection:
        connection.execute(sa.update(answers).where(first).values(text="Nothing of the kind."))
    assert "scores.pii_leak.base[0]" in [difference.path for difference in again(shop).differences]
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(answers).where(first))
    found = again(shop)
    assert (found.gone, found.is_equal, found.differences) == (1, False, ())


# The command, against our own server.

CONFIGURATION = """
[trainers.box]
dialect = "tuneloop"
base_url = "{url}"
api_key_env = "BOX_KEY"
[pipelines.summaries.labels]
project = "project-1"
[pipelines.summaries.train]
model = "{base}"
trainer = "box"
"""


@pytest.fixture
def typed(shop: Workshop, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Give the workshop, whose database and files the commands read; there is no Redis."""
    monkeypatch.setenv("TUNELOOP_CONFIG", str(tmp_path / "tuneloop.toml"))
    monkeypatch.setenv("TUNELOOP_DATA", str(tmp_path))
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TUNELOOP_FILES_URL", str(tmp_path / "files"))
    monkeypatch.setenv("BOX_KEY", KEY)
    monkeypatch.delenv("TUNELOOP_REDIS_URL", raising=False)
    return shop


def test_the_command_measures_through_the_sdk_and_prints_numbers_but_no_texts(
    typed: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_trainer(tmp_path / "trainer") as trainer:
        (tmp_path / "tuneloop.toml").write_text(CONFIGURATION.format(url=trainer.base_url, base=BASE))
        assert command(["evaluate", "summaries", "--base"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{BASE} at box, untuned\n")
    assert "pii_leak, base: " in shown
    assert "@example.com" not in shown
    (stored,) = typed.evaluations.base_evaluations("summaries")
    # Everything is answered: the server is gone, and the numbers are the same.
    assert command(["evaluate", "summaries", "--base", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"] == stored.facts
    assert command(["evaluate", "unknown", "--base"]) == 1
    assert command(["evaluate", "summaries", "--base", "--recompute", "--model", BASE]) == 0
    assert capsys.readouterr().out.startswith("equal: all ")
    assert command(["evaluate", "summaries", "--base", "--recompute", "--model", "another"]) == 1
    assert command(["evaluate", "run-1", "--recompute", "--model", "m"]) == 2
    assert command(["evaluate", "run-1", "--model", "m"]) == 2
