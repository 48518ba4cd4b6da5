"""Claimed -> snapshotted: freeze the examples into files named by their content."""

from collections.abc import Mapping

from service.domain.errors import TooFewExamples
from service.domain.pipelines import DatasetPolicy
from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import Snapshot
from service.domain.triggers import too_few
from service.usecases.appraise_anew import appraise_anew
from service.usecases.build_snapshot import Built
from service.usecases.steps.lease import keeper
from service.usecases.steps.parts import Parts


def freeze(run: Run, parts: Parts) -> Step:
    """Freeze the pipeline's examples as they stand now; the same examples give the same snapshot.

    Where the rules of the checks have changed, first appraise what stands by the new ones, a while at a time.

    Raises:
        TooFewExamples: Of what was written; no snapshot names the files then, and they are removed as loose ones.
    """
    pipeline = parts.pipeline(run.pipeline)
    if (checked := _check_anew(run, parts)) is not None:
        return Step(run.state, "examples are checked anew", changes={"attempts": 0}, facts={"checked_to": checked})
    watermark, built = parts.archive.build(
        pipeline,
        model=run.model,
        # A million examples whose tokens must be counted take longer than a lease.
        keep=keeper(run, parts),
        # A killed worker's files are then not lost sight of.
        expect=lambda names: parts.archive.snapshots.expect(names, now=parts.clock()),
    )
    _require_enough(built, pipeline.dataset)
    snapshot = Snapshot(built.snapshot_id, run.pipeline, watermark, parts.clock(), built.files, built.head)
    parts.archive.snapshots.add(snapshot)
    reasons = built.head["reasons"]
    return Step(
        RunState.SNAPSHOTTED,
        f"{built.files['train'].examples} training, {built.files['validation'].examples} validation and "
        f"{built.files['held_out'].examples} held-out examples frozen{_in_words(reasons)}",
        changes={"snapshot_id": snapshot.snapshot_id, "watermark": watermark},
        facts={"reasons": reasons},
    )


def _check_anew(run: Run, parts: Parts) -> str | None:
    deadline = parts.clock() + parts.timing.slice
    return appraise_anew(
        parts.pipeline(run.pipeline),
        examples=parts.archive.examples,
        appraisers=parts.appraisers,
        after=str(run.fact("checked_to") or ""),
        may_go_on=lambda: parts.clock() < deadline,
    )


def _require_enough(built: Built, policy: DatasetPolicy) -> None:
    """Ask the minimums again: the trigger counts rows, and some of them are only left out when they are written."""
    sizes = {split: file.examples or 0 for split, file in built.files.items()}
    missing = too_few(policy, train=sizes["train"], validation=sizes["validation"], held_out=sizes["held_out"])
    if missing:
        raise TooFewExamples("; ".join(reason.text for reason in missing) + _in_words(built.head["reasons"]))


def _in_words(reasons: Mapping[str, int]) -> str:
    told = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
    return f"; left out or noted: {told}" if told else ""
