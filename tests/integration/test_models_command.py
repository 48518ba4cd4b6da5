"""``tuneloop models``, typed as a user does."""

import json
from pathlib import Path

import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_runs import SqlRunStore
from service.domain.reigns import Grounds
from service.domain.runs import RunState, Step
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.typed import ONE_PIPELINE, Says


def crown(engine: sa.Engine, number: int, *, reason: str | None = None) -> None:
    runs = SqlRunStore(engine)
    claimed = runs.claim(make_run(f"run-{number}", pipeline="p", ordinal=number))
    assert claimed is not None
    ended = runs.record(claimed, Step(RunState.FAILED, "x", changes={"tuned_model": f"ft:{number}"}), now=NOON)
    evidence = {"run_id": f"run-{number}", "outcome": "better", "held_out": 40, "sentence": "It is better."}
    grounds = Grounds("by hand", evidence, by="ada", reason=reason)
    SqlEvaluationStore(engine).promote(ended, "by hand", now=NOON, grounds=grounds)


def test_a_rollback_says_who_serves_and_stands_in_the_history_with_its_reason(
    says: Says, sqlite_engine: sa.Engine
) -> None:
    crown(sqlite_engine, 1)
    crown(sqlite_engine, 2, reason="more careful")
    assert says("models", "rollback", "p", "--reason", "it leaks")[:2] == (0, "ft:1 is the champion of p.\n")
    _, out, _ = says("models", "show", "p")
    assert out.startswith("champion: ft:1\n")
    for words in ("rolled back by hand", ": it leaks", "ada: more careful", "better on 40 held-out examples: It is"):
        assert words in out
    history = json.loads(says("models", "show", "p", "--json")[1])["history"]
    assert (history[0]["decided"], history[0]["reason"]) == ("rollback", "it leaks")


def test_a_rollback_without_an_earlier_champion_says_what_to_do(says: Says, sqlite_engine: sa.Engine) -> None:
    code, _, err = says("models", "rollback", "p")
    assert (code, "NothingBefore" in err, "tuneloop runs list --pipeline p" in err) == (1, True, True)
    assert says("models", "rollback", "q")[0] == 1
    crown(sqlite_engine, 1)
    assert says("models", "rollback", "p")[0] == 1
    assert says("models", "rollback", "p", "--to", "run-9")[0] == 1


def test_a_rollback_says_that_the_trainer_did_not_take_the_stable_name(
    says: Says, sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    (tmp_path / "tuneloop.toml").write_text(ONE_PIPELINE.replace('"generic"', '"tuneloop"'))
    crown(sqlite_engine, 1)
    crown(sqlite_engine, 2)
    code, out, _ = says("models", "rollback", "p")
    assert (code, out.splitlines()[1:]) == (0, ["box did not take the name tuneloop/p yet; the schedule tries again."])


def test_a_promotion_without_evidence_is_refused(says: Says, sqlite_engine: sa.Engine) -> None:
    crown(sqlite_engine, 1)
    code, _, err = says("models", "promote", "run-1")
    assert (code, "NotJudged: run run-1 is failed" in err) == (1, True)


def test_a_champion_that_is_gone_is_shown_with_the_way_back(says: Says, sqlite_engine: sa.Engine) -> None:
    crown(sqlite_engine, 1)
    store = SqlEvaluationStore(sqlite_engine)
    champion = store.champion("p")
    assert champion is not None
    store.note_gone(champion, since=NOON, now=NOON)
    _, out, _ = says("models", "show", "p")
    assert "GONE: it has not answered since" in out
    assert "tuneloop models rollback p" in out
    assert "GONE since" in says("status")[1]


def test_check_tells_of_a_champion_that_is_gone(says: Says, sqlite_engine: sa.Engine) -> None:
    crown(sqlite_engine, 1)
    store = SqlEvaluationStore(sqlite_engine)
    champion = store.champion("p")
    assert champion is not None
    store.note_gone(champion, since=NOON, now=NOON)
    _, out, err = says("check", "--quiet")
    (line,) = [line for line in (out + err).splitlines() if " p champion: " in line]
    assert "does not answer any more" in line
    assert "tuneloop models rollback p" in line


def test_check_tells_whether_the_stable_name_means_the_champion(
    says: Says, sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    written = ONE_PIPELINE.replace('"generic"', '"tuneloop"')
    (tmp_path / "tuneloop.toml").write_text(written)
    crown(sqlite_engine, 1)
    _, out, err = says("check", "--quiet")
    assert "tuneloop/p does not mean yet ft:1" in out + err
    store = SqlEvaluationStore(sqlite_engine)
    assert store.note_named(store.to_be_named()[0])
    _, out, err = says("check")
    assert "tuneloop/p means ft:1" in out + err
