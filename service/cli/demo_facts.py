"""What the demo found out: the same facts for the report, for ``--json`` and for the exit code."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import reading
from service.adapters.sql_tables import deliveries, reconciles
from service.cli.demo_stage import PIPELINE, PRICED_AS, Stage
from service.cli.exporting import export_snapshot
from service.config.prices import OPENAI_PRICES
from service.domain.budgets import estimate_cost
from service.domain.runs import Run, RunState
from service.domain.snapshots import SPLITS, Snapshot
from service.usecases.steps.evaluate import held_out_questions

JUDGED = frozenset({RunState.PROMOTED, RunState.KEPT})
SIDE_BY_SIDE = 3


def gather(stage: Stage) -> dict[str, Any]:
    """Gather everything the demo shows, read from where the service keeps it."""
    state = stage.sandbox.call("state")
    runs = sorted(stage.deps.runs.recent(PIPELINE, 50), key=lambda run: run.ordinal)
    champion = stage.deps.evaluations.champion(PIPELINE)
    facts: dict[str, Any] = {
        "received": _received(stage, state),
        "labels": compare_with_labelbox(stage, state),
        "runs": [_run(stage, run) for run in runs],
        "champion": dict(champion) if champion else None,
        "side_by_side": _side_by_side(stage, runs[-1]) if runs and runs[-1].state in JUDGED else [],
        "paths": _paths(stage, runs),
        "dead_letters": stage.deps.letters.count(),
    }
    return facts | {"closed": _gaps(facts) == [], "gaps": _gaps(facts)}


def compare_with_labelbox(stage: Stage, state: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Compare our examples with what the sandbox holds: the same rows with the same answers."""
    state = state or stage.sandbox.call("state")
    truth = {row["data_row_id"]: row["answer"] for row in state["projects"][0]["approved"]}
    ours = stage.deps.examples.existing(PIPELINE, sorted(stage.deps.examples.standing_ids(PIPELINE)))
    answers = {row_id: example.content[-1].content for row_id, example in ours.items()}
    return {"approved_in_labelbox": len(truth), "examples_here": len(answers), "equal": truth == answers}


def _received(stage: Stage, state: Mapping[str, Any]) -> dict[str, Any]:
    with reading(stage.deps.engine) as connection:
        converted = connection.scalar(sa.select(sa.func.count()).select_from(deliveries))
        found = connection.scalars(sa.select(reconciles.c.facts)).all()
    return {
        "labelbox": state["deliveries"],
        "stored_once": converted,
        "healed_by_reconcile": sum(facts["healed"] for facts in found),
        "reconciles": len(found),
    }


def _run(stage: Stage, run: Run) -> dict[str, Any]:
    losses = [
        event.facts["train_loss"] for event in stage.deps.runs.job_events(run.run_id) if "train_loss" in event.facts
    ]
    snapshot = stage.deps.snapshots.get(run.snapshot_id) if run.snapshot_id else None
    return {
        "run_id": run.run_id,
        "state": run.state.value,
        "job_id": run.job_id,
        "tuned_model": run.tuned_model,
        "error": run.fact("error"),
        "steps": len(losses),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "snapshot": _snapshot(snapshot) if snapshot else None,
        "cost": _cost(snapshot) if snapshot else None,
        "evaluation": stage.deps.evaluations.evaluation(run.run_id),
        "history": [{**row, "at": row["at"].isoformat()} for row in stage.deps.runs.history(run.run_id)],
    }


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "lines": {split: snapshot.files[split].lines for split in SPLITS},
        "tokens": {split: snapshot.files[split].tokens for split in SPLITS},
    }


def _cost(snapshot: Snapshot) -> dict[str, Any]:
    """Give what this snapshot would have cost at a real provider's published price."""
    train = snapshot.files["train"]
    price = OPENAI_PRICES[PRICED_AS]
    estimate = estimate_cost(train.tokens, lines=train.lines, n_epochs="auto", price=price)
    return {**asdict(estimate), "model": PRICED_AS, "price_as_of": price.as_of.isoformat()}


def _side_by_side(stage: Stage, run: Run) -> list[dict[str, str]]:
    """Give some held-out chats with the human's, the base's and the tuned model's answer."""
    questions = held_out_questions(stage.deps.snapshots.get(run.snapshot_id or ""), stage.deps.parts)[:SIDE_BY_SIDE]
    keys = [question.key for question in questions]
    names = (stage.deps.evaluations.evaluation(run.run_id) or {})["answers_in"]
    base, tuned = (stage.deps.evaluations.answers(names[role], keys) for role in ("base", "challenger"))
    return [
        {"chat": item.prompt, "human": item.reference, "base": base[item.key], "tuned": tuned[item.key]}
        for item in questions
    ]


def _paths(stage: Stage, runs: list[Run]) -> dict[str, str]:
    """Export each run's snapshot for people to look at, and say where everything is."""
    paths: dict[str, Path] = {
        "configuration": stage.folder / "tuneloop.toml",
        "database": stage.folder / "data" / "tuneloop.db",
        "logs": stage.folder / "logs",
        "report": stage.folder / "report.json",
    }
    for run in runs:
        if run.snapshot_id:
            folder = stage.folder / f"snapshot-{run.ordinal}"
            export_snapshot(stage.deps.files, stage.deps.snapshots.get(run.snapshot_id), folder)
            paths[folder.name] = folder
    return {name: str(path) for name, path in paths.items()}


def _gaps(facts: Mapping[str, Any]) -> list[str]:
    """Say in what the loop did not close; empty if it did."""
    runs, found = facts["runs"], []
    judged = [run for run in runs if run["state"] in JUDGED]
    if not facts["labels"]["equal"]:
        found.append("the examples are not what Labelbox holds")
    if len(judged) < 2:  # noqa: PLR2004 - once without and once against a champion
        found.append(f"{len(judged)} of 2 runs were judged")
    if judged and judged[0]["state"] != RunState.PROMOTED:
        found.append("the first tuned model was not better than the base")
    if judged and judged[-1]["evaluation"]["incumbent"] != "champion":
        found.append("no run was judged against a champion")
    if len({run["job_id"] for run in runs}) != len(runs):
        found.append("runs and jobs are not one to one")
    if facts["champion"] is None:
        found.append("there is no champion")
    return found
