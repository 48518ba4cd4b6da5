"""Take what a check had held back, or set it aside: what a person decides lasts for that content and those findings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.domain.checks import CHECKS
from service.domain.errors import NotFound
from service.domain.examples import Example, Verb, may_decide
from service.domain.pipelines import Pipeline
from service.ports import ExampleStore, StoryStore

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Decided:
    """How many examples were decided, and how many were passed over because something else was found in them too."""

    number: int
    passed_over: int = 0


def held_examples(examples: ExampleStore, pipelines: Iterable[str], *, code: str | None, limit: int) -> list[Example]:
    """Give what waits for a decision in these pipelines; what a check found, or all."""
    found = [item for name in pipelines for item in examples.held(name, code=code, limit=limit)]
    return found[:limit]


def decide_named(
    verb: Verb,
    names: Sequence[str],
    *,
    code: str | None,
    examples: ExampleStore,
    stories: StoryStore,
    pipelines: Mapping[str, Pipeline],
) -> Decided:
    """Decide for rows by their names, each a data row's, label's or example's id or a global key.

    Args:
        verb: What was decided; what was decided before may be decided otherwise.
        names: The rows.
        code: Pass over examples in which another check that holds back found something; None for any.
        examples: Where they are.
        stories: Know the names.
        pipelines: In these.

    Raises:
        NotFound: Of one of these names there is nothing to decide; then nothing is decided.
    """
    rows: list[str] = []
    for name in names:
        mine = stories.rows_named(name)
        known = [row for pipeline in pipelines for row in examples.existing(pipeline, mine).values()]
        if not any(map(may_decide, known)):
            raise NotFound(
                f"there is nothing to decide of {name!r}: no check found anything in it",
                remedy="List what waits: tuneloop datasets held",
            )
        rows += mine
    found = [item for name in pipelines for item in examples.existing(name, rows).values() if may_decide(item)]
    number = sum(
        len(examples.decide(name, rows, verb, only=_only(code, pipeline))) for name, pipeline in pipelines.items()
    )
    return Decided(number, sum(code is not None and not set(item.findings) <= {code} for item in found))


def decide_all(verb: Verb, code: str, *, examples: ExampleStore, pipelines: Mapping[str, Pipeline]) -> Decided:
    """Decide for everything that one check alone holds back."""
    number = passed_over = 0
    for name, pipeline in pipelines.items():
        skipped = 0
        # In a stable order: what was passed over stands first.
        while some := examples.held(name, code=code, limit=skipped + _AT_ONCE)[skipped:]:
            ids = [item.data_row_id for item in some]
            done = len(examples.decide(name, ids, verb, only=_only(code, pipeline)))
            number, skipped = number + done, skipped + len(some) - done
        passed_over += skipped
    return Decided(number, passed_over)


def _only(code: str | None, pipeline: Pipeline) -> frozenset[str]:
    """Give the findings that this decision speaks of: this one, and those that hold nothing back."""
    if code is None:
        return frozenset()
    return frozenset({code, *(other for other in CHECKS if pipeline.checks.action_of(other) != "hold")})
