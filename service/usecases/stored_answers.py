"""The texts of an evaluation: what was asked, and what each model answered."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from service.domain.questions import Question, question_in
from service.domain.runs import Run
from service.domain.sampling import stored_name
from service.domain.snapshots import Snapshot, read_chats
from service.ports import EvaluationStore, RunStore
from service.usecases.archive import Archive
from service.usecases.mend_snapshot import opened


def held_out_texts(
    snapshot: Snapshot,
    archive: Archive,
    *,
    keys: Collection[str] | None = None,
    keep: Callable[[], object] = lambda: None,
) -> dict[str, Question]:
    """Give a snapshot's held-out questions by their keys, as far as they are not forgotten.

    The last assistant message is the reference. Rows that share a prompt are one question, the first one's: counted
    twice, they would make a test surer than it is.

    Args:
        snapshot: Whose.
        archive: Where its file is.
        keys: Only these; None gives all.
        keep: Called again and again meanwhile.

    Raises:
        CorruptFile: The file is broken, and SQL no longer has all that it held.
        FilesReplaced: Something of it was forgotten just now.
    """
    found: dict[str, Question] = {}
    with opened(snapshot, "held_out", archive, keep=keep) as lines:
        for messages in read_chats(iter(lines)):
            question = question_in(messages)
            if keys is None or question.key in keys:
                found.setdefault(question.key, question)
    return found


def answer_names(
    run: Run, evaluation: Mapping[str, Any], *, runs: RunStore, evaluations: EvaluationStore
) -> dict[str, str]:
    """Give, by role, the name that the answers of an evaluation's models are stored under."""
    if named := evaluation.get("answers_in"):
        return dict(named)
    # Evaluations of the first release do not say it.
    return {
        role: stored_name(_trainer_of(role, model, run, runs=runs, evaluations=evaluations), model)
        for role, model in evaluation["models"].items()
    }


def _trainer_of(role: str, model: str, run: Run, *, runs: RunStore, evaluations: EvaluationStore) -> str:
    if role != "champion":
        return run.trainer
    # Whoever was the champion then was made one, and by a run that says where.
    crowned = (row for row in evaluations.champion_history(run.pipeline) if row["model"] == model)
    before = next((row for row in crowned if row["run_id"] != run.run_id), None)
    return runs.get(before["run_id"]).trainer if before else run.trainer
