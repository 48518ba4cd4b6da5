"""Upload the data rows that are not there, and send those to the project that it does not have."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.setup_lines import Deed, Report
from service.domain.setup_rows import MAX_BATCH_ROWS, RowPlan, UploadRow, free_batch_name, plan_rows
from service.domain.setups import Setup
from service.ports import LabelboxAccount

_SHOWN_REASONS = 5
# One task of Labelbox takes at most 150,000.
_ROWS_AN_UPLOAD = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows go; ids are empty in a dry run that would make what they name.

    Attributes:
        batches: The size of each batch of the project by its name.
    """

    project_id: str
    dataset_id: str
    batches: Mapping[str, int]


def set_up_rows(
    setup: Setup, rows: Sequence[UploadRow], place: Place, *, account: LabelboxAccount, report: Report
) -> None:
    """Bring these rows into the project; those that Labelbox refuses are told by reason, the others go on."""
    plan = _plan(rows, place, account)
    if plan.there:
        report.say("found", f"{plan.there} of the data rows in the project")
    refused = _upload("made", plan.make, place, account, report) | _upload(
        "changed", plan.change, place, account, report
    )
    for reason, count in sorted(Counter(refused.values()).items())[:_SHOWN_REASONS]:
        report.say("refused", f"{count} data rows: {reason}", "Correct them and run the same command again.")
    join = [key for key in plan.join if key not in refused]
    if join:
        _send(setup, join, place, account, report)
    elif size := sum(place.batches.values()):
        report.say("found", f"{size} data rows, sent to the project in {len(place.batches)} batches")
    else:
        remedy = f"Give some: tuneloop labelbox setup {setup.pipeline} --rows FILE."
        report.say("missing", "the project has no data rows", remedy)


def _plan(rows: Sequence[UploadRow], place: Place, account: LabelboxAccount) -> RowPlan:
    keys = [row.global_key for row in rows]
    known = account.known_keys(keys) if keys else set[str]()
    # Only keys that exist are exported: what becomes of others is not documented. Rows come into a project by batches.
    asked = [key for key in keys if key in known] if place.batches else []
    in_project = account.contents_in_project(place.project_id, asked) if asked else {}
    return plan_rows(rows, in_project=in_project, known=known)


def _upload(
    deed: Deed, rows: Sequence[UploadRow], place: Place, account: LabelboxAccount, report: Report
) -> dict[str, str]:
    """Give Labelbox's reason by the key of each row that it refused."""
    refused: dict[str, str] = {}
    if not rows or not report.may(deed, f"{len(rows)} data rows in the dataset"):
        return refused
    for start in range(0, len(rows), _ROWS_AN_UPLOAD):
        refused |= account.upload(place.dataset_id, rows[start : start + _ROWS_AN_UPLOAD], exist=deed == "changed")
    if done := len(rows) - len(refused):
        report.say(deed, f"{done} data rows in the dataset")
    return refused


def _send(setup: Setup, keys: Sequence[str], place: Place, account: LabelboxAccount, report: Report) -> None:
    taken = set(place.batches)
    for start in range(0, len(keys), MAX_BATCH_ROWS):
        part = keys[start : start + MAX_BATCH_ROWS]
        name = free_batch_name(setup.name, taken)
        taken.add(name)
        what = f"batch {name!r} of {len(part)} data rows"
        if not report.may("made", what):
            continue
        arrived = account.create_batch(place.project_id, name, part, priority=setup.priority)
        report.say("made", what)
        if arrived < len(part):
            remedy = "Run the same command again in a minute; rows that the project has already do not count."
            report.say("differs", f"batch {name!r} holds {arrived} of {len(part)}", remedy)
