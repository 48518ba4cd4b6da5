"""Erase what data rows said, everywhere the service holds it, and keep it from coming back.

The tombstone comes first and the text that tells where else it is comes last: whoever is killed in between, the next
call completes. Nothing here is undone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from service.domain.contents import Content
from service.domain.deliveries import without_texts
from service.domain.errors import CorruptFile, ServiceError
from service.domain.questions import question_in
from service.domain.snapshots import frozen_lines, read_chats
from service.ports import Clock, ErasureStore, Inbox, RunStore, StoryStore
from service.usecases.archive import Archive
from service.usecases.redact_snapshot import redact_snapshot, remove_loose_files
from service.usecases.steps.parts import TrainerAccount
from service.usecases.survey import Seen, Survey, survey

# Longer than a lease: a step whose worker was killed is over by then.
PATIENCE = timedelta(minutes=2)
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Erasing:
    """What the use case works on.

    Attributes:
        inbox: Connects to it.
        remove_copies: Removes exports that are left on disk and mention one of these data rows; gives their number.
        wait: Waits so many seconds.
    """

    archive: Archive
    erasures: ErasureStore
    stories: StoryStore
    runs: RunStore
    accounts: Mapping[str, TrainerAccount]
    inbox: Callable[[], Inbox]
    remove_copies: Callable[[Collection[str]], int]
    clock: Clock
    wait: Callable[[float], None]

    def survey(self, row_ids: Sequence[str]) -> Survey:
        """See ``survey``."""
        return survey(row_ids, stories=self.stories, archive=self.archive, erasures=self.erasures)


@dataclass(frozen=True, slots=True)
class Left:
    """What could not be erased, why, and what to do about it."""

    what: str
    error: str
    remedy: str


@dataclass(slots=True)
class Forgotten:
    """What was done.

    Attributes:
        done: How many of what were erased.
        left: What was not.
        is_compact: Whether Redis wrote its disk anew; a hosted one does so by its own rules.
    """

    survey: Survey
    done: dict[str, int] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    is_compact: bool = True

    def attempt(self, what: str, act: Callable[[], int], *, named: str | None = None) -> None:
        """Do one thing and count it; if it fails, that is said under its name, and the rest is done all the same."""
        try:
            self.done[what] = self.done.get(what, 0) + act()
        except ServiceError as error:
            self.left.append(Left(named or what, f"{type(error).__name__}: {error}", error.remedy))


def forget(row_ids: Sequence[str], parts: Erasing, *, by: str, provider_files: bool = False) -> Forgotten:
    """Forget data rows in all pipelines.

    Args:
        row_ids: Their ids.
        parts: See ``Erasing``.
        by: On whose word.
        provider_files: Whether to delete the files at the trainers that hold them.
    """
    before = parts.survey(row_ids)
    parts.erasures.bury(before.rows, by=by)
    names = sorted({*parts.archive.pipelines, *(pipeline for pipeline, _ in before.examples)})
    for pipeline in names:
        parts.erasures.withdraw(pipeline, row_ids)
    done_at = parts.clock()
    busy = _let_steps_end(parts)
    # Whatever is frozen from now on is frozen without them; what was being frozen is there now.
    report = Forgotten(parts.survey(row_ids))
    _erase_files(report, parts)
    if not busy:
        # Whoever is still at it may be about to name some of them.
        report.attempt("files deleted", lambda: remove_loose_files(parts.archive, until=done_at))
    busy = sorted({*busy, *_let_steps_end(parts)})
    report.left += [Left("runs", f"somebody is still at work for {name}", "Run this command again.") for name in busy]
    # What it is about to store is only found by the texts: they are left for the next call.
    _erase_rows(report, row_ids, () if busy else names, parts)
    _erase_deliveries(report, row_ids, parts)
    if provider_files:
        _delete_provider_files(report, parts)
    report.attempt("disk", parts.erasures.scrub)
    return report


def _let_steps_end(parts: Erasing) -> list[str]:
    """Wait until the steps that are in progress now have ended; give the runs and evaluations whose step did not."""
    until = parts.clock() + PATIENCE
    standing = _in_hand(parts)
    while standing and parts.clock() < until:
        parts.wait(_PAUSE_S)
        # A step that ended was written down; the next one begins with what is true now.
        still = _in_hand(parts)
        standing = {name: at for name, at in standing.items() if still.get(name) == at}
    return sorted(standing)


def _in_hand(parts: Erasing) -> dict[str, datetime]:
    """Give what somebody works at now: the runs, and the evaluations that are no run, with when their step began."""
    now = parts.clock()
    runs = {f"run {run.run_id}": run.updated_at for run in parts.runs.in_hand(now=now)}
    return runs | {f"evaluation {name}": at for name, at in parts.erasures.turns(now=now).items()}


def _erase_files(report: Forgotten, parts: Erasing) -> None:
    """Take the lines out of every snapshot."""
    for snapshot_id in report.survey.lost:
        error = CorruptFile(f"the manifest of snapshot {snapshot_id[:16]} is lost: nobody can say what its files hold")
        report.left.append(Left("snapshot lines", str(error), f"{error.remedy} Then run this command again."))
    ids: dict[str, set[str]] = {}
    for held in report.survey.holdings:
        ids.setdefault(held.snapshot_id, set()).add(held.line.example_id)
    for snapshot_id, mine in ids.items():
        report.attempt(
            "snapshot lines",
            partial(redact_snapshot, snapshot_id, mine, parts.archive, now=parts.clock()),
            named=f"snapshot {snapshot_id[:16]}",
        )


def _erase_rows(report: Forgotten, row_ids: Sequence[str], pipelines: Sequence[str], parts: Erasing) -> None:
    """Take everything out of the database, the texts themselves last: they tell where the rest is."""
    runs = [seen.run.run_id for seen in report.survey.runs]
    said = parts.erasures.contents(sorted(report.survey.examples.values()))
    asked = sorted(set(_questions(report.survey, said, parts.archive)))
    report.attempt("answers", lambda: parts.erasures.erase_answers(asked, runs))
    texts = {text for _, _, content in said for turn in content for text in (turn.content, *turn.rejected)}
    report.attempt("quotes", lambda: parts.erasures.erase_quotes(runs, texts))
    for pipeline in pipelines:
        report.attempt("examples", partial(parts.erasures.erase, pipeline, row_ids))


def _questions(found: Survey, contents: Iterable[tuple[str, int, Content]], archive: Archive) -> Iterator[str]:
    """Give the keys of whatever models may have been asked of these rows, under every system text there was."""
    pipelines = {example_id: pipeline for (pipeline, _), example_id in found.examples.items()}
    systems = {pipeline.name: {pipeline.system} for pipeline in archive.pipelines.values()}
    for held in found.holdings:
        systems.setdefault(held.pipeline, set()).add(archive.snapshots.get(held.snapshot_id).head["system"])
    for example_id, _, content in contents:
        if len(content) > 1:
            for system in systems.get(pipelines[example_id], ()):
                lines = frozen_lines(content, split="held_out", system=system, form="chat")
                yield from (question_in(chat).key for chat in read_chats(lines))


def _erase_deliveries(report: Forgotten, row_ids: Sequence[str], parts: Erasing) -> None:
    """Take the texts out of what rang for the rows, wherever it waits; what rings still rings."""
    report.attempt("dead letters", lambda: parts.erasures.erase_letters(row_ids))
    report.attempt("deliveries", lambda: parts.inbox().rewrite(lambda delivery: without_texts(delivery, row_ids)))
    report.attempt("export copies", lambda: parts.remove_copies(row_ids))

    def compact() -> int:
        report.is_compact = parts.inbox().compact()
        return int(report.is_compact)

    report.attempt("redis", compact)


def _delete_provider_files(report: Forgotten, parts: Erasing) -> None:
    """Delete the uploads, each once; one that an open run still needs stays."""
    found: dict[tuple[str, str], list[Seen]] = {}
    for seen in report.survey.runs:
        for file_id in seen.provider_files:
            found.setdefault((seen.run.trainer, file_id), []).append(seen)
    for (trainer, file_id), runs in found.items():
        needed = [seen.run.run_id for seen in runs if seen.needs_files]
        what = f"file {file_id} at trainer {trainer}"
        if needed:
            remedy = f"Let it end or cancel it (tuneloop runs cancel {needed[0]}), then run this command again."
            report.left.append(Left(what, f"run {needed[0]} still needs it", remedy))
        elif trainer not in parts.accounts:
            remedy = "Put it back into the configuration and run this command again, or delete the file there by hand."
            report.left.append(Left(what, f"trainer {trainer} is no longer configured", remedy))
        else:
            report.attempt("provider files", partial(_delete, trainer, file_id, parts), named=what)


def _delete(trainer: str, file_id: str, parts: Erasing) -> int:
    parts.accounts[trainer].connect().delete_file(file_id)
    return 1
