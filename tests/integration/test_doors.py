"""Everything that a run passes before it starts: by itself, and when a person starts it."""

import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.budgets import Price
from service.domain.pipelines import Budget, Pipeline, TriggerPolicy
from service.domain.runs import RunState, Step
from service.domain.triggers import Decision
from service.usecases.doors import weigh
from service.usecases.start_run import RunNotStarted, start_by_hand, start_if_due
from service.usecases.warn import warn
from tests.support.builders import make_pipeline, make_run
from tests.support.fakes import ManualClock
from tests.support.purses import estimate_of
from tests.support.starting import start_one
from tests.support.workshop import EXPENSIVE, Workshop

S = RunState


@pytest.fixture
def dear(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    """A workshop whose runs cost some thousands of dollars."""
    made = Workshop(sqlite_engine, tmp_path / "files", price=EXPENSIVE)
    made.fill()
    return made


def decision_of(shop: Workshop) -> Decision:
    return weigh(shop.pipelines["summaries"], shop, now=shop.clock.now)[1]


def codes(shop: Workshop) -> list[str]:
    return [reason.code for reason in decision_of(shop).reasons]


def note(shop: Workshop, code: str) -> Any:  # noqa: ANN401 - the facts of a reason
    (found,) = [note.facts for note in decision_of(shop).notes if note.code == code]
    return found


def adapt(shop: Workshop, **policies: Any) -> Pipeline:  # noqa: ANN401 - the fields of Pipeline
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], **policies)
    return shop.pipelines["summaries"]


def fail(shop: Workshop, *, cause: str = "threshold", state: RunState = S.FAILED) -> None:
    """Let a run begin, by itself unless told otherwise, and end."""
    shop.clock.forward(60)
    ordinal = shop.examples.counts("summaries").last_run + 1
    run = shop.runs.claim(make_run(f"run-{ordinal}", ordinal=ordinal, cause=cause, watermark=0))
    assert run is not None
    if state == S.KEPT:
        for between in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.EVALUATING):
            run = shop.runs.record(run, Step(between, "x"), now=shop.clock.now)
    shop.runs.record(run, Step(state, "x"), now=shop.clock.now)


# The estimate before there is a snapshot.


def test_what_a_run_would_cost_is_known_before_there_is_a_snapshot_and_is_what_it_then_is(dear: Workshop) -> None:
    adapt(dear, system="Summarize this in a friendly way.")
    told = note(dear, "estimate")
    run = dear.go(dear.start(), S.UPLOADED)
    # These examples have no duplicates, and were appraised with the pipeline's own counter.
    found = run.fact("estimate")
    assert {name: found[name] for name in ("usd", "tokens", "epochs")} == told
    assert told["usd"] == told["tokens"] * told["epochs"]


def test_the_estimate_follows_the_examples(dear: Workshop) -> None:
    before = note(dear, "estimate")
    dear.fill(60, 90)
    after = note(dear, "estimate")
    assert after["tokens"] > before["tokens"]
    dear.fill(60, 90, answer=lambda _: "It is late, and the customer is not happy about it at all.")
    assert note(dear, "estimate")["tokens"] > after["tokens"]


def test_without_training_examples_there_is_nothing_to_estimate(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path, price=EXPENSIVE)
    assert decision_of(shop).notes == ()


# Budgets.


@pytest.mark.parametrize("where", ["all", "trainer:box", "pipeline:summaries"])
@pytest.mark.parametrize(
    ("limits", "code"), [({"run_usd": 1.0}, "over_run_budget"), ({"month_usd": 1.0}, "over_month_budget")]
)
def test_a_run_that_would_fit_no_budget_is_not_even_opened(
    dear: Workshop, where: str, limits: dict[str, float], code: str
) -> None:
    budget = Budget(**limits)
    if where == "all":
        dear.overall_budget = budget
    elif where == "trainer:box":
        dear.accounts["box"] = replace(dear.accounts["box"], budget=budget)
    else:
        adapt(dear, budget=budget)
    (reason,) = decision_of(dear).reasons
    assert (reason.code, reason.facts["budget"], reason.facts["limit_usd"]) == (code, where, 1.0)
    assert f"{reason.facts['usd']:.2f} USD" in reason.text
    assert start_if_due(dear.pipelines["summaries"], dear, clock=dear.clock)[1] is None
    with pytest.raises(RunNotStarted, match="USD"):
        dear.start()
    assert dear.runs.recent(None, 10) == []


