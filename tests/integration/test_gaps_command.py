"""``tuneloop labelbox gaps`` as it is typed, the real SDK against the sandbox, and a process that is killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sandbox.faults import Faults
from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings
from service.adapters.labelbox_account import LabelboxAccountOfSdk
from service.adapters.sql_engine import make_engine
from service.adapters.sql_gaps import SqlGapStore
from service.adapters.sql_tables import evaluations
from service.bootstrap import now
from service.cli.app import run
from service.config import load
from service.config.describe import describe
from service.domain.gaps import Candidate, GapPlan, GapRow
from service.domain.setups import AskedQuestion, normalized

KEY = "key-of-the-sandbox"
ROWS = 12
Said = tuple[int, str, str]
Call = Callable[..., Said]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(api_key=KEY)) as running:
        yield running


@pytest.fixture
def project(server: RunningSandbox) -> str:
    """Have six prompts labelled twice each, with answers that contradict each other."""
    core = server.core
    core.clear()
    core.faults = Faults()
    account = LabelboxAccountOfSdk(api_key=KEY, endpoint=server.url)
    made = account.create_project("Chats", "text").project_id
    ontology = account.create_ontology("Chats", "text", normalized([AskedQuestion("summary", "Summarise.", "text")]))
    account.connect_ontology(made, ontology.ontology_id)
    dataset = core.organization.dataset(account.create_dataset("Chats"))
    texts = [(f"key-{n}", f"A private chat about parcel {n // 2} that did not come") for n in range(ROWS)]
    held = core.organization.project(made)
    rows = add_texts(core.organization, dataset.id, texts, at=core.now())
    held.add(core.organization.create_batch(held, "first", core.now()), rows, priority=5, at=core.now())
    for number, row in enumerate(rows):
        answer = f"The parcel {number} is late, hidden words" if number % 2 else f"zzz {number}"
        core.perform(Operation("submit", made, row.id, answers={"summary": answer}))
        core.perform(Operation("approve", made, row.id))
    return made


@pytest.fixture
def folder(server: RunningSandbox, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_REDIS_URL", "TUNELOOP_DATABASE_URL", "LABELBOX_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TUNELOOP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TUNELOOP_LABELBOX_ENDPOINT", server.url)
    monkeypatch.setenv("LABELBOX_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    (tmp_path / "tuneloop.toml").write_text(
        f'[service]\nclaim_after = "1s"\n[pipelines.p.labels]\nproject = "{project}"\n'
        '[pipelines.p.train]\nmodel = "gpt-4.1-mini-2025-04-14"\n[pipelines.p.gaps]\ncontrol_percent = 0\n'
    )
    return tmp_path


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    assert folder.exists()

    def typed(*arguments: str) -> Said:
        code = run(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    assert typed("migrate")[0] == 0
    assert typed("labelbox", "sync")[0] == 0
    return typed


def in_rework(server: RunningSandbox, project: str) -> set[str]:
    rows = server.core.organization.project(project).current_rows()
    return {row.data_row.id for row in rows if row.status == "IN_REWORK"}


def test_contradicting_labels_go_to_rework_once_and_their_story_is_told(
    call: Call, server: RunningSandbox, project: str
) -> None:
    code, out, _ = call("labelbox", "gaps", "p", "--dry-run", "--json", "--most", "5")
    dry = json.loads(out)
    assert (code, dry["dry_run"], len(dry["rows"])) == (0, True, 5)
    assert {(row["kind"], row["action"], row["state"]) for row in dry["rows"]} == {("conflict", "rework", "planned")}
    assert any("no evaluation by pii_leak yet" in note for note in dry["notes"])
    assert in_rework(server, project) == set()

    code, out, err = call("labelbox", "gaps", "p", "--most", "5")
    assert (code, err) == (0, "")
    assert f"p: sent {dry['plan']}: 5 rows, and 0 more only watched" in out
    wanted = {row["data_row_id"] for row in dry["rows"]}
    assert in_rework(server, project) == wanted
    issues = server.core.organization.issues
    assert {issue.data_row_id for issue in issues} == wanted
    assert all(dry["plan"] in issue.content for issue in issues)
    # Nothing of anybody's text leaves for a remark or a terminal.
    assert not any(word in f"{out}{issues}" for word in ("hidden", "private", "zzz", "parcel"))

    call("labelbox", "sync")
    code, out, _ = call("labelbox", "gaps", "p", "--most", "5")
    assert (code, "5 rows of earlier plans are still with the labelers" in out) == (0, True)
    assert "p: nothing to send" in out

    for row_id in sorted(wanted)[:3]:
        server.core.perform(Operation("edit", project, row_id, answers={"summary": "now the same"}))
        server.core.perform(Operation("move", project, row_id, queue="done"))
    call("labelbox", "sync")
    told = json.loads(call("labelbox", "gaps", "p", "--report", "--json")[1])
    assert (told["out"], told["kinds"]["conflict"]["changed"]["sent"]) == (2, 3)
    code, out, _ = call("labelbox", "gaps", "p", "--report")
    assert code == 0
    assert "conflict, all plans: 5 sent, 0 only watched" in out
    assert "changed: 3 of 5 sent, 0 of 0 watched: cannot tell yet" in out


@pytest.mark.parametrize("faults", [Faults(unheard_changes=2), Faults(broken_requests=1)])
def test_a_bad_day_at_labelbox_sends_nothing_twice(
    call: Call, server: RunningSandbox, project: str, faults: Faults
) -> None:
    server.core.faults = faults
    assert call("labelbox", "gaps", "p", "--most", "2")[0] == 0
    assert len(in_rework(server, project)) == 2
    moves = [row for row in server.core.organization.project(project).current_rows() if row.status == "IN_REWORK"]
    assert len({issue.data_row_id for issue in server.core.organization.issues}) == 2
    assert len(moves) == 2


def test_a_limit_is_told_with_its_remedy_and_the_next_run_goes_on(
    call: Call, server: RunningSandbox, project: str
) -> None:
    planned = json.loads(call("labelbox", "gaps", "p", "--most", "4", "--dry-run", "--json")[1])
    for _ in range(20):
        server.core.faults = Faults(limited_requests=1)
        code, _, err = call("labelbox", "gaps", "p", "--most", "4")
        assert (code, "LabelsLimited" in err, "What to do" in err) == (1, True, True)
    server.core.faults = Faults()
    assert call("labelbox", "gaps", "p", "--most", "4")[0] == 0
    assert in_rework(server, project) == {row["data_row_id"] for row in planned["rows"]}


def test_a_process_that_is_killed_half_way_is_completed_by_the_next(
    call: Call, server: RunningSandbox, project: str, folder: Path
) -> None:
    planned = json.loads(call("labelbox", "gaps", "p", "--dry-run", "--json")[1])
    command = [sys.executable, "-m", "service.cli", "labelbox", "gaps", "p"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE) as killed:
        while not server.core.organization.issues:
            assert killed.poll() is None
            time.sleep(0.005)
        killed.kill()
    assert len(server.core.organization.issues) < ROWS
    code, out, err = call("labelbox", "gaps", "p")
    while "GapsBusy" in err:
        # Until it is clear that the other one is not heard of any more.
        time.sleep(0.1)
        code, out, err = call("labelbox", "gaps", "p")
    assert (code, f"completed the unfinished plan {planned['plan']}" in out) == (0, True)
    assert in_rework(server, project) == {row["data_row_id"] for row in planned["rows"]}
    remarks = [(issue.data_row_id, issue.content) for issue in server.core.organization.issues]
    assert len(remarks) == len(set(remarks)) == len(planned["rows"])


def test_of_processes_that_start_at_once_one_asks_the_labelers(
    folder: Path, server: RunningSandbox, project: str, database_url: str
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TUNELOOP_DATABASE_URL": database_url,
    }
    command = [sys.executable, "-m", "service.cli", "labelbox"]
    subprocess.run([*command, "sync"], cwd=folder, env=environment, check=True)
    running = [
        subprocess.Popen(
            [*command, "gaps", "p", "--most", "4", "--json"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    told = [process.communicate() for process in running]
    assert all(process.returncode == 0 or "GapsBusy" in err for process, (_, err) in zip(running, told, strict=True))
    (sent,) = (rows for out, _ in told if out and (rows := json.loads(out)["rows"]))
    wanted = {row["data_row_id"] for row in sent}
    assert (len(wanted), in_rework(server, project)) == (4, wanted)
    assert sorted(issue.data_row_id for issue in server.core.organization.issues) == sorted(wanted)


@pytest.fixture
def planned(call: Call, server: RunningSandbox, folder: Path) -> list[str]:
    """Write a plan of four rows that the project does not have, as a process leaves it that is killed at once."""
    organization = server.core.organization
    (dataset,) = organization.datasets
    added = add_texts(organization, dataset, [(f"new-{n}", f"new text {n}") for n in range(4)], server.core.now())
    assert call
    engine = make_engine(f"sqlite:///{folder / 'data' / 'tuneloop.db'}")
    rows = tuple(GapRow("g-1", Candidate("failure", "batch", row.id, "why", "key")) for row in added)
    assert SqlGapStore(engine).add(GapPlan("g-1", "p", 1, None, now(), rows))
    engine.dispose()
    return [row.id for row in added]


@pytest.mark.parametrize("unheard_changes", [0, 1])
def test_what_labelbox_does_not_take_of_a_batch_is_told_apart(
    call: Call, server: RunningSandbox, project: str, planned: list[str], unheard_changes: int
) -> None:
    server.core.faults = Faults(partial_batches=1, unheard_changes=unheard_changes)
    rows = json.loads(call("labelbox", "gaps", "p", "--json")[1])["rows"]
    assert {row["data_row_id"]: row["state"] for row in rows} == dict(
        zip(planned, ["sent", "sent", "refused", "refused"], strict=True)
    )
    held = server.core.organization.project(project)
    assert [batch.name for batch in held.batches.values()] == ["first", "tuneloop gaps g-1 failure"]
    assert {*planned} & {row.data_row.id for row in held.current_rows()} == {*planned[:2]}
    out = call("labelbox", "gaps", "p", "--report")[1]
    assert out.startswith("p: 1 plan, 2 rows with the labelers")
    assert "2 sent, 0 only watched, 2 refused" in out


def test_a_batch_whose_answer_was_lost_waits_for_exports_that_stay_behind(
    call: Call, server: RunningSandbox, project: str, planned: list[str]
) -> None:
    server.core.faults = Faults(partial_batches=1, unheard_changes=1, export_lag_s=600)
    for _ in range(2):
        code, _, err = call("labelbox", "gaps", "p")
        assert (code, "BatchUnclear" in err, "has 2 rows, of which an export shows 0" in err) == (1, True, True)
        assert "--give-up" in err
    server.core.faults = Faults()
    rows = json.loads(call("labelbox", "gaps", "p", "--json")[1])["rows"]
    assert [row["data_row_id"] for row in rows if row["state"] == "sent"] == planned[:2]
    assert len(server.core.organization.project(project).batches) == 2


def test_an_unfinished_plan_can_be_given_up(call: Call, server: RunningSandbox, project: str) -> None:
    assert "no plan is unfinished" in call("labelbox", "gaps", "p", "--give-up")[1]
    server.core.organization.project(project).rows.clear()
    code, out, _ = call("labelbox", "gaps", "p", "--most", "2")
    # Rows that are gone are no failure.
    assert (code, out.count("  gone ")) == (0, 2)
    facts = json.loads(call("labelbox", "gaps", "p", "--give-up", "--json")[1])
    assert facts == {"pipeline": "p", "plan": None}


def test_a_worker_sends_by_itself_after_a_verdict(
    call: Call, server: RunningSandbox, project: str, folder: Path
) -> None:
    file = folder / "tuneloop.toml"
    file.write_text(file.read_text().replace("control_percent = 0", "control_percent = 0\nautomatic = true\nmost = 3"))
    command = [sys.executable, "-c", "from workers.jobs import send_gaps; send_gaps('p'); send_gaps('gone')"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def work() -> None:
        subprocess.run(command, cwd=folder, env=environment, check=True)

    work()
    assert in_rework(server, project) == set()
    engine = make_engine(f"sqlite:///{folder / 'data' / 'tuneloop.db'}")
    with engine.begin() as connection:
        # Judged by another metric than the one that decides now.
        row = {"run_id": "run-1", "pipeline": "p", "outcome": "kept", "facts": {"scores": {}}, "at": now()}
        connection.execute(sa.insert(evaluations), [row])
    engine.dispose()
    for _ in range(2):
        work()
        assert len(in_rework(server, project)) == 3
    assert call("labelbox", "gaps", "p", "--report")[1].startswith("p: 1 plan, 3 rows with the labelers")


def test_wrong_usage_is_refused_with_what_is_right(call: Call) -> None:
    code, _, err = call("labelbox", "gaps", "q")
    assert (code, "There are: p" in err) == (1, True)
    code, _, err = call("labelbox", "gaps", "p", "--report", "--dry-run")
    assert (code, "exclude each other" in err) == (2, True)
    assert call("labelbox", "gaps", "p", "--most", "0")[0] == 2
    assert call("labelbox", "gaps", "p", "--kind", "wish")[0] == 2


def test_a_retired_project_is_refused(call: Call, server: RunningSandbox, project: str) -> None:
    core = server.core
    asked = {"type": "prompt", "name": "q", "instructions": "", "options": []}
    document: Any = {"tools": [], "classifications": [asked]}
    core.organization.project(project).ontology = core.organization.create_ontology(
        "old", document, media_type="TEXT", at=core.now()
    )
    code, _, err = call("labelbox", "gaps", "p")
    assert (code, "retired" in err, "What to do" in err) == (1, True, True)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("most = 0", "most"),
        ("control_percent = 60", "control_percent"),
        ("priority = 6", "priority"),
        ('kinds = ["conflicts"]', "did you mean 'conflict'"),
        ('every = "0s"', "longer than 0s"),
        ('stale_after = "soon"', "duration"),
        ('datasets = [""]', "must not be empty"),
        ("automatically = true", "automatically"),
        ('when = "weekly"', "schedule"),
    ],
)
def test_a_wrong_table_names_the_key_and_what_is_allowed(call: Call, folder: Path, line: str, words: str) -> None:
    file = folder / "tuneloop.toml"
    file.write_text(file.read_text().replace("control_percent = 0", line))
    code, _, err = call("labelbox", "gaps", "p")
    assert (code, words in err, "pipelines.p.gaps" in err) == (2, True, True)


def test_every_key_is_shown_with_its_value(folder: Path) -> None:
    shown = dict(describe(load(os.environ)))
    assert folder.exists()
    assert {key.rpartition(".")[2]: value for key, value in shown.items() if key.startswith("pipelines.p.gaps.")} == {
        "automatic": "False",
        "when": "verdict",
        "most": "25",
        "every": "7d",
        "control_percent": "0.0",
        "stale_after": "180d",
        "priority": "1",
        "kinds": "all",
        "datasets": "none",
    }
