"""Claimed -> snapshotted: freeze the examples into files named by their content."""

from collections.abc import Iterable, Iterator, Mapping

from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import FrozenExample, Snapshot
from service.usecases.appraise_anew import appraise_anew
from service.usecases.steps.parts import Parts

_LOOKS_EVERY = 100


def freeze(run: Run, parts: Parts) -> Step:
    """Freeze the pipeline's examples as they stand now; the same examples give the same snapshot.

    Where the rules of the checks have changed, first appraise what stands by the new ones, a while at a time.
    """
    if (checked := _check_anew(run, parts)) is not None:
        return Step(run.state, "examples are checked anew", changes={"attempts": 0}, facts={"checked_to": checked})
    watermark, built = parts.archive.build(
        parts.pipeline(run.pipeline),
        model=run.model,
        beside=lambda found: _keeping_the_run(found, run, parts),
        # A killed worker's files are then not lost sight of.
        expect=lambda names: parts.archive.snapshots.expect(names, now=parts.clock()),
    )
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


def _keeping_the_run(found: Iterable[FrozenExample], run: Run, parts: Parts) -> Iterator[FrozenExample]:
    """Stay the one who has the run: a million examples whose tokens must be counted take longer than a lease."""
    extend_at = parts.clock() + parts.timing.lease / 3
    for number, example in enumerate(found):
        if number % _LOOKS_EVERY == 0 and parts.clock() >= extend_at:
            parts.runs.extend(run.run_id, until=parts.clock() + parts.timing.lease)
            extend_at = parts.clock() + parts.timing.lease / 3
        yield example


def _in_words(reasons: Mapping[str, int]) -> str:
    told = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
    return f"; left out or noted: {told}" if told else ""
