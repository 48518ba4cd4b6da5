"""The figures for Prometheus, read by its own parser."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from service.cli.valkey import free_port
from service.config import ChannelSettings, Settings
from service.domain.errors import TrainerUnreachable, UnknownTopic
from service.domain.notices import Notice
from service.domain.pipelines import Budget
from service.domain.runs import RunState
from tests.support.builders import make_delivery, make_run
from tests.support.fakes import ManualClock
from tests.support.web_stage import Stage, make_settings, staged
from tests.support.workshop import Workshop

Samples = Mapping[tuple[str, ...], float]
DRIFT = {"drift": 3, "labels_there": 812, "labels_here": 809, "left": 1, "whole_at": "2026-11-26T03:00:00+00:00"}


def samples(stage: Stage) -> Samples:
    """Give every sample: its value by its name and the values of its labels, these by their names' order."""
    reply = stage.get("/metrics")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    return make_settings(tmp_path, redis_url)


@pytest.fixture
def stage(settings: Settings, sqlite_template: Path) -> Iterator[Stage]:
    with staged(settings, database=sqlite_template) as made:
        yield made


def reconciled(stage: Stage, facts: Mapping[str, Any], *, ago: timedelta = timedelta(minutes=5)) -> None:
    at = datetime.now(UTC) - ago
    stage.deps.reconciles.reconciled("summaries", {"rows": 1, "healed": 0, **facts}, until=at, now=at)


def test_before_there_is_any_data_the_figures_are_zero_and_what_was_never_measured_is_absent(stage: Stage) -> None:
    found = samples(stage)
    for split in ("train", "validation", "held_out"):
        assert found["tuneloop_examples", "summaries", split] == 0
    assert found["tuneloop_new_examples", "summaries"] == 0
    assert found["tuneloop_run_due", "summaries"] == 0
    assert {found["tuneloop_runs", "summaries", state] for state in RunState} == {0}
    assert (found["tuneloop_inbox_deliveries",], found["tuneloop_dead_letters",]) == (0, 0)
    assert (found["tuneloop_up", "redis"], found["tuneloop_up", "database"]) == (1, 1)
    assert [name for name, *_ in found if "drift" in name or "labels" in name or "reconcile" in name] == []
    ((_, python, version),) = [key for key in found if key[0] == "tuneloop_build_info"]
    assert python[0] == "3"
    assert version


def test_the_figures_are_what_the_stores_hold(stage: Stage, tmp_path: Path) -> None:
    shop = Workshop(stage.deps.engine, tmp_path / "files", clock=ManualClock(datetime.now(UTC) - timedelta(hours=1)))
    shop.fill()
    assert samples(stage)["tuneloop_run_due", "summaries"] == 1
    run_id = shop.start()
    shop.go(run_id, RunState.SUBMITTED)
    shop.fill(60, 64)
    stage.deps.letters.put("delivery", "key-1", UnknownTopic("odd"), content=None, now=shop.clock.now)
    stage.deps.inbox.put_back(make_delivery(b"{}"))

    found, counts = samples(stage), stage.deps.examples.counts("summaries")

    sizes = [found["tuneloop_examples", "summaries", split] for split in ("train", "validation", "held_out")]
    assert sizes == [counts.train, counts.validation, counts.held_out]
    assert sum(sizes) == 64
    assert found["tuneloop_new_examples", "summaries"] == 4
    assert found["tuneloop_run_due", "summaries"] == 0
    assert {state for state in RunState if found["tuneloop_runs", "summaries", state]} == {RunState.SUBMITTED}
    assert (found["tuneloop_inbox_deliveries",], found["tuneloop_dead_letters",]) == (1, 1)


def test_the_money_left_and_spent_is_measured_where_there_is_a_budget(
    settings: Settings, sqlite_template: Path
) -> None:
    trainer = replace(settings.trainers["box"], budget=Budget(month_usd=100))
    limited = replace(settings, budget=Budget(run_usd=1), trainers={"box": trainer})
    with staged(limited, database=sqlite_template) as stage:
        before = samples(stage)
        stage.deps.ledger.bill(make_run("run-1"), 30, tokens=1, note="x", now=datetime.now(UTC))
        stage.deps.ledger.bill(make_run("run-2"), 12, tokens=1, note="x", now=datetime(2026, 1, 1, tzinfo=UTC))
        found = samples(stage)
    assert before["tuneloop_budget_left_usd", "trainer:box"] == 100
    assert not [name for name, *_ in before if name.startswith("tuneloop_spent")]
    left = {key[1:]: value for key, value in found.items() if key[0] == "tuneloop_budget_left_usd"}
    assert left == {("trainer:box",): 70}
    assert found["tuneloop_spent_usd_total", "summaries", "box"] == 42


def test_the_drift_of_the_newest_reconcile_is_shown_and_its_age(stage: Stage) -> None:
    reconciled(stage, DRIFT | {"drift": 99}, ago=timedelta(hours=1))
    reconciled(stage, DRIFT)
    found = samples(stage)
    assert found["tuneloop_drift_rows", "summaries"] == 3
    assert found["tuneloop_drift_left", "summaries"] == 1
    assert found["tuneloop_labels", "summaries", "labelbox"] == 812
    assert found["tuneloop_labels", "summaries", "here"] == 809
    assert 300 <= found["tuneloop_reconcile_age_seconds", "summaries"] < 360


