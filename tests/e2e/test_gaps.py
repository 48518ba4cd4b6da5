"""Gaps as an operator has them: the real SDK and sandbox, a real trainer, worker and schedule, and the command."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import labelbox
import pytest
from labelbox.schema.data_row_metadata import DataRowMetadataKind

from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.server import RunningSandbox, serve_in_thread
from service.bootstrap import Deps
from service.config import load
from service.domain.gaps import GapPlan
from service.usecases.gap_parts import newest_scores, text_of
from tests.contract.trainer_process import BASE, KEY, running_trainer
from tests.e2e.test_following import process

PATIENCE_S = 240.0
CHANNELS = ("mail", "phone")
ANSWER = "The customer wants to know where the parcel is."
CONFIGURATION = """\
[service]
poll_every = "1s"
sweep_every = "1s"
reconcile_every = "1d"
[trainers.box]
dialect = "tuneloop"
base_url = "{base_url}"
api_key_env = "BOX_KEY"
[pipelines.p]
labels = {{ project = "{project}" }}
train = {{ trainer = "box", model = "{model}" }}
trigger = {{ threshold = 100000 }}
verdict = {{ primary = "chrf", guard = [] }}
gaps = {{ automatic = true, most = 12, control_percent = 25, datasets = ["Chats"], stale_after = "365d" }}
"""


def prompt_of(number: int) -> str:
    words = random.Random(number).sample([f"{a}{b}" for a in ("ka", "lo", "mi", "ru") for b in "abcdefghijk"], 14)
    return f"{CHANNELS[number % 2]} chat {' '.join(words)} secret{number}"


def answer_of(number: int) -> str:
    """Answer chats by mail always the same, and those by phone so that nobody could guess it."""
    words = [f"{random.Random(number).getrandbits(60):x}" for _ in range(3)]
    return " ".join(words) if number % 2 else ANSWER


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def project(sandbox: RunningSandbox) -> Project:
    """Make a dataset of 180 chats with their channel, of which 140 are labelled, and one of these twice."""
    core, at = sandbox.core, sandbox.core.now()
    made = core.organization.create_project("p", description="", media_type="TEXT", at=at)
    questions = {"classifications": [{"type": "text", "name": "summary", "instructions": "Summary:"}]}
    made.ontology = core.organization.create_ontology("o", questions, media_type="TEXT", at=at)
    client = labelbox.Client(api_key="any", endpoint=sandbox.url)
    client.get_data_row_metadata_ontology().create_schema("channel", DataRowMetadataKind.string)
    upload(client.create_dataset(name="Chats", iam_integration=None), range(180))
    answer(sandbox, made, range(140))
    return made


def upload(dataset: labelbox.Dataset, numbers: range, more: str = "") -> None:
    rows = [
        {
            "row_data": prompt_of(number) + more,
            "global_key": f"key-{number}{more}",
            "metadata_fields": [{"name": "channel", "value": CHANNELS[number % 2]}],
        }
        for number in numbers
    ]
    dataset.create_data_rows(rows).wait_till_done()


def answer(sandbox: RunningSandbox, project: Project, numbers: range) -> None:
    """Send rows to the project and have them labelled and approved."""
    core = sandbox.core
    rows = [core.organization.data_row(core.organization.by_global_key[f"key-{number}"]) for number in numbers]
    batch = core.organization.create_batch(project, f"first {len(project.batches)}", core.now())
    project.add(batch, rows, priority=5, at=core.now())
    for number, row in zip(numbers, rows, strict=True):
        finish(sandbox, project, row.id, answer_of(number))


def finish(sandbox: RunningSandbox, project: Project, row_id: str, text: str) -> None:
    sandbox.core.perform(Operation("submit", project.id, row_id, answers={"summary": text}))
    sandbox.core.perform(Operation("approve", project.id, row_id))


class Desk:
    """One installation, as an operator has it."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment, self.folder = environment, folder

    def say(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "service.cli", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tell(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.say("labelbox", "gaps", "p", "--json", *arguments))

    def plans(self) -> list[GapPlan]:
        deps = Deps(load(self.environment))
        try:
            return deps.gap_parts.gaps.plans("p")
        finally:
            deps.engine.dispose()

    def answered_right(self) -> list[str]:
        """Give held-out rows by mail that the model that serves answers as the labelers did."""
        deps = Deps(load(self.environment))
        try:
            parts = deps.gap_parts
            scored = newest_scores(parts.pipelines["p"], parts)
            found = parts.gaps.labelled("p", ["held_out"], most=1000)
        finally:
            deps.engine.dispose()
        assert scored is not None
        values = {text_of(item): value for item, value in zip(scored.questions, scored.values, strict=True)}
        mine = [item for item in found if item.answer == ANSWER]
        return [item.data_row_id for item in mine if values[item.content[0].content] == max(values.values())]


@pytest.fixture
def desk(sandbox: RunningSandbox, project: Project, sqlite_url: str, redis_url: str, tmp_path: Path) -> Desk:
    """Label, train and judge; a worker and the schedule run meanwhile, and afterwards no more."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUNELOOP_", "LABELBOX_"))}
    environment = {
        **kept,
        "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
        "TUNELOOP_DATA": str(tmp_path / "data"),
        "TUNELOOP_DATABASE_URL": sqlite_url,
        "TUNELOOP_REDIS_URL": redis_url,
        "TUNELOOP_LABELBOX_ENDPOINT": sandbox.url,
        "LABELBOX_API_KEY": "any",
        "BOX_KEY": KEY,
    }
    made = Desk(environment, tmp_path)
    with ExitStack() as stack:
        trainer = stack.enter_context(running_trainer(tmp_path / "trainer"))
        text = CONFIGURATION.format(base_url=trainer.base_url, model=BASE, project=project.id)
        (tmp_path / "tuneloop.toml").write_text(text)
        made.say("labelbox", "sync")
        for name in ("work", "schedule"):
            stack.enter_context(process(name, environment, tmp_path))
        made.say("runs", "start", "p")
        _wait_for(lambda: any(not plan.is_open for plan in made.plans()), tmp_path)
    return made


def test_after_a_verdict_a_worker_sends_what_would_help_and_the_command_goes_on(
    desk: Desk, sandbox: RunningSandbox, project: Project
) -> None:
    (plan,) = desk.plans()
    log = (desk.folder / "work.log").read_text()
    assert log.count('"gaps_sent"') == 1
    sent = [row.candidate for row in plan.rows if row.state == "sent"]
    watched = [row.candidate for row in plan.rows if row.is_control]
    assert len(sent) + len(watched) == len(plan.rows) == 12
    assert watched
    assert {item.kind for item in sent} == {"failure", "slice"}
    assert "metadata channel: phone" in {row.candidate.target for row in plan.rows}
    batches = {batch.name: batch.id for batch in project.batches.values() if batch.name.startswith("tuneloop")}
    assert set(batches) == {f"tuneloop gaps {plan.plan_id} {kind}" for kind in ("failure", "slice")}
    there = {row.data_row.id for row in project.current_rows() if row.batch.id in batches.values()}
    assert there == {item.data_row_id for item in sent}

    # A dry run changes nothing, and says exactly what a real one then sends.
    before = len(list(project.current_rows()))
    dry = desk.tell("--dry-run", "--most", "30")
    assert len(list(project.current_rows())) == before
    assert len(desk.plans()) == 1
    real = desk.tell("--most", "30")
    planned, done = ([{**row, "state": ""} for row in facts["rows"]] for facts in (dry, real))
    assert (planned, real["plan"]) == (done, dry["plan"])
    assert [row["state"] for row in real["rows"]] == [
        {"planned": "sent"}.get(row["state"], row["state"]) for row in dry["rows"]
    ]
    assert 0 < len(real["rows"]) <= 30 - len(sent)
    assert {row["data_row_id"] for row in real["rows"]}.isdisjoint(item.data_row_id for item in (*sent, *watched))
    seen = f"{desk.say('labelbox', 'gaps', 'p', '--report')}{log}{[*batches]}{sandbox.core.organization.issues}"
    assert "secret" not in seen

    # What the labelers answer is told against what was only watched.
    for item in sent[:5]:
        finish(sandbox, project, item.data_row_id, ANSWER)
    desk.say("labelbox", "sync")
    told = desk.tell("--report")["plans"][0]["outcomes"]
    assert (told["answered"]["sent"], told["examples"]["sent"], told["answered"]["control"]) == (5, 5, 0)


def test_labels_in_doubt_go_to_rework_and_no_text_with_them(
    desk: Desk, sandbox: RunningSandbox, project: Project
) -> None:
    """The champion and newer labels against an old one; labels against each other; and a label's age."""
    mine = desk.answered_right()[0]
    number = next(n for n in range(180) if sandbox.core.organization.by_global_key[f"key-{n}"] == mine)
    for name, options in (("edit", {"answers": {"summary": "qqq qqq"}}), ("move", {"queue": "done"})):
        sandbox.core.perform(Operation(name, project.id, mine, **options))
    client = labelbox.Client(api_key="any", endpoint=sandbox.url)
    twins = client.create_dataset(name="Twins", iam_integration=None)
    rows = []
    for more in (" and once more today please", " but now with quite other words", " says a neighbour of hers again"):
        upload(twins, range(number, number + 1), more)
        rows.append(sandbox.core.organization.by_global_key[f"key-{number}{more}"])
    batch = sandbox.core.organization.create_batch(project, "twins", sandbox.core.now())
    found = [sandbox.core.organization.data_row(row_id) for row_id in rows]
    project.add(batch, found, priority=5, at=sandbox.core.now())
    for row_id in rows:
        finish(sandbox, project, row_id, ANSWER)
    desk.say("labelbox", "sync")
    sent = desk.tell("--kind", "stale", "--kind", "conflict", "--most", "60")
    by_row = {row["data_row_id"]: row for row in sent["rows"]}
    assert mine in by_row, sent
    assert "so does the model that serves" in by_row[mine]["reason"]
    issues = sandbox.core.organization.issues
    assert all(f"({sent['plan']})" in issue.content for issue in issues)
    assert not any(word in f"{issues}{sent}" for word in ("secret", "qqq", "neighbour"))


def _wait_for(condition: Callable[[], bool], folder: Path) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, (folder / "work.log").read_text()[-4000:]
        time.sleep(0.5)