def test_what_others_have_set_aside_or_paid_this_month_is_not_left(dear: Workshop) -> None:
    usd = note(dear, "estimate")["usd"]
    dear.overall_budget = Budget(month_usd=usd + 10)
    assert codes(dear) == []
    other = make_run("run-other", trainer="elsewhere", pipeline="other")
    dear.ledger.reserve(other, estimate_of(11), (), now=dear.clock.now)
    assert codes(dear) == ["over_month_budget"]
    dear.ledger.bill(other, 10, tokens=1, note="x", now=dear.clock.now)
    assert codes(dear) == []


def test_a_run_that_only_needs_approval_is_opened_and_waits(dear: Workshop) -> None:
    adapt(dear, budget=Budget(approve_above_usd=5))
    assert codes(dear) == []
    assert note(dear, "needs_approval")["limit_usd"] == 5
    run = start_if_due(dear.pipelines["summaries"], dear, clock=dear.clock)[1]
    assert run is not None
    run = dear.go(run.run_id)
    assert run.state == S.AWAITING_APPROVAL
    reason = next(reason for reason in decision_of(dear).reasons if reason.code == "awaiting_approval")
    assert reason.facts == {"run": run.run_id, "state": "awaiting_approval", "usd": run.fact("estimate")["usd"]}
    assert f"runs approve {run.run_id}" in reason.text


def test_a_model_without_a_price_under_a_budget_is_opened_and_waits(shop: Workshop) -> None:
    shop.overall_budget = Budget(month_usd=5)
    assert codes(shop) == []
    assert note(shop, "no_price") == {"budgets": ["all"]}
    run = shop.go(shop.start())
    assert run.state == S.AWAITING_APPROVAL
    awaiting = next(reason for reason in decision_of(shop).reasons if reason.code == "awaiting_approval")
    assert (awaiting.facts["usd"], "at an unknown price" in awaiting.text) == (None, True)


def test_a_model_that_costs_nothing_needs_nobody(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path, price=Price(0.0, EXPENSIVE.as_of))
    shop.fill()
    shop.overall_budget = Budget(run_usd=0, month_usd=0, approve_above_usd=0)
    assert codes(shop) == []
    assert shop.go(shop.start(), S.UPLOADED).state == S.UPLOADED


def test_a_month_that_is_nearly_spent_is_noted(dear: Workshop) -> None:
    dear.overall_budget = Budget(month_usd=1e6, warn_percent=50)
    dear.ledger.bill(make_run("run-other", pipeline="other"), 5e5, tokens=1, note="x", now=dear.clock.now)
    assert note(dear, "budget_near") == {"budget": "all", "spent_usd": 5e5, "limit_usd": 1e6}
    assert codes(dear) == []


# The breaker.


def test_after_failures_in_a_row_no_run_starts_by_itself_until_one_by_hand_does_not_fail(shop: Workshop) -> None:
    adapt(shop, trigger=replace(shop.pipelines["summaries"].trigger, max_failures=3))
    for _ in range(2):
        fail(shop)
        assert codes(shop) == []
    fail(shop, state=S.CANCELLED)
    fail(shop)
    (reason,) = decision_of(shop).reasons
    assert (reason.code, reason.facts) == ("breaker_open", {"failures": 3, "limit": 3})
    assert start_if_due(shop.pipelines["summaries"], shop, clock=shop.clock)[1] is None
    fail(shop, cause="by hand")
    assert decision_of(shop).reasons[0].facts == {"failures": 4, "limit": 3}
    run_id = shop.start()
    assert "breaker_open" not in codes(shop)
    shop.go(run_id, S.SUBMITTED)
    shop.finish_job()
    shop.go(run_id)
    shop.fill(60, 80)
    assert codes(shop) == []


@pytest.mark.parametrize("end", [S.KEPT, S.CANCELLED])
def test_a_run_by_hand_that_does_not_fail_closes_the_breaker(shop: Workshop, end: RunState) -> None:
    for _ in range(5):
        fail(shop)
    assert codes(shop) == ["breaker_open"]
    fail(shop, cause="by hand", state=end)
    assert codes(shop) == []


