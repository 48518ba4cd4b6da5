"""The budget's door: estimated, set aside, settled."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.budgets import Price
from service.domain.errors import TrainerRefused, TrainerUnreachable
from service.domain.pipelines import Budget
from service.domain.runs import RunState
from service.usecases.clear_run import clear_run
from service.usecases.reconcile_trainer import reconcile_trainer
from service.usecases.steer_run import approve_run, cancel_run
from tests.support.builders import make_run
from tests.support.purses import estimate_of
from tests.support.workshop import EXPENSIVE, TUNED, Workshop

S = RunState


def spend(shop: Workshop) -> float:
    return shop.ledger.spent_this_month("box", now=shop.clock.now)


def priced(engine: sa.Engine, folder: Path, **limits: Any) -> Workshop:  # noqa: ANN401 - the fields of Budget
    shop = Workshop(engine, folder, budget=Budget(**limits), price=EXPENSIVE)
    shop.fill()
    return shop


@pytest.mark.parametrize(("status", "share"), [("succeeded", 1), ("cancelled", 1), ("failed", 0)])
def test_a_trainer_that_counts_no_tokens_is_taken_to_have_billed_the_estimate(
    sqlite_engine: sa.Engine, tmp_path: Path, status: str, share: int
) -> None:
    """Otherwise the month's limit would never be reached at such a trainer. A job that failed costs nothing."""
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    reserved = spend(shop)
    assert reserved > 0
    shop.trainer.becomes("ftjob-1", status, tuned_model=TUNED, trained_tokens=None)
    shop.advance(run_id)
    assert spend(shop) == pytest.approx(reserved * share)


def limit(shop: Workshop, where: str, **limits: Any) -> None:  # noqa: ANN401 - the fields of Budget
    """Give one of the three budgets other limits."""
    budget = Budget(**limits)
    if where == "all":
        shop.overall_budget = budget
    elif where == "trainer":
        shop.accounts["box"] = replace(shop.accounts["box"], budget=budget)
    else:
        shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], budget=budget)


@pytest.mark.parametrize("where", ["all", "trainer", "pipeline"])
@pytest.mark.parametrize("limits", [{"run_usd": 1.0}, {"month_usd": 1.0}])
def test_a_run_that_no_longer_fits_a_budget_when_it_is_its_turn_is_never_sent(
    sqlite_engine: sa.Engine, tmp_path: Path, where: str, limits: dict[str, float]
) -> None:
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    limit(shop, where, **limits)
    assert shop.go(run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "OverBudget"}
    assert (shop.trainer.files, shop.trainer.create_requests, spend(shop)) == ({}, 0, 0)


