"""Compare a trainer with our runs: jobs and files of ours that no run knows are adopted, stopped, deleted, and told of.

A request whose answer was lost may have worked, a list may have shown it too late, a database may come from a backup.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from service.domain.errors import JobMissing, OrphanFound, RunMoved, ServiceError, TrainerRefused
from service.domain.orphans import Orphan, Standing, may_stop, notice_of, standing_of_job
from service.domain.run_notices import told
from service.domain.runs import TERMINAL, Run, RunState
from service.domain.training_series import moment_of
from service.domain.upload_names import run_of_upload
from service.ports import RemoteFile, RemoteJob, Trainer
from service.usecases.clear_run import clear_run, needed_files
from service.usecases.steps.parts import Parts
from service.usecases.steps.submit import submitted

# A file that is younger may be one that a worker is just about to write down.
FILE_AGE = timedelta(days=1)


@dataclass(slots=True)
class Compared:
    """What a comparison found.

    Attributes:
        errors: What could not be listed or done now, with its remedy; it is tried again at the next comparison.
    """

    orphans: list[Orphan] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def reconcile_trainer(name: str, parts: Parts, *, act: bool = True) -> Compared:
    """Compare one trainer with our runs.

    Args:
        name: The trainer.
        parts: The parts.
        act: Whether to do something about what is found; otherwise it is only said what would be done.
    """
    trainer = parts.account(name).connect()
    comparison = _Comparison(name, trainer, parts, act=act)
    done = Compared()
    for look in (comparison.jobs, comparison.files):
        try:
            for orphan in look():
                done.orphans.append(orphan)
                if act:
                    _tell(orphan, parts)
        except ServiceError as error:
            failed = f"{told(error)['error']}. What to do: {error.remedy}"
            if failed not in done.errors:  # a trainer that is away says the same to every question
                done.errors.append(failed)
    return done


def _tell(orphan: Orphan, parts: Parts) -> None:
    now = parts.clock()
    is_news = parts.notices.put(notice_of(orphan), now=now)
    if is_news and orphan.done == "told":
        # Nobody but a person can say what is right.
        error = OrphanFound(orphan.what, remedy=orphan.remedy)
        parts.letters.put("orphan", orphan.thing_id, error, content=None, now=now)


class _Comparison:
    def __init__(self, name: str, trainer: Trainer, parts: Parts, *, act: bool) -> None:
        self._name, self._trainer, self._parts, self._act = name, trainer, parts, act
        self._installation = parts.aftermath.installation()
        self._standing = {run.run_id: run for run in parts.aftermath.standing_at(name)}

    def jobs(self) -> Iterator[Orphan]:
        """Go through the jobs, oldest first: of several the oldest is kept."""
        # Before anything is decided all is there: a list that breaks off shows the newer ones only.
        listed = list(self._trainer.list_jobs())[::-1]
        runs = _Runs(listed, self._standing, self._parts)
        for job in sorted(listed, key=lambda job: job.created_at):
            run = runs.of(job)
            if run is not None and run.trainer != self._name:
                if self._is_seen_there(run, job):
                    continue  # another table of the configuration leads to the same account
                run = None
            if orphan := self._job(job, run):
                yield orphan
            if orphan and orphan.standing == Standing.ADOPTABLE and run is not None:
                runs.by_id[run.run_id] = replace(run, job_id=job.job_id)

    def _is_seen_there(self, run: Run, job: RemoteJob) -> bool:
        """Say whether the trainer of a run has this job too, as far as anybody can tell now."""
        account = self._parts.accounts.get(run.trainer)
        is_named_ours = job.metadata.get("installation") == self._installation
        if account is None or run.job_id == job.job_id or not is_named_ours:
            return True
        try:
            return account.connect().job(job.job_id).metadata == job.metadata
        except JobMissing:
            return False
        except ServiceError:
            return True  # it is asked again at the next comparison

    def files(self) -> Iterator[Orphan]:
        """Go through the files that are named as ours are."""
        listed = [(file, run_of_upload(file.name, installation=self._installation)) for file in self._files()]
        known = self._parts.aftermath.named([run_id for _, run_id in listed if run_id])
        needed = needed_files(self._name, self._parts)
        before = (self._parts.clock() - FILE_AGE).timestamp()
        for file, run_id in listed:
            if run_id and 0 < file.created_at < before and file.file_id not in needed:
                run = known.get(run_id)
                if not self._is_looked_after(file, run):
                    yield self._file(file, run_id, run)

    def _files(self) -> list[RemoteFile]:
        return list(self._trainer.list_files())

    def _is_looked_after(self, file: RemoteFile, run: Run | None) -> bool:
        if run is None:
            return False
        if run.trainer != self._name and run.trainer in self._parts.accounts:
            return True  # another table of the configuration leads to the same account
        is_named = file.file_id in {run.fact("training_file"), run.fact("validation_file")}
        return run.state not in TERMINAL or (is_named and run.run_id in self._standing)

    def _file(self, file: RemoteFile, run_id: str, run: Run | None) -> Orphan:
        done = "deleted"
        if self._act:
            try:
                self._trainer.delete_file(file.file_id)
            except TrainerRefused:
                done = "told"
        standing, whose = (
            (Standing.ENDED, f"run {run_id}, which has ended")
            if run is not None
            else (Standing.UNKNOWN, f"run {run_id}, which this installation does not know")
        )
        what = f"{file.name} of {_day(file.created_at)} was uploaded for {whose}"
        return Orphan(self._name, "file", file.file_id, run_id, standing, what, done)

    def _job(self, job: RemoteJob, run: Run | None) -> Orphan | None:
        named = job.metadata.get("installation")
        standing = standing_of_job(
            job.job_id,
            run,
            installation=self._installation,
            named_installation=named,
            is_cleared=run is not None and run.run_id not in self._standing,
        )
        is_open = job.outcome == "open"
        is_settled = standing == Standing.ENDED and run is not None and run.job_id == job.job_id and not is_open
        if is_settled or standing in {Standing.FOREIGN, Standing.KNOWN}:
            return None
        done = "told"
        if standing == Standing.ADOPTABLE and run is not None:
            if self._act and not self._adopt(run, job):
                return None  # a worker has the run in hand, and searches itself
            done = "adopted"
        elif may_stop(standing, installation=self._installation, named_installation=named):
            done = self._end(run, job) if is_open or standing == Standing.ENDED else "told"
        run_id = run.run_id if run else job.metadata.get("run_id")
        words = _WORDS[standing].format(run=run_id)
        what = f"job {job.job_id} of {_day(job.created_at)}, {job.status}, {words}"
        return Orphan(self._name, "job", job.job_id, run_id, standing, what, done)

    def _adopt(self, run: Run, job: RemoteJob) -> bool:
        now = self._parts.clock()
        if run.state == RunState.UPLOADED:
            self._parts.runs.hurry(run.run_id)
            held = self._parts.runs.lease(run.run_id, until=now + self._parts.timing.lease, now=now)
            if held is None or held.job_id is not None:
                return False
            run = held
        with suppress(RunMoved):
            self._parts.runs.record(run, submitted(job, "job found in the trainer's list and adopted"), now=now)
            self._parts.queue.wake("advance_run", run.run_id)
            return True
        return False

    def _end(self, run: Run | None, job: RemoteJob) -> str:
        """Stop a job if it is open; that of a run that ended without one is its own from now on, and billed."""
        is_open = job.outcome == "open"
        if self._act:
            if run is not None and self._parts.aftermath.attach(run.run_id, job.job_id):
                clear_run(run.run_id, self._parts)
            elif is_open:
                # One that ended meanwhile is refused, and needs no stopping.
                with suppress(TrainerRefused):
                    self._trainer.cancel(job.job_id)
        return "cancelled" if is_open else "billed"


class _Runs:
    """Which run a job is of: by its id, by what its metadata name, or by its file where it has no metadata."""

    def __init__(self, jobs: list[RemoteJob], standing: Mapping[str, Run], parts: Parts) -> None:
        self.by_id = parts.aftermath.named([job.metadata["run_id"] for job in jobs if job.metadata.get("run_id")])
        self._owners = parts.aftermath.owners([job.job_id for job in jobs])
        self._by_file = {
            run.fact("training_file"): run.run_id for run in standing.values() if run.fact("training_file")
        }
        self.by_id |= {run.run_id: run for run in [*self._owners.values(), *standing.values()]}

    def of(self, job: RemoteJob) -> Run | None:
        named = job.metadata.get("run_id")
        owner = self._owners.get(job.job_id)
        if owner is not None and named in {None, owner.run_id}:
            return owner
        return self.by_id.get(str(named or self._by_file.get(job.training_file)))


_WORDS: Mapping[Standing, str] = {
    Standing.ADOPTABLE: "was created for run {run}, which waits for it",
    Standing.DOUBLE: "was created for run {run}, which has another one; what it costs is in no ledger",
    Standing.ENDED: "was created for run {run}, which has ended",
    Standing.UNKNOWN: "was created by this installation for run {run}, which does not know of it",
}


def _day(created_at: int) -> str:
    at = moment_of(created_at)
    return f"{at:%Y-%m-%d %H:%M}" if at else "an unknown day"