def test_a_breaker_can_be_switched_off(shop: Workshop) -> None:
    adapt(shop, trigger=replace(shop.pipelines["summaries"].trigger, max_failures=0))
    for _ in range(5):
        fail(shop)
    assert codes(shop) == []


# By hand.


def test_a_person_is_told_every_door_that_is_shut_and_none_that_is_only_for_runs_that_start_by_themselves(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = Workshop(sqlite_engine, tmp_path, price=EXPENSIVE)
    shop.fill(0, 8)
    for _ in range(3):
        fail(shop)
    patient = TriggerPolicy(threshold=1000, quiet=timedelta(hours=1), max_wait=timedelta(days=1))
    pipeline = adapt(shop, trigger=patient, budget=Budget(run_usd=0.5))
    shop.runs.claim(make_run("run-open", ordinal=9))
    shut = {reason.code: reason.text for reason in decision_of(shop).reasons}
    only_by_itself = {"below_threshold", "not_quiet", "cooldown", "breaker_open"}
    assert only_by_itself < shut.keys()
    with pytest.raises(RunNotStarted) as refused:
        start_by_hand(pipeline, shop, clock=shop.clock)
    for code, text in shut.items():
        assert (text in str(refused.value)) is (code not in only_by_itself), code
    assert {"run_open", "too_few_training", "too_few_held_out", "over_run_budget"} < shut.keys()


# One crossing, one run.


@pytest.mark.parametrize("by_hand", [False, True])
def test_of_processes_that_find_a_run_due_at_once_one_opens_it(
    engine: sa.Engine,
    database_url: str,
    tmp_path: Path,
    by_hand: bool,  # noqa: FBT001
) -> None:
    shop = Workshop(engine, tmp_path)
    shop.fill()
    start = partial(start_one, by_hand=by_hand)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        found = pool.starmap(start, [(database_url, str(tmp_path))] * 9)
    (started,) = [run_id for run_id in found if run_id is not None]
    (run,) = shop.runs.recent(None, 10)
    assert (run.run_id, run.ordinal) == (started, 1)


# Telling people.


def notices(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT kind, key FROM notices ORDER BY kind, key"))
        # Those of the runs themselves are not what is looked at here.
        return [(row.kind, row.key) for row in rows if row.kind in {"budget_near", "breaker_open"}]


def test_people_hear_once_a_month_of_a_budget_that_is_nearly_spent(dear: Workshop, sqlite_engine: sa.Engine) -> None:
    dear.overall_budget = Budget(month_usd=100)
    dear.accounts["box"] = replace(dear.accounts["box"], budget=Budget(month_usd=1000))
    assert warn(dear.pipelines, dear, now=dear.clock.now) == 0
    dear.ledger.bill(make_run("run-1"), 80, tokens=1, note="x", now=dear.clock.now)
    assert [warn(dear.pipelines, dear, now=dear.clock.now) for _ in range(2)] == [1, 0]
    december = datetime(2026, 12, 5, tzinfo=UTC)
    dear.ledger.bill(make_run("run-2"), 90, tokens=1, note="x", now=december)
    assert warn(dear.pipelines, dear, now=december) == 1
    assert notices(sqlite_engine) == [("budget_near", "all 2026-11"), ("budget_near", "all 2026-12")]


def test_people_hear_of_an_open_breaker_and_of_each_failure_after_it(shop: Workshop, sqlite_engine: sa.Engine) -> None:
    for _ in range(3):
        assert warn(shop.pipelines, shop, now=shop.clock.now) == 0
        fail(shop)
    assert [warn(shop.pipelines, shop, now=shop.clock.now) for _ in range(2)] == [1, 0]
    fail(shop, cause="by hand")
    assert warn(shop.pipelines, shop, now=shop.clock.now) == 1
    assert notices(sqlite_engine) == [("breaker_open", "summaries 3"), ("breaker_open", "summaries 4")]


def test_another_pipelines_failures_are_its_own(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    pipelines = {name: make_pipeline(name) for name in ("summaries", "other")}
    shop = Workshop(sqlite_engine, tmp_path, pipelines=pipelines, clock=ManualClock())
    for _ in range(3):
        fail(shop)
    assert "breaker_open" not in [
        reason.code for reason in weigh(pipelines["other"], shop, now=shop.clock.now)[1].reasons
    ]
