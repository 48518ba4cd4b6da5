"""The budget's door: estimated, set aside, settled."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.errors import TrainerUnreachable
from service.domain.pipelines import Budget
from service.domain.runs import RunState
from tests.support.builders import make_run
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


@pytest.mark.parametrize("limits", [{"run_usd": 1.0}, {"month_usd": 1.0}])
def test_a_run_over_the_budget_is_never_sent(
    sqlite_engine: sa.Engine, tmp_path: Path, limits: dict[str, float]
) -> None:
    shop = priced(sqlite_engine, tmp_path, **limits)
    run_id = shop.start()
    assert shop.go(run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "OverBudget"}
    assert (shop.trainer.files, shop.trainer.create_requests, spend(shop)) == ({}, 0, 0)


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
    shop.runs.claim(make_run("run-other", pipeline="other"))
    shop.ledger.reserve("run-other", "box", 99_999, limit_usd=100_000, now=shop.clock.now)
    run_id = shop.start()
    assert shop.go(run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "OverBudget"}
