"""Runs shifts of simulated labelers against the sandbox, in its event loop, at a pace."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from sandbox.core import Sandbox
from sandbox.errors import MalformedRequest, OperationNotAllowed, SandboxError, UnknownResource
from sandbox.given import Given
from sandbox.people import Care, Writer
from sandbox.plain_writer import PlainWriter
from sandbox.project import Project
from sandbox.records import ProjectRow
from sandbox.shift import Shift, Step
from sandbox.step_operations import operations_of

# At full speed the loop must still turn, or nothing would be posted or answered.
_UNPACED_TICKS = 20
_ANYBODY = PlainWriter()


@dataclass(slots=True)
class Run:
    """One project's labelers.

    Attributes:
        rate: Labels per second; 0 for as fast as possible.
        problem: Why they stopped before their target, or None.
    """

    project_id: str
    people: int
    rate: float
    shift: Shift
    running: bool = True
    problem: str | None = None
    queue: deque[str] = field(default_factory=deque)

    def described(self) -> dict[str, object]:
        """Give what the control API shows of it."""
        return {
            "running": self.running,
            "target": self.shift.target,
            "people": self.people,
            "rate": self.rate,
            "problem": self.problem,
        }


class Labelers:
    """All labelers of the sandbox, at most one run a project.

    Args:
        sandbox: Where they work.
        more_rows: Called with a project's id when its queue is empty; may add rows to it.
    """

    def __init__(self, sandbox: Sandbox, more_rows: Callable[[str], None] = lambda _: None) -> None:
        self.writers: dict[str, Writer] = {}
        self.more_rows = more_rows
        self._sandbox = sandbox
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nobody works."""
        return not any(run.running for run in self._runs.values())

    def run_of(self, project_id: str) -> Run | None:
        """Give a project's newest run."""
        return self._runs.get(project_id)

    def work(self, project_id: str, *, approve: int, rate: float, people: int) -> Run:
        """Start a run, or ask the one that there is for more. Call from the event loop.

        Args:
            project_id: Where.
            approve: How many more rows are to end approved.
            rate: Labels per second from now on; 0 for as fast as possible.
            people: How many labelers, if this starts them.

        Raises:
            UnknownResource: No such project.
            OperationNotAllowed: The project has no ontology.
            MalformedRequest: A number is out of range.
        """
        if approve < 1 or rate < 0 or people < 1:
            raise MalformedRequest("approve and people are at least 1, rate at least 0")
        if self._sandbox.organization.project(project_id).ontology is None:
            raise OperationNotAllowed("the project has no ontology, so nobody can answer")
        run = self._runs.get(project_id)
        if run is None:
            run = Run(project_id, people, rate, Shift(seed=self._sandbox.seed, people=people, approve=approve))
            self._runs[project_id] = run
        else:
            run.shift.more(approve)
            run.rate, run.problem = rate, None
        if not run.running or project_id not in self._tasks:
            run.running = True
            self._tasks[project_id] = asyncio.create_task(self._work(run))
        return run

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Send everybody home at the end."""
        try:
            yield
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _work(self, run: Run) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        ticks = 0
        try:
            while not run.shift.is_over:
                steps = run.shift.tick(lambda: self._take_row(run))
                if not steps and run.shift.is_idle:
                    run.shift.call_off()
                    run.problem = "the queue has no more rows"
                    return
                for step in steps:
                    self._do(run, step)
                ticks += 1
                next_at += 1 / run.rate if run.rate else 0.0
                if run.rate or ticks % _UNPACED_TICKS == 0:
                    await asyncio.sleep(max(0.0, next_at - loop.time()))
        except SandboxError as error:
            run.problem = str(error)
        finally:
            run.running = False

    def _take_row(self, run: Run) -> str | None:
        if found := self._next_free(run):
            return found
        self._look(run)
        if found := self._next_free(run):
            return found
        self.more_rows(run.project_id)
        self._look(run)
        return self._next_free(run)

    def _next_free(self, run: Run) -> str | None:
        while run.queue:
            data_row_id = run.queue.popleft()
            if self._is_free(run, data_row_id):
                return data_row_id
        return None

    def _look(self, run: Run) -> None:
        with self._sandbox.lock:
            rows = self._sandbox.organization.project(run.project_id).current_rows()
        waiting = [row for row in rows if row.status in {"IN_REWORK", "TO_LABEL"}]
        # What came back from review is done first; sorting keeps the order of arrival otherwise.
        waiting.sort(key=lambda row: row.status)
        run.queue.extend(row.data_row.id for row in waiting)

    def _is_free(self, run: Run, data_row_id: str) -> bool:
        if run.shift.holds(data_row_id):
            return False
        try:
            row = self._sandbox.organization.project(run.project_id).row(data_row_id)
        except UnknownResource:
            return False
        return row.status in {"IN_REWORK", "TO_LABEL"}

    def _do(self, run: Run, step: Step) -> None:
        try:
            project = self._sandbox.organization.project(run.project_id)
            row = project.row(step.data_row_id)
            write = partial(self._write, project, row)
            seed = self._sandbox.seed
            for operation in operations_of(step, project.id, row, write, people=run.people, seed=seed):
                self._sandbox.perform(operation)
        except (OperationNotAllowed, UnknownResource):
            # Somebody else moved or deleted the row; people shrug and take another one.
            run.shift.give_up(step)

    def _write(self, project: Project, row: ProjectRow, care: Care) -> Given:
        if project.ontology is None:
            raise OperationNotAllowed("the project has no ontology, so nobody can answer")
        return self.writers.get(project.id, _ANYBODY).write(row.data_row, project.ontology, care)
