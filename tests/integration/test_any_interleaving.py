"""Whatever people do and whatever is lost, doubled, late, killed or short: the examples equal what Labelbox holds."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from sandbox.errors import OperationNotAllowed
from sandbox.faults import Faults
from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.server import RunningSandbox, serve_in_thread
from service.adapters.labelbox_source import LabelboxSource
from service.adapters.sql_engine import make_engine
from service.domain.errors import ServiceError
from service.domain.pipelines import LabelPolicy
from tests.support.builders import make_delivery, make_pipeline
from tests.support.conversion import Desk
from tests.support.fake_labelbox import FakeLabelbox

ROWS = [f"row-{number}" for number in range(5)]
STATUSES = ["DONE", "DONE", "IN_REVIEW", "IN_REWORK", "TO_LABEL"]


class Town:
    """People, the post and some workers, of whom any may be killed."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.box = desk, desk.labelbox
        # What was posted and has not arrived: topic and body.
        self.post: list[tuple[str, bytes]] = []
        self.words = 0

    # People.

    def write(self, row_id: str, label: int, status: str, copies: int) -> None:
        """Label a row, add a second label to it, or edit one."""
        self.words += 1
        label_id = f"label-{row_id}-{label}"
        row = self.box.rows_by_id.get(row_id)
        topic = "LABEL_UPDATED" if row and label_id in row.labels else "LABEL_CREATED"
        if row is None:
            self.box.add(row_id, f"the chat of {row_id}")
        self.box.label(row_id, f"words {self.words}", label_id=label_id, status=status)
        self._tell(topic, row_id, label_id, copies)

    def delete(self, row_id: str, copies: int) -> None:
        """Delete the newest label of a row."""
        if (row := self.box.rows_by_id.get(row_id)) and row.labels:
            label_id = list(row.labels)[-1]
            self.box.delete_label(row_id, label_id)
            self._tell("LABEL_DELETED", row_id, label_id, copies)

    def skip(self, row_id: str, copies: int) -> None:
        """Pass a row by."""
        if row_id in self.box.rows_by_id:
            self.box.skip(row_id, f"label-{row_id}-0")
            self._tell("LABEL_UPDATED", row_id, f"label-{row_id}-0", copies)

    def move(self, row_id: str, status: str, copies: int) -> None:
        """Approve, reject, or move back."""
        if row_id in self.box.rows_by_id:
            self.box.move(row_id, status)
            self._tell("WORKFLOW_ACTION", row_id, None, copies)

    def remove(self, row_id: str, copies: int) -> None:
        """Delete a data row: nobody can bring it back under its id."""
        if self.box.rows_by_id.pop(row_id, None) is not None:
            self._tell("LABEL_DELETED", row_id, f"label-{row_id}-0", copies)

    def _tell(self, topic: str, row_id: str, label_id: str | None, copies: int) -> None:
        self.post += [(topic, self.box.webhook_body(row_id, label_id))] * copies

    # The post and the world.

    def deliver(self, position: int, number: int) -> None:
        """Bring some of what was posted, in any order."""
        for _ in range(min(number, len(self.post))):
            topic, body = self.post.pop(position % len(self.post))
            self.desk.inbox.put_back(make_delivery(body, topic, received_at=self.desk.clock.now))

    def lag(self, lags: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        """Let exports show what is true now from here on, or catch up."""
        if lags:
            self.box.lag()
        else:
            self.box.catch_up()

    def trouble(self, hidden: set[str], unlisted: set[str], garbled: set[str], bad: tuple[int, int, int]) -> None:
        """Let exports be short, late, failing."""
        self.box.hidden, self.box.unlisted, self.box.garbled = hidden, unlisted, garbled
        self.box.polls, self.box.failing, self.box.breaking = bad

    # Workers.

    def convert(self, seconds: int, killed: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        with self._perhaps_killed(killed):
            self.desk.convert(self.desk.inbox_of(f"worker-{seconds}"), seconds=seconds)

    def reconcile(self, seconds: int, killed: bool, whole: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        with self._perhaps_killed(killed):
            self.desk.reconciling.want("project-1", whole=whole)
            self.desk.look_round(seconds=seconds)

    @contextmanager
    def _perhaps_killed(self, killed: bool) -> Iterator[None]:  # noqa: FBT001 - as above
        def kill() -> None:
            raise KeyboardInterrupt

        def nothing() -> None:
            pass

        self.box.after_reading = kill if killed else nothing
        with suppress(KeyboardInterrupt):
            yield
        self.box.after_reading = nothing

    def quiet_down(self) -> None:
        """Let the world be kind from now on; what was asked for before may still come to a bad end."""
        self.box.catch_up()
        self.trouble(set(), set(), set(), (0, 0, 0))
        self.desk.clock.forward(700)

    def reconcile_all(self) -> Mapping[str, Any]:
        """Let a person reconcile until it succeeds."""
        for _ in range(3):
            with suppress(ServiceError):
                return self.desk.found(whole=True)
        raise AssertionError("the reconcile does not come to its end")


rows, copies = st.sampled_from(ROWS), st.sampled_from([0, 1, 1, 2])
some = st.sets(rows, max_size=3)
seconds = st.sampled_from([0, 1, 31, 700])
people = st.one_of(
    st.tuples(st.just("write"), rows, st.integers(0, 1), st.sampled_from(STATUSES), copies),
    st.tuples(st.just("delete"), rows, copies),
    st.tuples(st.just("skip"), rows, copies),
    st.tuples(st.just("move"), rows, st.sampled_from(STATUSES), copies),
    st.tuples(st.just("remove"), rows, copies),
)
world = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, 9), st.integers(1, 4)),
    st.tuples(st.just("lag"), st.booleans()),
    st.tuples(
        st.just("trouble"), some, some, some, st.tuples(st.integers(0, 80), st.integers(0, 2), st.integers(0, 2))
    ),
)
workers = st.one_of(
    st.tuples(st.just("convert"), seconds, st.booleans()),
    st.tuples(st.just("reconcile"), seconds, st.booleans(), st.booleans()),
)
steps = st.lists(st.one_of(people, people, world, workers), max_size=45)


