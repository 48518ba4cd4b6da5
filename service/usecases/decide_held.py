"""Take what a check had held back, or set it aside: a person decides, and for that content it lasts."""

from collections.abc import Collection, Iterable, Sequence

from service.domain.errors import NotFound
from service.domain.examples import Decision, Example
from service.ports import ExampleStore, StoryStore

_AT_ONCE = 1000


def held_examples(examples: ExampleStore, pipelines: Iterable[str], *, reason: str | None, limit: int) -> list[Example]:
    """Give what waits for a decision in these pipelines, those that wait longest first."""
    found = [item for name in pipelines for item in examples.held(name, reason=reason, limit=limit)]
    return found[:limit]


def decide_named(
    decision: Decision,
    names: Sequence[str],
    *,
    examples: ExampleStore,
    stories: StoryStore,
    pipelines: Collection[str],
) -> int:
    """Decide for rows by their names, each a data row's, label's or example's id or a global key.

    Returns:
        The number of examples decided.

    Raises:
        NotFound: Nothing of one of these names waits; then nothing is decided.
    """
    rows: list[str] = []
    for name in names:
        mine = stories.rows_named(name)
        held = [row for pipeline in pipelines for row in examples.existing(pipeline, mine).values()]
        if not any(example.status == "held" for example in held):
            raise NotFound(
                f"nothing of {name!r} waits for a decision", remedy="List what waits: tuneloop datasets held"
            )
        rows += mine
    return sum(len(examples.decide(pipeline, rows, decision)) for pipeline in pipelines)


def decide_all(decision: Decision, reason: str, *, examples: ExampleStore, pipelines: Collection[str]) -> int:
    """Decide for everything that one check holds back; gives the number of examples."""
    number = 0
    for pipeline in pipelines:
        while some := examples.held(pipeline, reason=reason, limit=_AT_ONCE):
            number += len(examples.decide(pipeline, [item.data_row_id for item in some], decision))
    return number