def test_a_run_that_did_not_fit_names_the_command_that_starts_it_once_it_does(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    limit(shop, "all", run_usd=1.0)
    assert "then: tuneloop runs start summaries" in shop.go(run_id).fact("remedy")
    limit(shop, "all", run_usd=1_000_000.0)
    again = shop.start()
    assert again != run_id
    assert shop.go(again, S.UPLOADED).state == S.UPLOADED


def test_a_job_of_unknown_price_is_no_free_job(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    """Not even at a trainer that counts no tokens: the run then has no amount at all."""
    shop = priced(sqlite_engine, tmp_path)
    reprice(shop, None)
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "succeeded", tuned_model=TUNED, trained_tokens=None)
    shop.advance(run_id)
    assert [(spent.usd, spent.is_priced) for spent in shop.ledger.month(now=shop.clock.now)] == [(0.0, False)]
    entries = shop.ledger.entries_of(run_id)
    assert [entry.kind for entry in entries] == ["reserved", "billed"]
    assert entries[1].note.endswith("taken to be the estimate; no price known")


def test_the_estimate_is_set_aside_before_anything_is_sent(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = priced(sqlite_engine, tmp_path, month_usd=1_000_000.0)
    run = shop.go(shop.start(), S.UPLOADED)
    estimate = run.fact("estimate")
    assert estimate["usd"] == pytest.approx(estimate["tokens"] * estimate["epochs"])
    assert spend(shop) == pytest.approx(estimate["usd"])


def test_a_retried_upload_reserves_once_and_does_not_stand_in_its_own_way(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = priced(sqlite_engine, tmp_path)
    run = shop.go(shop.start(), S.SNAPSHOTTED)
    needed = shop.snapshots.get(str(run.snapshot_id)).files["train"].tokens * 10.0
    # It fits once, and not twice.
    shop.accounts["box"] = replace(shop.accounts["box"], budget=Budget(month_usd=needed * 1.5))
    shop.trainer.goes_wrong("upload", TrainerUnreachable(), times=2)
    assert shop.go(run.run_id, S.UPLOADED).state == S.UPLOADED


def test_an_open_run_of_another_pipeline_counts_against_the_month(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = priced(sqlite_engine, tmp_path, month_usd=100_000.0)
    run_id = shop.start()
    shop.runs.claim(make_run("run-other", pipeline="other"))
    other = make_run("run-other", pipeline="other")
    assert shop.ledger.reserve(other, estimate_of(99_999), (), now=shop.clock.now) == ()
    assert shop.go(run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "OverBudget"}


# Approving.


@pytest.mark.parametrize("where", ["all", "trainer", "pipeline"])
def test_any_budget_can_want_a_person_to_approve(sqlite_engine: sa.Engine, tmp_path: Path, where: str) -> None:
    shop = priced(sqlite_engine, tmp_path)
    limit(shop, where, approve_above_usd=1)
    run = shop.go(shop.start())
    assert run.state == S.AWAITING_APPROVAL
    assert "is above 1.00 USD" in str(run.fact("error"))
    approve_run(run.run_id, shop.parts)
    assert shop.go(run.run_id, S.UPLOADED).state == S.UPLOADED


def reprice(shop: Workshop, usd_per_million: float | None) -> None:
    prices = {} if usd_per_million is None else {"base-model": Price(usd_per_million, EXPENSIVE.as_of)}
    shop.accounts["box"] = replace(shop.accounts["box"], prices=prices)


@pytest.mark.parametrize(
    ("shown", "later", "asks_again"),
    [(1e6, 1e6, False), (1e6, 2e6, True), (1e6, 5e5, False), (None, None, False), (None, 1e6, True), (1e6, None, True)],
)
def test_an_approval_holds_for_the_estimate_that_was_shown_and_for_less(
    sqlite_engine: sa.Engine,
    tmp_path: Path,
    shown: float | None,
    later: float | None,
    asks_again: bool,  # noqa: FBT001
) -> None:
    shop = priced(sqlite_engine, tmp_path, approve_above_usd=1)
    reprice(shop, shown)
    run = shop.go(shop.start())
    assert run.state == S.AWAITING_APPROVAL
    approve_run(run.run_id, shop.parts)
    reprice(shop, later)
    run = shop.go(run.run_id, S.UPLOADED)
    assert run.state == (S.AWAITING_APPROVAL if asks_again else S.UPLOADED)
    assert (spend(shop) == 0) is (asks_again or later is None)
    if asks_again:
        approve_run(run.run_id, shop.parts)
        assert shop.go(run.run_id, S.UPLOADED).state == S.UPLOADED


# What is left behind.


def test_a_cancelled_run_in_doubt_does_not_hold_its_money_for_ever(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerRefused("401 key revoked"))
    shop.go(run_id)
    shop.trainer.goes_wrong("cancel", TrainerUnreachable())
    cancel_run(run_id, shop.parts)
    # The job may still train, and then the trainer says what it cost.
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved"]
    for _ in range(3):
        shop.clock.forward(600)
        clear_run(run_id, shop.parts)
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved", "billed"]
    assert spend(shop) > 0
    shop.clock.forward(31 * 24 * 3600)
    assert spend(shop) == 0


@pytest.mark.parametrize(
    ("end", "kinds"),
    [
        ("promoted", ["reserved", "billed"]),
        ("failed without tokens", ["reserved", "released"]),
        ("failed with tokens", ["reserved", "billed"]),
        ("cancelled early", ["reserved", "released"]),
        ("cancelled while training", ["reserved", "billed"]),
        ("refused", ["reserved", "released"]),
    ],
)
def test_every_end_of_a_run_closes_what_was_set_aside(
    sqlite_engine: sa.Engine, tmp_path: Path, end: str, kinds: list[str]
) -> None:
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    if end == "refused":
        shop.trainer.goes_wrong("create_job", TrainerRefused("no such model"))
    shop.go(run_id, S.UPLOADED if end == "cancelled early" else S.SUBMITTED)
    if end == "promoted":
        shop.finish_job()
    elif end.startswith("failed"):
        tokens = 70 if end.endswith("with tokens") else None
        shop.trainer.becomes("ftjob-1", "failed", trained_tokens=tokens)
    elif end.startswith("cancelled"):
        cancel_run(run_id, shop.parts)
    assert shop.go(run_id).state in {S.PROMOTED, S.FAILED, S.CANCELLED}
    shop.clear_all()
    # Answers are paid as they are asked for; they are never set aside.
    assert [entry.kind for entry in shop.ledger.entries_of(run_id) if entry.kind != "answers"] == kinds


@pytest.mark.parametrize("end", ["its job failed without tokens", "it never had a job"])
def test_uploads_that_cannot_be_deleted_bill_nothing_that_was_given_back(
    sqlite_engine: sa.Engine, tmp_path: Path, end: str
) -> None:
    """The trainer left the configuration after a failure: nobody was paid, and the month's budget must not say so."""
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    if end == "it never had a job":
        shop.trainer.goes_wrong("create_job", TrainerRefused("winding down", code="training_not_available"))
        shop.trainer.goes_wrong("delete_file", TrainerUnreachable())
    shop.go(run_id, S.SUBMITTED)
    if end == "its job failed without tokens":
        shop.trainer.becomes("ftjob-1", "failed")
        shop.go(run_id)
    del shop.accounts["box"]
    shop.clear_all()
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved", "released"]
    assert shop.letter_errors()[f"aftermath {run_id}"] == "NotFound"


def test_a_job_that_failed_and_was_later_deleted_at_the_trainer_is_not_billed_then(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    """A run that was cancelled knows its job's end by its clearing alone, which comes again to delete the uploads."""
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerRefused("401 key revoked"))
    shop.go(run_id)
    shop.trainer.becomes("ftjob-1", "failed")
    cancel_run(run_id, shop.parts)
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved", "released"]
    del shop.trainer.jobs["ftjob-1"]
    shop.clear_all()
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved", "released"]
    assert (shop.trainer.files, spend(shop)) == ({}, 0)


def test_a_job_that_came_to_light_after_all_is_billed_although_its_money_was_given_back(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = priced(sqlite_engine, tmp_path)
    run_id = shop.start()
    shop.go(run_id, S.UPLOADED)
    reserved = spend(shop)
    cancel_run(run_id, shop.parts)
    job = shop.trainer.add_job(run_id, None, installation=shop.aftermath.installation())
    shop.trainer.becomes(job.job_id, "succeeded")
    reconcile_trainer("box", shop.parts)
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved", "released", "billed"]
    assert spend(shop) == pytest.approx(reserved)
