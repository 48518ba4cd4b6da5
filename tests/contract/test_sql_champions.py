"""Who serves, and the history of it, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_engine import make_engine, migrate
from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_outbox import SqlOutbox
from service.adapters.sql_runs import SqlRunStore
from service.domain.errors import ChampionMoved
from service.domain.reigns import Grounds
from service.domain.runs import Run, RunState, Step
from service.ports import BaseEvaluation
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.races import at_once

S = RunState
JUDGED = {"outcome": "better", "sentence": "It is better.", "held_out": 40, "incumbent": "base", "system": "Be short."}


@pytest.fixture
def champions(engine: sa.Engine) -> SqlEvaluationStore:
    return SqlEvaluationStore(engine)


def kept(number: int) -> Run:
    return make_run(f"run-{number}", ordinal=number, state=S.KEPT, tuned_model=f"ft:{number}")


def position(store: SqlEvaluationStore) -> int:
    champion = store.champion("summaries")
    assert champion is not None
    return int(champion["position"])


def serving(store: SqlEvaluationStore) -> str:
    champion = store.champion("summaries")
    assert champion is not None
    return str(champion["run_id"])


def test_the_history_says_who_decided_why_and_on_what_evidence(champions: SqlEvaluationStore) -> None:
    grounds = Grounds("by hand", {"outcome": "better"}, by="ada", reason="the team read \x00 fifty")
    champions.promote(kept(1), "by hand", now=NOON, grounds=grounds)
    (row,) = champions.champion_history("summaries")
    assert (row["decided"], row["decided_by"], row["evidence"]) == ("by hand", "ada", {"outcome": "better"})
    assert row["reason"] == "the team read \ufffd fifty"
    champion = champions.champion("summaries")
    assert champion is not None
    assert (champion["position"], champion["evidence"]) == (row["position"], row["evidence"])


def test_a_verdict_leaves_its_evidence_with_the_champion(engine: sa.Engine, champions: SqlEvaluationStore) -> None:
    runs = SqlRunStore(engine)
    run = runs.claim(make_run(tuned_model="ft:1", snapshot_id="5a"))
    assert run is not None
    for state in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.EVALUATING):
        run = runs.record(run, Step(state, "x"), now=NOON)
    evaluation = {**JUDGED, "look": {"number": 3}, "judged_against": None}
    champions.conclude(run, Step(S.PROMOTED, "It is better."), evaluation, now=NOON)
    champion = champions.champion("summaries")
    assert champion is not None
    assert champion["evidence"] == {**JUDGED, "look": 3, "run_id": "run-1", "snapshot_id": "5a"}
    assert champions.champion_history("summaries")[0]["decided"] == "automatic"


@pytest.mark.parametrize("ends_as", [S.PROMOTED, S.KEPT])
@pytest.mark.parametrize("first", [True, False])
def test_a_verdict_against_another_champion_counts_for_nothing_and_leaves_nothing(
    engine: sa.Engine, champions: SqlEvaluationStore, ends_as: RunState, *, first: bool
) -> None:
    judged_against = None
    if not first:
        champions.promote(kept(7), "by hand", now=NOON)
        judged_against = position(champions)
    champions.promote(kept(8), "by hand", now=NOON)
    runs = SqlRunStore(engine)
    run = runs.claim(make_run(tuned_model="ft:1"))
    assert run is not None
    for state in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.EVALUATING):
        run = runs.record(run, Step(state, "x"), now=NOON)
    with pytest.raises(ChampionMoved):
        champions.conclude(run, Step(ends_as, "x"), {**JUDGED, "judged_against": judged_against}, now=NOON)
    assert (runs.get("run-1").state, champions.evaluation("run-1"), serving(champions)) == (S.EVALUATING, None, "run-8")


def test_a_champion_that_left_and_came_back_is_another_reign(champions: SqlEvaluationStore) -> None:
    champions.promote(kept(1), "by hand", now=NOON)
    seen = position(champions)
    for number in (2, 1):
        champions.promote(kept(number), "by hand", now=NOON)
    with pytest.raises(ChampionMoved):
        champions.promote(kept(3), "x", now=NOON, grounds=Grounds("rollback", over=seen))
    assert serving(champions) == "run-1"


def test_promotions_at_once_end_in_one_order_that_the_history_tells(champions: SqlEvaluationStore) -> None:
    at_once(6, lambda index: champions.promote(kept(index + 1), "by hand", now=NOON + timedelta(seconds=index)))
    history = champions.champion_history("summaries")
    assert sorted(row["run_id"] for row in history) == [f"run-{number}" for number in range(1, 7)]
    assert (history[0]["run_id"], history[0]["position"]) == (serving(champions), position(champions))


def test_of_promotions_over_the_same_champion_one_counts(champions: SqlEvaluationStore) -> None:
    def promote(index: int) -> bool:
        try:
            champions.promote(kept(index + 1), "x", now=NOON, grounds=Grounds("automatic", over=None))
        except ChampionMoved:
            return False
        return True

    assert sum(at_once(5, promote)) == 1
    assert len(champions.champion_history("summaries")) == 1


def test_a_champion_that_is_gone_is_noted_once_and_may_come_back(champions: SqlEvaluationStore) -> None:
    champions.promote(kept(1), "by hand", now=NOON)
    champion = champions.champion("summaries")
    assert champion is not None
    assert champions.note_gone(champion, since=NOON, now=NOON)
    assert not champions.note_gone(champion, since=NOON + timedelta(days=1), now=NOON)
    found = champions.champion("summaries")
    assert found is not None
    assert (found["gone_since"], champions.champion_history("summaries")[0]["gone_since"]) == (NOON, NOON)
    assert champions.note_gone(champion, since=None, now=NOON)
    assert not champions.note_gone(champion, since=None, now=NOON)
    assert champions.champion_history("summaries")[0]["gone_since"] is None


def test_a_word_about_a_former_champion_does_not_touch_the_one_that_serves(champions: SqlEvaluationStore) -> None:
    champions.promote(kept(1), "by hand", now=NOON)
    former = champions.champion("summaries")
    assert former is not None
    champions.promote(kept(2), "by hand", now=NOON)
    assert not champions.note_gone(former, since=NOON, now=NOON)
    found = champions.champion("summaries")
    assert found is not None
    assert found["gone_since"] is None


def test_a_champion_is_to_be_named_until_it_was(champions: SqlEvaluationStore) -> None:
    champions.promote(kept(1), "by hand", now=NOON)
    (champion,) = champions.to_be_named()
    assert champions.note_named(champion)
    assert champions.to_be_named() == []
    champions.promote(kept(2), "by hand", now=NOON)
    assert [row["run_id"] for row in champions.to_be_named()] == ["run-2"]


def test_a_name_set_too_late_has_the_one_that_serves_named_anew(champions: SqlEvaluationStore) -> None:
    champions.promote(kept(1), "by hand", now=NOON)
    (former,) = champions.to_be_named()
    champions.promote(kept(2), "by hand", now=NOON)
    (champion,) = champions.to_be_named()
    assert champions.note_named(champion)
    assert not champions.note_named(former)
    assert [row["run_id"] for row in champions.to_be_named()] == ["run-2"]


def test_the_end_of_a_champion_is_told_once(engine: sa.Engine, champions: SqlEvaluationStore) -> None:
    champions.promote(kept(1), "by hand", now=NOON)
    champion = champions.champion("summaries")
    assert champion is not None
    for since in (NOON, NOON, None, NOON):
        champions.note_gone(champion, since=since, now=NOON)
    kinds = [row["kind"] for row in SqlOutbox(engine).recent(10)]
    assert sorted(kinds) == ["champion_changed", "champion_gone"]


def test_a_verdict_without_the_champion_says_that_it_is_gone(engine: sa.Engine, champions: SqlEvaluationStore) -> None:
    champions.promote(kept(7), "by hand", now=NOON)
    runs = SqlRunStore(engine)
    run = runs.claim(make_run(tuned_model="ft:1"))
    assert run is not None
    for state in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.EVALUATING):
        run = runs.record(run, Step(state, "x"), now=NOON)
    evaluation = {**JUDGED, "outcome": "worse", "champion_gone": True, "judged_against": position(champions)}
    champions.conclude(run, Step(S.KEPT, "It is worse."), evaluation, now=NOON)
    found = champions.champion("summaries")
    assert found is not None
    assert found["gone_since"] == NOON


def test_champions_of_before_keep_their_place_and_their_trainer(bare_database_url: str) -> None:
    migrate(bare_database_url, "0013")
    engine = make_engine(bare_database_url)
    crowned = {"pipeline": "summaries", "model": "ft:1", "run_id": "run-1", "promoted_at": NOON.isoformat()}
    with engine.begin() as connection:
        for cause in ("first", "again"):
            connection.execute(
                sa.text(
                    "INSERT INTO champion_history (pipeline, model, run_id, promoted_at, cause) "
                    "VALUES (:pipeline, :model, :run_id, :promoted_at, :cause)"
                ),
                crowned | {"cause": cause},
            )
        connection.execute(
            sa.text(
                "INSERT INTO champions (pipeline, model, trainer, run_id, promoted_at) "
                "VALUES (:pipeline, :model, 'box', :run_id, :promoted_at)"
            ),
            crowned,
        )
    migrate(bare_database_url)
    store = SqlEvaluationStore(engine)
    history = store.champion_history("summaries")
    assert [row["cause"] for row in history] == ["again", "first"]
    assert position(store) == history[0]["position"]
    # Who serves may be replaced by a verdict that was reached against it.
    store.promote(kept(2), "x", now=NOON, grounds=Grounds("automatic", over=position(store)))
    assert serving(store) == "run-2"
    engine.dispose()


@pytest.mark.parametrize("odd", ["a\0b", "half \ud800"])
def test_evaluations_hold_texts_that_no_database_takes(
    engine: sa.Engine, champions: SqlEvaluationStore, odd: str
) -> None:
    """One of them in one evaluation kept every later run of its pipeline from being judged."""
    runs = SqlRunStore(engine)
    run = runs.claim(make_run(tuned_model="ft:1"))
    assert run is not None
    for state in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.EVALUATING):
        run = runs.record(run, Step(state, "x"), now=NOON)
    facts = {"questions": ["k"], "look": {"step": 1.0}, "slices": {f"label: {odd}": {"n": 1}}, "system": odd}
    champions.conclude(run, Step(S.PROMOTED, "It is better."), {**JUDGED, **facts}, now=NOON)
    assert [look.questions for look in champions.earlier_looks("summaries", but="")] == [{"k"}]
    stored = champions.evaluation("run-1")
    assert stored is not None
    assert list(stored["slices"]) == [f"label: {odd}".replace("\0", "\ufffd").encode(errors="replace").decode()]
    champions.add_base(BaseEvaluation("eval-1", "summaries", "box", "base", "5a", facts, NOON))
    assert champions.base_evaluations("summaries")[0].facts["slices"] == stored["slices"]
