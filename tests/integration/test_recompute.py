"""An evaluation is had again from what is stored: every number, and nobody is asked anything."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from redis import Redis

from service.adapters.sql_tables import answers, evaluations
from service.bootstrap import metrics_of
from service.cli.app import run as command
from service.domain.errors import MetricFailed
from service.domain.metric_specs import JudgeSpec, LengthSpec, RegexSpec
from service.domain.pipelines import VerdictPolicy
from service.usecases.recompute import Recomputed, TooOld, recompute
from service.usecases.report_evaluation import NoEvaluation
from tests.support.builders import make_pipeline
from tests.support.erasing import ROWS, Installation
from tests.support.report_stores import half_leaking
from tests.support.workshop import Workshop

CONFIGURATION = '[pipelines.summaries]\nlabels.project = "cl1"\ntrain.model = "gpt-4.1-mini-2025-04-14"\n'
JUDGE = JudgeSpec("box", "judge-1", "Which is better?")


@pytest.fixture
def judged(shop: Workshop) -> str:
    """Give a run against a champion, by a judge and by metrics of the configuration."""
    own = {"careful": JUDGE, "short": LengthSpec(max_words=8), "no_mail": RegexSpec("@", must="not_match")}
    verdict = VerdictPolicy("careful", ("short", "no_mail", "chrf"), guard_margin={"short": 5.0})
    shop.pipelines["summaries"] = make_pipeline(verdict=verdict, metrics=own)
    shop.trainer.voices["judge-1"] = prefers_no_address
    shop.go(shop.train())
    shop.fill(60, 90)
    run = shop.go(shop.train(2, voice=half_leaking))
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert evaluation["incumbent"] == "champion"
    shop.trainer.asked.clear()
    return run.run_id


def prefers_no_address(shown: str) -> str:
    first, second = shown.split("--- ANSWER A ")[1].split("--- ANSWER B ")
    return {(False, True): "A", (True, False): "B"}.get(("@" in first, "@" in second), "tie")


def again(shop: Workshop, run_id: str) -> Recomputed:
    found = recompute(run_id, shop, metrics_of)
    assert shop.trainer.asked == []
    return found


def test_every_number_follows_from_stored_answers(shop: Workshop, judged: str) -> None:
    found = again(shop, judged)
    assert (found.is_equal, found.differences, found.gone) == (True, (), 0)
    stored = shop.evaluations.evaluation(judged)
    assert stored is not None
    assert found.values > 4 * 3 * stored["held_out"]


def test_it_is_judged_by_the_rules_of_its_time(shop: Workshop, judged: str) -> None:
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("exact_match", (), alpha=0.5))
    assert again(shop, judged).is_equal
    shop.pipelines.clear()
    assert again(shop, judged).is_equal


def test_an_answer_that_was_changed_afterwards_shows(shop: Workshop) -> None:
    run_id = shop.go(shop.train()).run_id
    shop.trainer.asked.clear()
    with shop.engine.begin() as connection:
        mine = answers.c.model == "box/base-model"
        connection.execute(sa.update(answers).where(mine).values(text="Nothing of the kind."))
    found = again(shop, run_id)
    assert not found.is_equal
    assert "scores.pii_leak.base[0]" in [difference.path for difference in found.differences]
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(answers).where(mine))
    assert (again(shop, run_id).gone, again(shop, run_id).is_equal) == (held_out(shop, run_id), False)


def test_an_answer_that_a_judge_never_saw_is_refused(shop: Workshop, judged: str) -> None:
    with shop.engine.begin() as connection:
        mine = answers.c.model == "box/ft:base-model:2"
        connection.execute(sa.update(answers).where(mine).values(text="x"))
    with pytest.raises(MetricFailed, match="was not asked about every answer"):
        again(shop, judged)


def held_out(shop: Workshop, run_id: str) -> int:
    stored = shop.evaluations.evaluation(run_id)
    assert stored is not None
    return int(stored["held_out"])


def test_a_number_that_was_changed_afterwards_is_named(shop: Workshop, judged: str) -> None:
    stored = shop.evaluations.evaluation(judged)
    assert stored is not None
    changed: dict[str, Any] = json.loads(json.dumps({name: stored[name] for name in stored if name != "at"}))
    changed["intervals"]["chrf"]["base"]["mean"] += 0.001
    changed["outcome"] = "no such outcome"
    with shop.engine.begin() as connection:
        connection.execute(sa.update(evaluations).where(evaluations.c.run_id == judged).values(facts=changed))
    found = again(shop, judged)
    assert not found.is_equal
    assert [difference.path for difference in found.differences] == ["intervals.chrf.base.mean", "outcome"]


def test_what_was_forgotten_is_counted_and_the_rest_compared(
    sqlite_engine: sa.Engine, redis: Redis, tmp_path: Path
) -> None:
    here = Installation(sqlite_engine, redis, tmp_path)
    for number in range(ROWS):
        here.label(number)
    here.desk.convert()
    run_id = here.shop.go(here.shop.train()).run_id
    here.forget(here.row_in("held_out"))
    found = recompute(run_id, here.shop, metrics_of)
    assert (found.gone, found.differences, found.is_equal) == (1, (), False)
    assert found.values > 0


def test_an_evaluation_without_its_rules_is_refused(shop: Workshop, judged: str) -> None:
    stored = shop.evaluations.evaluation(judged)
    assert stored is not None
    old = {name: stored[name] for name in stored if name not in {"at", "rules"}}
    with shop.engine.begin() as connection:
        connection.execute(sa.update(evaluations).where(evaluations.c.run_id == judged).values(facts=old))
    with pytest.raises(TooOld, match="does not hold its rules"):
        again(shop, judged)
    with pytest.raises(NoEvaluation):
        again(shop, shop.start())


# The command.


@pytest.fixture
def typed(shop: Workshop, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Give the workshop, with a configuration for commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNELOOP_CONFIG", raising=False)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TUNELOOP_FILES_URL", str(tmp_path / "files"))
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    return shop


def test_the_command_says_equal_or_what_differs(
    typed: Workshop, judged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["evaluate", judged, "--recompute"]) == 0
    assert capsys.readouterr().out.startswith("equal: all ")
    assert command(["evaluate", judged]) == 0
    shown = capsys.readouterr().out
    assert "chrf, challenger: " in shown
    assert "@example.com" not in shown
    stored = typed.evaluations.evaluation(judged)
    assert stored is not None
    changed = {**{name: stored[name] for name in stored if name != "at"}, "incumbent": "base"}
    with typed.engine.begin() as connection:
        connection.execute(sa.update(evaluations).where(evaluations.c.run_id == judged).values(facts=changed))
    capsys.readouterr()
    assert command(["evaluate", judged, "--recompute", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["differences"]) == (
        False,
        [{"path": "incumbent", "stored": "base", "again": "champion"}],
    )
    assert command(["evaluate", "run-unknown", "--recompute"]) == 1
