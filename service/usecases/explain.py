"""Tell a label's whole story: who rang for it, what was chosen and why, and what learned from it."""

from collections.abc import Mapping
from typing import Any

from service.domain.contents import decode_content
from service.domain.errors import NotFound
from service.domain.reasons import CHOICES, words_of
from service.ports import EvaluationStore, SnapshotStore, StoryStore


def explain(
    name: str, *, stories: StoryStore, snapshots: SnapshotStore, evaluations: EvaluationStore
) -> list[dict[str, Any]]:
    """Give the story of every data row that a name means: a label, a data row, a global key or an example.

    Returns:
        For each row: ``data_row_id``, ``label_ids``, ``deliveries``, and under ``pipelines`` how it stands in each,
        with ``history``, ``snapshots``, and the ``runs`` that trained on them. Texts are under ``content`` alone.

    Raises:
        NotFound: Nothing is known under this name.
    """
    found = stories.rows_named(name)
    if not found:
        raise NotFound(
            f"nothing is known of {name!r}",
            remedy="Give the id of a label, a data row or an example, or a global key. What no delivery and no "
            "reconcile has shown yet is unknown: tuneloop labelbox sync reads everything.",
        )
    return [
        {
            "data_row_id": row_id,
            "label_ids": stories.labels(row_id),
            "deliveries": stories.deliveries(row_id),
            "pipelines": [_standing(row, stories, snapshots, evaluations) for row in stories.standings(row_id)],
        }
        for row_id in found
    ]


def _standing(
    row: Mapping[str, Any], stories: StoryStore, snapshots: SnapshotStore, evaluations: EvaluationStore
) -> dict[str, Any]:
    lines = snapshots.holding(row["pipeline"], row["example_id"]) if row["version"] else []
    champion = evaluations.champion(row["pipeline"])
    runs = stories.runs_of(sorted({line["snapshot_id"] for line in lines}))
    return {
        **{name: row[name] for name in ("pipeline", "example_id", "global_key", "status", "reason", "label_id")},
        "in_words": words_of(row["reason"]),
        "choice": row["choice"],
        "choice_in_words": CHOICES.get(row["choice"] or ""),
        **{name: row[name] for name in ("version", "split", "group_key", "activity_at", "observed_at")},
        "content": [_said(turn) for turn in decode_content(row["content"])],
        "history": _history(row["example_id"], stories),
        "snapshots": lines,
        "runs": [dict(run) | {"is_champion": _serves(run, champion)} for run in runs],
    }


def _history(example_id: str, stories: StoryStore) -> list[dict[str, Any]]:
    changes = stories.history(example_id)
    exports = stories.exports_of([change["observed_at"] for change in changes])
    return [dict(change) | {"export": exports.get(change["observed_at"])} for change in changes]


def _said(turn: Any) -> dict[str, Any]:  # noqa: ANN401 - a Turn
    return {"role": turn.role, "content": turn.content, "rejected": list(turn.rejected)}


def _serves(run: Mapping[str, Any], champion: Mapping[str, Any] | None) -> bool:
    return champion is not None and champion["run_id"] == run["run_id"]
