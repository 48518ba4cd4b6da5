"""What stands at a trainer that no run of ours knows, and what may be done about it."""

from dataclasses import dataclass
from enum import StrEnum

from service.domain.notices import Notice
from service.domain.runs import TERMINAL, Run, RunState


class Standing(StrEnum):
    """How a job at a trainer stands to our runs."""

    FOREIGN = "foreign"
    KNOWN = "known"
    ADOPTABLE = "adoptable"
    DOUBLE = "double"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A job or file of ours that its run does not know.

    Attributes:
        kind: ``job`` or ``file``.
        standing: Of a job, how it stands to our runs; of a file ``ended`` or ``unknown``, as its run is.
        what: The same in words.
        done: What was done, or would be: ``adopted``, ``cancelled``, ``billed``, ``deleted`` or ``told``.
    """

    trainer: str
    kind: str
    thing_id: str
    run_id: str | None
    standing: Standing
    what: str
    done: str

    @property
    def remedy(self) -> str:
        """What a person does about what was only told of; nothing about the rest."""
        if self.done != "told":
            return ""
        return f"{_REMEDIES[self.kind, self.standing].format(trainer=self.trainer)} {_PUT_AWAY}"


_DELETE = "Delete it in the console of trainer {trainer}: it refused to do so when asked from here."
_STOP = "If it still runs and nobody needs it, cancel it in the console of trainer {trainer}."
_REMEDIES = {
    ("file", Standing.ENDED): _DELETE,
    ("file", Standing.UNKNOWN): _DELETE,
    ("job", Standing.DOUBLE): _STOP,
    ("job", Standing.ENDED): _STOP,
    ("job", Standing.UNKNOWN): f"If the database comes from an older backup, restore a newer one. {_STOP}",
}
_PUT_AWAY = "Then put its letter away: tuneloop dead-letters list names it, tuneloop dead-letters dismiss closes it."


def standing_of_job(
    job_id: str, run: Run | None, *, installation: str, named_installation: str | None, is_cleared: bool
) -> Standing:
    """Say how a job stands to the run that its metadata or its file names.

    Args:
        job_id: The job.
        run: The run of ours, None where there is none of that id.
        installation: Ours.
        named_installation: What the job's metadata says, None where they say nothing.
        is_cleared: Whether nothing of the run is looked after any more.
    """
    if named_installation not in {None, installation}:
        return Standing.FOREIGN
    if run is None:
        return Standing.UNKNOWN if named_installation else Standing.FOREIGN
    if run.job_id == job_id:
        # A run that is not cleared stops its job itself.
        return Standing.ENDED if is_cleared else Standing.KNOWN
    if run.job_id is not None:
        return Standing.DOUBLE
    if run.state in TERMINAL:
        return Standing.ENDED
    is_waited_for = run.state == RunState.UPLOADED or run.fact("resume") == RunState.UPLOADED
    # A run that has not come so far has no job, unless its database is from an older backup.
    return Standing.ADOPTABLE if is_waited_for else Standing.UNKNOWN


def may_stop(standing: Standing, *, installation: str, named_installation: str | None) -> bool:
    """Say whether a job may be cancelled: only where it says itself that it is ours, and a run says it is needless."""
    return named_installation == installation and standing in {Standing.DOUBLE, Standing.ENDED}


def notice_of(orphan: Orphan) -> Notice:
    """Tell of an orphan, once."""
    return Notice(
        kind="orphan_found",
        key=f"{orphan.trainer}/{orphan.kind}/{orphan.thing_id}/{orphan.done}",
        title=f"{orphan.kind} {orphan.thing_id} at trainer {orphan.trainer}: {orphan.done}",
        text=f"{orphan.what}. {orphan.remedy or 'Nothing is to be done. See docs/runs.md.'}",
        facts={
            "trainer": orphan.trainer,
            "kind": orphan.kind,
            "id": orphan.thing_id,
            "run_id": orphan.run_id,
            "standing": orphan.standing.value,
            "done": orphan.done,
        },
    )