def test_a_reconcile_that_measured_no_drift_leaves_only_its_age(stage: Stage) -> None:
    reconciled(stage, {})
    names = {name for name, *_ in samples(stage)}
    assert "tuneloop_reconcile_age_seconds" in names
    assert not {name for name in names if "drift" in name or name == "tuneloop_labels"}


def test_every_answer_to_a_webhook_is_counted_by_its_status_code(stage: Stage) -> None:
    for secret, body in ((b"a secret for tests", b"{}"), (b"a secret for tests", b"[]"), (b"wrong", b"{}")):
        stage.deliver(body, secret=secret)
    stage.deliver(b"x" * 5000)
    stage.get("/webhooks/openai", method="POST")
    found = samples(stage)
    counted = {key[1:]: value for key, value in found.items() if key[0] == "tuneloop_webhook_answers_total"}
    assert {key: value for key, value in counted.items() if value} == {
        ("202", "labelbox"): 2,
        ("401", "labelbox"): 1,
        ("413", "labelbox"): 1,
        ("401", "trainer"): 1,
    }
    assert {code for code, _ in counted} == {"202", "401", "408", "413", "503"}


@pytest.mark.parametrize("address", ["sqlite:////nowhere/at/all.db", "postgresql://127.0.0.1:{port}/none"])
def test_a_database_that_is_down_leaves_its_figures_out_and_is_said_to_be_down(
    settings: Settings, address: str
) -> None:
    with staged(replace(settings, database_url=address.format(port=free_port()))) as stage:
        found = samples(stage)
    assert (found["tuneloop_up", "redis"], found["tuneloop_up", "database"]) == (1, 0)
    assert {name for name, *_ in found} == {
        "tuneloop_up",
        "tuneloop_inbox_deliveries",
        "tuneloop_webhook_answers_total",
        "tuneloop_build_info",
    }


def test_a_database_without_a_schema_counts_as_down(settings: Settings) -> None:
    with staged(settings) as stage:
        assert samples(stage)["tuneloop_up", "database"] == 0


def test_a_valkey_that_is_down_is_said_to_be_down_and_the_database_still_tells(
    settings: Settings, sqlite_template: Path
) -> None:
    down = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with staged(down, database=sqlite_template) as stage:
        found = samples(stage)
    assert (found["tuneloop_up", "redis"], found["tuneloop_up", "database"]) == (0, 1)
    assert ("tuneloop_inbox_deliveries",) not in found
    assert found["tuneloop_dead_letters",] == 0


def test_the_age_of_the_last_look_at_an_open_job_is_shown_while_it_is_open(stage: Stage, tmp_path: Path) -> None:
    shop = Workshop(stage.deps.engine, tmp_path / "files", clock=ManualClock(datetime.now(UTC) - timedelta(hours=2)))
    shop.fill()
    name = "tuneloop_job_look_age_seconds"
    run_id = shop.start()
    assert (name, "summaries", "box") not in samples(stage)
    shop.go(run_id, RunState.SUBMITTED)
    shop.clock.now = datetime.now(UTC) - timedelta(minutes=10)
    shop.trainer.becomes("ftjob-1", "running")
    shop.advance(run_id)
    assert 590 <= samples(stage)[name, "summaries", "box"] < 700
    # A look that failed is none.
    shop.trainer.goes_wrong("job", TrainerUnreachable())
    shop.clock.now = datetime.now(UTC)
    shop.advance(run_id)
    assert 590 <= samples(stage)[name, "summaries", "box"] < 700
    shop.finish_job()
    shop.go(run_id, RunState.EVALUATING)
    assert (name, "summaries", "box") not in samples(stage)


def test_runs_of_a_pipeline_that_left_the_configuration_are_still_counted(stage: Stage, tmp_path: Path) -> None:
    shop = Workshop(stage.deps.engine, tmp_path / "files")
    shop.fill()
    shop.start()
    renamed = replace(stage.deps.settings, pipelines={})
    with staged(renamed) as emptied:
        found = samples(emptied)
    assert found["tuneloop_runs", "summaries", "claimed"] == 1
    assert not [name for name, *_ in found if name == "tuneloop_examples"]


def test_notices_are_counted_by_channel_and_outcome_from_zero_on(settings: Settings, sqlite_template: Path) -> None:
    team = ChannelSettings("team", apprise_env="TEAM", addresses=(SecretStr("json://a"), SecretStr("json://b")))
    with staged(replace(settings, notify={"team": team}), database=sqlite_template) as stage:
        stage.deps.notices.put(Notice("failed", "a", "t", "x"), now=datetime.now(UTC))
        stage.deps.telling.call()
        found = samples(stage)
    assert found["tuneloop_notices", "team", "waiting"] == found["tuneloop_notices", "team/2", "waiting"] == 1
    assert {found["tuneloop_notices", "team", outcome] for outcome in ("sent", "dead", "gone")} == {0}
