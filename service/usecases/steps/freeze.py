"""Claimed -> snapshotted: freeze the examples into files named by their content."""

from collections.abc import Mapping

from service.domain.errors import TooFewExamples
from service.domain.pipelines import DatasetPolicy
from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import FileEntry, Snapshot, sizes_of
from service.domain.splits import Split
from service.domain.triggers import too_few
from service.usecases.appraise_anew import appraise_anew
from service.usecases.mend_snapshot import whole_snapshot
from service.usecases.recount_tokens import tokens_for
from service.usecases.steps.lease import keeper
from service.usecases.steps.paid_once import require_first
from service.usecases.steps.parts import Parts


def freeze(run: Run, parts: Parts) -> Step:
    """Freeze the pipeline's examples as they stand now; the same examples give the same snapshot.

    Where the rules of the checks have changed, first appraise what stands by the new ones, a while at a time. A run
    that was started on a snapshot takes that one.

    Raises:
        TooFewExamples: Of what was written; no snapshot names the files then, and they are removed as loose ones.
        TrainedAlready: Another run has trained this very snapshot on this model.
    """
    if run.snapshot_id is not None:
        return _take_frozen(run, parts)
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
    _require_enough(built.files, pipeline.dataset, built.head["reasons"])
    snapshot = Snapshot(built.snapshot_id, run.pipeline, watermark, parts.clock(), built.files, built.head)
    parts.archive.snapshots.add(snapshot)
    require_first(built.snapshot_id, run, parts.runs)
    reasons = built.head["reasons"]
    return Step(
        RunState.SNAPSHOTTED,
        f"{_sizes_in_words(built.files)} frozen{_in_words(reasons)}",
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


def _take_frozen(run: Run, parts: Parts) -> Step:
    """Take the snapshot that the run was started on, verified whole; nothing is built.

    Raises:
        TooFewExamples: It has less than the pipeline wants now.
        CorruptFile: It is no longer whole, and cannot be built again.
    """
    keep = keeper(run, parts)
    snapshot = whole_snapshot(run.snapshot_id or "", parts.archive, keep=keep)
    reasons = snapshot.head.get("reasons", {})
    _require_enough(snapshot.files, parts.pipeline(run.pipeline).dataset, reasons)
    facts = {"reasons": reasons, "train_tokens": tokens_for(snapshot, run.model, parts.archive, keep=keep)}
    return Step(RunState.SNAPSHOTTED, f"{_sizes_in_words(snapshot.files)}, frozen before, taken again", facts=facts)


def _require_enough(files: Mapping[Split, FileEntry], policy: DatasetPolicy, reasons: Mapping[str, int]) -> None:
    """Ask the minimums again: the trigger counts rows, and some of them are only left out when they are written."""
    missing = too_few(policy, **sizes_of(files))
    if missing:
        raise TooFewExamples("; ".join(reason.text for reason in missing) + _in_words(reasons))


def _sizes_in_words(files: Mapping[Split, FileEntry]) -> str:
    sizes = sizes_of(files)
    return f"{sizes['train']} training, {sizes['validation']} validation and {sizes['held_out']} held-out examples"


def _in_words(reasons: Mapping[str, int]) -> str:
    told = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
    return f"; left out or noted: {told}" if told else ""
