"""Tell a label's whole story: who rang for it, what was chosen and why, and what learned from it."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.domain.contents import decode_content
from service.domain.errors import NotFound
from service.domain.reasons import CHOICES, words_of
from service.domain.runs import Run
from service.ports import EvaluationStore, FileStore, SnapshotStore, StoryStore
from service.usecases.trace import USES, run_facts


def explain(
    name: str,
    *,
    stories: StoryStore,
    snapshots: SnapshotStore,
    evaluations: EvaluationStore,
    files: FileStore,
) -> list[dict[str, Any]]:
    """Give the story of every data row that a name means: a label, a data row, a global key or an example.

    Returns:
        For each row: ``data_row_id``, ``label_ids``, ``deliveries``, whether it was ``forgotten``, and under
        ``pipelines`` how it stands in each, with ``history``, the ``snapshots`` and files that hold it, and the
        ``runs`` of these with their jobs, models and files at the trainer. Texts are under ``content`` alone.

    Raises:
        NotFound: Nothing is known under this name.
    """
    found = stories.rows_named(name)
    if not found:
        raise NotFound(
            f"nothing is known of {name!r}",
            remedy="Give the id of a label, a data row or an example, or a global key; or of a snapshot, a run, a job, "
            "a model or a file at the trainer, or a file's SHA-256. What no delivery and no reconcile has shown yet is "
            "unknown: tuneloop labelbox sync reads everything.",
        )
    return [
        {
            "data_row_id": row_id,
            "label_ids": stories.labels(row_id),
            "deliveries": stories.deliveries(row_id),
            "forgotten": stories.forgotten(row_id),
            "pipelines": [_standing(row, stories, snapshots, evaluations, files) for row in stories.standings(row_id)],
        }
        for row_id in found
    ]


def _standing(
    row: Mapping[str, Any],
    stories: StoryStore,
    snapshots: SnapshotStore,
    evaluations: EvaluationStore,
    files: FileStore,
) -> dict[str, Any]:
    lines = snapshots.holding(row["pipeline"], row["example_id"]) if row["version"] else []
    splits: dict[str, list[str]] = {}
    for line in lines:
        splits.setdefault(line["snapshot_id"], []).append(line["split"])
    return {
        **{name: row[name] for name in ("pipeline", "example_id", "global_key", "status", "reason", "label_id")},
        "in_words": words_of(row["reason"]),
        "choice": row["choice"],
        "choice_in_words": CHOICES.get(row["choice"] or ""),
        **{name: row[name] for name in ("version", "split", "group_key", "cluster", "tokens")},
        **{name: row[name] for name in ("activity_at", "observed_at")},
        "findings": [{"code": code, "in_words": words_of(code)} for code in row["findings"].split()],
        "content": [_said(turn) for turn in decode_content(row["content"])],
        "history": _history(row["example_id"], stories),
        "snapshots": [_in_file(line, files) for line in lines],
        "runs": [_in_run(run, splits[str(run.snapshot_id)], evaluations) for run in stories.runs_of(sorted(splits))],
    }


def _in_file(line: Mapping[str, Any], files: FileStore) -> dict[str, Any]:
    place = files.location(line["file"]) if line["file"] else None
    return dict(line) | {"use": USES.get(line["split"]), "place": place}


def _in_run(run: Run, splits: Sequence[str], evaluations: EvaluationStore) -> dict[str, Any]:
    """Give a run with what its models had of the row: taught, measured or asked."""
    champion = evaluations.champion(run.pipeline)
    serves_as = champion["model"] if champion is not None and champion["run_id"] == run.run_id else None
    return run_facts(run) | {
        "uses": [USES[split] for split in splits if split],
        # What a job learned before it failed or was stopped stays with the trainer.
        "may_have_learned": run.job_id is not None and run.tuned_model is None and "held_out" not in splits,
        "asked_models": _asked_models(run, evaluations) if "held_out" in splits else None,
        "is_champion": serves_as is not None,
        # Its own model, or an earlier checkpoint.
        "serves_as": serves_as,
    }


def _asked_models(run: Run, evaluations: EvaluationStore) -> Mapping[str, str] | None:
    """Give the models that were asked the held-out examples: by role, and of checkpoints by their step."""
    evaluation = evaluations.evaluation(run.run_id)
    if evaluation is None:
        return None
    steps = evaluations.judged_checkpoints(run.run_id)
    judged = {step: found for step in steps if (found := evaluations.evaluation(run.run_id, checkpoint=step))}
    checkpoints = {f"checkpoint {step}": found["models"]["challenger"] for step, found in judged.items()}
    return {**evaluation["models"], **checkpoints}


def _history(example_id: str, stories: StoryStore) -> list[dict[str, Any]]:
    changes = stories.history(example_id)
    exports = stories.exports_of([change["observed_at"] for change in changes])
    return [dict(change) | {"export": exports.get(change["observed_at"])} for change in changes]


def _said(turn: Any) -> dict[str, Any]:  # noqa: ANN401 - a Turn
    return {"role": turn.role, "content": turn.content, "rejected": list(turn.rejected)}
