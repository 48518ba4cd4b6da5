"""``tuneloop money``, ``why`` and ``runs show``: what was spent, what is left, and what a run would cost."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.cli.app import run
from service.domain.budgets import Estimate
from service.usecases.steps.money import bill_estimate
from tests.support.builders import make_pipeline, make_run
from tests.support.fakes import ManualClock
from tests.support.purses import estimate_of
from tests.support.workshop import EXPENSIVE, Workshop

CONFIGURATION = """
[budget]
month_usd = 50
approve_above_usd = 5
[trainers.box]
dialect = "generic"
base_url = "http://127.0.0.1:9/v1"
budget = { run_usd = 20 }
[trainers.box.prices.base-model]
train_usd_per_million = 1000.0
input_usd_per_million = 1.0
output_usd_per_million = 2.0
as_of = 2026-11-01
[pipelines.summaries]
labels.project = "project-1"
train.model = "base-model"
trigger = { threshold = 10, quiet = "0s", cooldown = "0s" }
"""


@pytest.fixture
def shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, sqlite_url: str, sqlite_engine: sa.Engine
) -> Workshop:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNELOOP_CONFIG", raising=False)
    monkeypatch.setenv("TUNELOOP_REDIS_URL", redis_url)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    clock = ManualClock(datetime.now(UTC) - timedelta(minutes=1))
    return Workshop(sqlite_engine, tmp_path / "files", clock=clock, pipelines={"summaries": make_pipeline()})


def spend(shop: Workshop, run_id: str, usd: float, *, billed: float | None = None, pipeline: str = "summaries") -> None:
    spender = make_run(run_id, pipeline=pipeline)
    assert shop.ledger.reserve(spender, estimate_of(usd), (), now=shop.clock.now) == ()
    if billed is not None:
        shop.ledger.bill(spender, billed, tokens=900, note="job succeeded", now=shop.clock.now)


def test_money_tells_what_is_left_of_each_budget_and_by_what_it_was_spent(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    spend(shop, "run-1", 12, billed=10.5)
    spend(shop, "run-2", 30, pipeline="gone")
    assert run(["money"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{shop.clock.now:%Y-%m}, in USD",
        "",
        "all",
        ("  9.50 of 50.00 left (nearly spent); 10.50 billed, 30.00 set aside; above 5.00 a person approves"),
        "",
        "trainer:box",
        "  10.50 billed, 30.00 set aside; no limit of the month; at most 20.00 a run",
        "",
        "pipeline summaries: 10.50 billed, 0.00 set aside",
        "  run-1  box: 10.50 billed, 0.00 set aside",
        "",
        "pipeline gone: 0.00 billed, 30.00 set aside",
        "  run-2  box: 0.00 billed, 30.00 set aside",
    ]


def test_money_in_json_has_the_numbers(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    spend(shop, "run-1", 12)
    assert run(["money", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    everything, box = found["budgets"]
    assert everything == {
        "budget": "all",
        "limit_usd": 50.0,
        "run_usd": None,
        "approve_above_usd": 5.0,
        "reserved_usd": 12.0,
        "billed_usd": 0.0,
        "left_usd": 38.0,
        "is_near": False,
        "unpriced": 0,
    }
    assert (box["budget"], box["run_usd"], box["left_usd"]) == ("trainer:box", 20.0, None)
    assert found["pipelines"] == [{"pipeline": "summaries", "reserved_usd": 12.0, "billed_usd": 0.0, "unpriced": 0}]
    assert [(run["run_id"], run["is_priced"]) for run in found["runs"]] == [("run-1", True)]


def test_why_tells_every_door_and_what_the_run_would_cost(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.fill()
    spend(shop, "run-1", 12, billed=45)
    assert run(["why", "summaries"]) == 0
    reason, *notes = capsys.readouterr().out.splitlines()
    assert reason.startswith("over_month_budget: estimate ")
    assert reason.endswith(" USD, but 5.00 of 50.00 USD left this month (all together)")
    assert [note.partition(":")[0] for note in notes] == ["note estimate", "note budget_near"]
    assert run(["why", "summaries", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["due"], [reason["facts"]["left_usd"] for reason in found["reasons"]]) == (False, [5.0])
    assert run(["status"]) == 0
    shown = capsys.readouterr().out
    assert "  note       45.00 of 50.00 USD are spent or set aside this month (all together)" in shown.splitlines()


def test_runs_without_a_price_are_said_to_be_in_no_sum(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    spend(shop, "run-1", 12)
    for run_id, billed in (("run-2", False), ("run-3", True)):
        spender = make_run(run_id)
        assert shop.ledger.reserve(spender, Estimate(1000, 3), (), now=shop.clock.now) == ()
        if billed:
            bill_estimate(spender, shop.parts, note="the trainer counted no tokens")
    assert run(["money"]) == 0
    lines = capsys.readouterr().out.splitlines()
    missing = "2 runs have a part without a price (training, answers or judges) and are not wholly in this month's sum"
    assert f"  38.00 of 50.00 left; 0.00 billed, 12.00 set aside; {missing}; above 5.00 a person approves" in lines
    assert f"pipeline summaries: 0.00 billed, 12.00 set aside; {missing}" in lines
    own = "0.00 billed, 0.00 set aside; something of it has no price and is not in this sum"
    assert [line for line in lines if line.startswith("  run-")] == [
        "  run-1  box: 0.00 billed, 12.00 set aside",
        f"  run-2  box: {own}",
        f"  run-3  box: {own}",
    ]
    assert run(["why", "summaries"]) == 0
    assert f"note unpriced_runs: {missing} (all together): the budget does not see all of it" in (
        capsys.readouterr().out.splitlines()
    )
    assert run(["status"]) == 0
    assert f"  note       {missing} (trainer box): the budget does not see all of it" in (
        capsys.readouterr().out.splitlines()
    )
    # It is this month's: what was billed in it and what is still open.
    month = shop.ledger.month(now=shop.clock.now + timedelta(days=40))
    assert {spent.run_id: spent.is_priced for spent in month} == {"run-1": True, "run-2": False}


def test_a_budget_over_a_trainer_without_prices_does_not_seem_to_hold(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("tuneloop.toml")
    whole = path.read_text()
    priced = whole[: whole.index("[trainers.box.prices")], whole[whole.index("[pipelines") :]
    path.write_text("".join(priced))
    shop.fill()
    assert run(["why", "summaries"]) == 0
    assert "no budget sees what it costs" in capsys.readouterr().out
    run(["check", "--quiet"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " summaries prices: " in line]
    assert line.startswith("note ")
    assert "base-model at box has no price" in line
    assert '[trainers.box.prices."base-model"]' in line


def test_a_price_of_training_alone_is_said_to_leave_the_answers_out(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("tuneloop.toml")
    path.write_text(path.read_text().replace("input_usd_per_million = 1.0\noutput_usd_per_million = 2.0\n", ""))
    shop.fill()
    assert run(["why", "summaries"]) == 0
    assert "note no_answer_price: answers of an evaluation have no price" in capsys.readouterr().out
    run(["check", "--quiet"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " summaries prices: " in line]
    assert line.startswith("note ")
    assert "answers of base-model at box have no price" in line


def test_why_tells_moments_as_the_api_does(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("tuneloop.toml")
    path.write_text(path.read_text().replace('cooldown = "0s"', 'cooldown = "6h"'))
    shop.fill()
    shop.start()
    assert run(["why", "summaries", "--json"]) == 0
    reasons = {reason["code"]: reason["facts"] for reason in json.loads(capsys.readouterr().out)["reasons"]}
    until = datetime.fromisoformat(reasons["cooldown"]["until"])
    assert until == shop.clock.now + timedelta(hours=6)


def test_a_start_by_hand_is_refused_with_every_door_that_is_shut(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    spend(shop, "run-1", 12, billed=60)
    shop.fill(0, 8)
    assert run(["runs", "start", "summaries"]) == 1
    told = capsys.readouterr().err
    for words in ("of 10 training examples", "of 5 held-out examples", "0.00 of 50.00 USD left this month"):
        assert words in told
    assert "What to do:" in told
    assert shop.runs.recent(None, 10) == []


def test_a_run_shows_what_was_estimated_and_what_was_billed(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    priced = Workshop(shop.engine, shop.folder, price=EXPENSIVE, clock=shop.clock)
    priced.fill()
    run_id = priced.train()
    assert run(["runs", "show", run_id]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert " USD" in lines["estimate"]
    assert lines["reserved"].startswith("  reserved ")
    assert lines["billed"] == "  billed       5,000.00 USD for 5,000 tokens (job succeeded)"
    assert run(["runs", "show", run_id, "--json"]) == 0
    ledger = json.loads(capsys.readouterr().out)["ledger"]
    assert [(entry["kind"], entry["tokens"]) for entry in ledger][1] == ("billed", 5000)
    assert ledger[0]["usd"] == ledger[0]["tokens"]