@pytest.fixture
def towns(redis: Redis, sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[], Town]]:
    """Give new towns, each with nothing stored."""
    engines = []

    def found() -> Town:
        path = tmp_path / f"{len(engines)}.db"
        shutil.copyfile(sqlite_template, path)
        redis.flushall()
        engines.append(make_engine(f"sqlite:///{path}"))
        return Town(Desk(engines[-1], redis))

    yield found
    for engine in engines:
        engine.dispose()


def is_true(desk: Desk, labelbox: FakeLabelbox) -> bool:
    known = desk.examples.existing("summaries", ROWS)
    # No row is both example and reject.
    assert all((example.status == "active") == (example.reason is None) for example in known.values())
    return desk.texts() == labelbox.texts()


@settings(max_examples=60)
@given(steps=steps)
def test_after_one_reconcile_the_examples_are_what_labelbox_holds(
    towns: Callable[[], Town], steps: list[tuple[object, ...]]
) -> None:
    town = towns()
    for name, *arguments in steps:
        town.desk.clock.forward(1)
        getattr(town, str(name))(*arguments)
        states = [export.state.value for export in town.desk.all_exports()]
        assert states.count("running") <= 1
    town.quiet_down()
    assert town.reconcile_all()["left"] == 0
    assert is_true(town.desk, town.box)
    # What arrives late, and what a worker still had in hand, changes nothing any more.
    town.deliver(0, len(town.post))
    for _ in range(4):
        town.desk.convert(seconds=700)
    assert town.desk.inbox.depth() == 0
    assert is_true(town.desk, town.box)
    again = town.desk.found(whole=True)
    assert (again["drift"], again["labels_there"], again["labels_here"]) == (0, *[len(town.box.texts())] * 2)


@settings(max_examples=30)
@given(moves=st.lists(st.tuples(people, st.booleans()), max_size=30))
def test_without_losses_no_reconcile_is_needed_and_converting_twice_changes_nothing(
    towns: Callable[[], Town], moves: list[tuple[tuple[object, ...], bool]]
) -> None:
    town, posted = towns(), []
    for (name, *arguments), converts in moves:
        town.desk.clock.forward(1)
        getattr(town, str(name))(*arguments[:-1], 1)
        posted += town.post
        town.deliver(0, len(town.post))
        if converts:
            town.desk.convert()
    for _ in range(4):
        town.desk.convert(seconds=700)
    assert is_true(town.desk, town.box)
    town.post = posted
    town.deliver(0, len(posted))
    assert sum(town.desk.convert(seconds=700).changes for _ in range(4)) == 0
    assert (town.desk.inbox.depth(), town.desk.errors()) == (0, [])
    assert is_true(town.desk, town.box)


