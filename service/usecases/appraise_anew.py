"""Appraise what stands by new rules, from its own text: what a snapshot takes was checked by what is configured now."""

from collections.abc import Callable

from service.domain.appraisals import question_in
from service.domain.examples import Change, Example, Planner, Standing
from service.domain.labels import RowOutcome
from service.domain.pipelines import Pipeline
from service.ports import ExampleStore
from service.usecases.write_examples import Appraisers, Batch

_AT_ONCE = 500


def appraise_anew(
    pipeline: Pipeline, *, examples: ExampleStore, appraisers: Appraisers, after: str, may_go_on: Callable[[], bool]
) -> str | None:
    """Appraise a pipeline's examples by today's rules, unless they were.

    Args:
        pipeline: Whose.
        examples: Where they are.
        appraisers: Each pipeline's.
        after: Where the last call ended; empty to begin with.
        may_go_on: Asked after each part; False leaves the rest to the next call.

    Returns:
        Where it ended; None when all are done.
    """
    appraiser = appraisers(pipeline)
    rules = appraiser.rules()
    if examples.rules_of(pipeline.name) == rules:
        return None
    while some := examples.to_appraise(pipeline.name, appraiser.made_with, after=after, limit=_AT_ONCE):
        batch = Batch(pipeline, appraiser, examples)

        def plan(standing: Standing, some: list[Example] = some, batch: Batch = batch) -> list[Change]:
            # What a converter has written in the meantime is newer, and was read by the same rules.
            still = [now for old in some if (now := standing.before.get(old.data_row_id)) and _is_same(old, now)]
            return [
                change
                for example in still
                for change in Planner(pipeline, example.observed_at, batch.appraise, appraiser.mark).plan(
                    [_remembered(example)], standing
                )
            ]

        examples.apply(pipeline.name, plan, wanted=batch.wanted([_remembered(example) for example in some]))
        after = some[-1].data_row_id
        if not may_go_on():
            return after
    examples.note_rules(pipeline.name, rules)
    return None


def _is_same(old: Example, now: Example) -> bool:
    return (old.status, old.content_hash, old.observed_at) == (now.status, now.content_hash, now.observed_at)


def _remembered(example: Example) -> RowOutcome:
    is_choice, limits = question_in(example.appraised)
    return RowOutcome(
        data_row_id=example.data_row_id,
        global_key=example.global_key,
        activity_at=example.activity_at,
        label_id=example.label_id,
        choice=example.choice,
        content=example.content,
        is_choice=is_choice,
        limits=limits,
        metadata=example.metadata,
        is_remembered=True,
    )
