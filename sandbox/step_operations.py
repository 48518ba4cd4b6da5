"""One step of a labeler as operations: their own, and on a row that asks for several labels those of colleagues."""

from collections.abc import Callable
from dataclasses import replace

from sandbox.given import Given
from sandbox.ids import seeded
from sandbox.label_choice import own
from sandbox.operations import Operation
from sandbox.people import Care
from sandbox.records import ProjectRow
from sandbox.shift import Step

# How well those work whose label the reviewer will not choose.
_COLLEAGUES: tuple[Care, ...] = ("final", "careless")


def operations_of(
    step: Step, project_id: str, row: ProjectRow, write: Callable[[Care], Given], *, people: int, seed: int
) -> list[Operation]:
    """Give what is done, in order.

    Args:
        step: What the labeler or the reviewer does.
        project_id: Where.
        row: As it stands.
        write: Gives what to label with which care.
        people: How many labelers there are; if a row asks for more, more come.
        seed: Decides how well colleagues work, and who is first.
    """
    label = own(row, step.labeler)
    main = Operation(
        name=step.action,
        project_id=project_id,
        data_row_id=step.data_row_id,
        by=step.by,
        given=write(step.care) if step.action in {"submit", "edit"} else None,
        queue=step.detail if step.action == "move" else None,
        seconds=step.seconds,
        # So that the reviewer means the label whose answer will be right.
        label_id=label.id if label and row.expected_labels else None,
    )
    if step.action not in {"submit", "skip"} or row.status != "TO_LABEL" or row.is_full:
        return [main]
    chance = seeded("colleagues", seed, row.data_row.id)
    operations = [main]
    for by in _colleagues(row, main.by, people):
        theirs = replace(main, name="submit", by=by, given=write(chance.choice(_COLLEAGUES)))
        operations.insert(chance.randrange(len(operations) + 1), theirs)
    return operations


def _colleagues(row: ProjectRow, by: str | None, people: int) -> list[str]:
    """Name those who add the labels that will still be missing."""
    missing = (row.expected_labels or 1) - len(row.labels) - 1
    busy = {by, *(label.created_by for label in row.labels)}
    everybody = (f"labeler{n + 1}@example.com" for n in range(people + missing + len(busy)))
    return [one for one in everybody if one not in busy][:missing]