# The same on the sandbox, through the real SDK.


@pytest.fixture
def sandbox(desk: Desk) -> Iterator[RunningSandbox]:
    """Give a sandbox that lives at the desk's own time."""
    with serve_in_thread(clock=desk.clock) as running:
        yield running


def make_project(sandbox: RunningSandbox) -> Project:
    core, at = sandbox.core, sandbox.core.now()
    organization = core.organization
    project = organization.create_project("p", description="", media_type="TEXT", at=at)
    questions = {"classifications": [{"type": "text", "name": "summary", "instructions": "Summary:"}]}
    project.ontology = organization.create_ontology("o", questions, media_type="TEXT", at=at)
    dataset = organization.create_dataset("d", description="", at=at)
    added = add_texts(organization, dataset.id, [(f"key-{n}", f"chat {n}") for n in range(6)], at)
    project.add(organization.create_batch(project, "first", at), added, priority=5, at=at)
    return project


def approved(project: Project) -> dict[str, str]:
    return {
        row.data_row.id: row.labels[0].classifications[0]["text_answer"]["content"]
        for row in project.current_rows()
        if row.status == "DONE" and row.labels and not row.labels[0].skipped
    }


NAMES = ["submit", "submit", "submit", "edit", "approve", "approve", "approve", "reject", "skip", "delete_label"]


@pytest.mark.parametrize("seed", range(3))
def test_the_sandbox_is_mirrored_through_the_real_sdk(
    desk: Desk, sandbox: RunningSandbox, tmp_path: Path, seed: int
) -> None:
    random, core, project = Random(seed), sandbox.core, make_project(sandbox)
    desk.pipelines = {"summaries": make_pipeline(labels=LabelPolicy(project.id))}
    source = desk.labels = LabelboxSource(api_key="any", endpoint=sandbox.url, folder=tmp_path / "exports")
    posted: list[tuple[str, bytes]] = []
    core.outbox = lambda owed: posted.extend((delivery.topic, delivery.body) for delivery in owed)
    topics = ("LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED", "WORKFLOW_ACTION")
    core.organization.create_webhook(
        url="http://127.0.0.1:9", secret="s", topics=topics, project_id=project.id, at=core.now()
    )
    with closing(source._client.connection):  # noqa: SLF001 - an open socket would be a warning, and so an error
        for move in range(60):
            desk.clock.forward(random.choice([1, 5, 40]))
            name = random.choice([*NAMES, "move", "delete_data_row"] if move > 30 else NAMES)
            row = random.choice(list(project.current_rows()) or [None])
            if row is None:
                break
            with suppress(OperationNotAllowed):
                answers = {"summary": f"größer {move} ✓"} if name in {"submit", "edit"} else None
                queue = random.choice(["labeling", "review", "rework", "done"]) if name == "move" else None
                core.perform(Operation(name, project.id, row.data_row.id, answers=answers, queue=queue))
            random.shuffle(posted)
            for topic, body in posted[: random.randrange(3)]:
                desk.inbox.put_back(make_delivery(body, topic, received_at=desk.clock.now))
            del posted[: random.randrange(3)]
            if random.random() < 0.3:
                core.faults = Faults(
                    export_lag_s=random.choice([0, 0, 30]),
                    export_polls=random.randrange(3),
                    failed_exports=random.choice([0, 0, 1]),
                )
            if random.random() < 0.3:
                desk.convert()
            if random.random() < 0.1:
                desk.look_round()
        core.faults = Faults()
        for _ in range(4):
            desk.convert(seconds=700)
            desk.look_round(seconds=31)
        desk.found(whole=True)
        assert desk.texts() == approved(project)
        assert desk.texts()
        assert desk.found(whole=True)["drift"] == 0
    assert (desk.inbox.depth(), desk.errors()) == (0, [])
