"""``tuneloop labelbox setup`` and ``tuneloop check`` as they are typed and read, against the sandbox."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings
from service.cli.app import run
from service.domain.setup_rows import CHAT_TYPE
from tests.contract.openai_script import ScriptedServer, listed, scripted_server

KEY = "key-of-the-sandbox"
URL = "https://tuneloop.example.com/webhooks/labelbox"
# Whatever the day is, these tests are not about the end of a model.
TRAIN = '[pipelines.p.train]\nmodel = "gpt-4.1-mini-2025-04-14"\nmin_days_left = 0\n'
SETUP = f"""{TRAIN}
[pipelines.p.setup]
name = "Support chats"
webhook = "{URL}"
[[pipelines.p.setup.questions]]
name = "summary"
ask = "Summarise the chat without personal data."
type = "text"
min_characters = 5
max_characters = 800
"""
CHAT = f"""{TRAIN}
[pipelines.p.setup]
kind = "chat"
chats = 2
[[pipelines.p.setup.questions]]
name = "best"
type = "ranking"
[[pipelines.p.setup.questions]]
name = "answer"
type = "text"
"""
Said = tuple[int, str, str]
Call = Callable[..., Said]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(api_key=KEY)) as running:
        yield running


@pytest.fixture(scope="module")
def openai() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.will("GET /models", listed({"id": "gpt-4.1-mini-2025-04-14"}))
        yield running


@pytest.fixture
def trainer(openai: ScriptedServer) -> str:
    """Give the table of a trainer that needs no network."""
    return f'[trainers.openai]\nbase_url = "{openai.base_url}"\n'


@pytest.fixture
def folder(server: RunningSandbox, trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    server.core.clear()
    monkeypatch.chdir(tmp_path)
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_REDIS_URL", "TUNELOOP_DATABASE_URL", "LABELBOX_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TUNELOOP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TUNELOOP_LABELBOX_ENDPOINT", server.url)
    monkeypatch.setenv("LABELBOX_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    (tmp_path / "tuneloop.toml").write_text(f"{SETUP}{trainer}")
    (tmp_path / "prompts.txt").write_text("first chat\ntuneloop.toml\nfirst chat\n")
    return tmp_path


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    assert folder.exists()

    def typed(*arguments: str) -> Said:
        code = run(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return typed


def lines_of(text: str) -> list[str]:
    """Give the lines that say what was found or done, with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines() if line.startswith("  ")]


def paste(folder: Path, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what the output asks for: the table into the file, the secret into the environment."""
    (table,) = re.findall(r"^\[pipelines\.p\.labels\]\nproject = \"\w+\"$", printed, flags=re.MULTILINE)
    (folder / "tuneloop.toml").write_text(f"{table}\n{(folder / 'tuneloop.toml').read_text()}")
    if found := re.findall(r"^LABELBOX_WEBHOOK_SECRET=([0-9a-f]{64})$", printed, flags=re.MULTILINE):
        monkeypatch.setenv("LABELBOX_WEBHOOK_SECRET", *found)


def test_from_an_empty_account_to_a_check_without_a_mistake(
    call: Call, folder: Path, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, dry, _ = call("labelbox", "setup", "--rows", "prompts.txt", "--dry-run")
    assert code == 0
    assert {line.split(" ")[0] for line in lines_of(dry)} == {"would"}
    assert "SECRET" not in dry
    assert server.core.organization.projects == {}

    code, made, _ = call("labelbox", "setup", "--rows", "prompts.txt")
    assert code == 0
    assert made.count("SECRET=") == 1
    # Whoever stops after the webhook was made has seen its secret.
    assert made.index("SECRET=") < made.index(f"webhook of the project to {URL}")
    assert [line.split(" ")[0] for line in lines_of(made)] == [*["made"] * 6, "Labelbox", "made", "Put"]
    paste(folder, made, monkeypatch)

    code, again, _ = call("labelbox", "setup", "p", "--rows", "prompts.txt")
    assert code == 0
    assert {line.split(" ")[0] for line in lines_of(again)} == {"found"}
    assert "SECRET" not in again
    assert "Put into" not in again

    code, checked, wrong = call("check", "--quiet")
    assert (code, wrong) == (0, "")
    assert "setup: dataset 'Support chats'" in checked
    assert "2 data rows, sent to the project in 1 batches" in checked
    (hook,) = server.core.organization.webhooks.values()
    assert (hook.secret in made, hook.url) == (True, URL)
    held = {row.row_data for row in server.core.organization.data_rows.values()}
    assert held == {"first chat", "tuneloop.toml"}


def test_the_secret_of_the_environment_is_used_and_never_shown(
    call: Call, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELBOX_WEBHOOK_SECRET", "hidden-1,hidden-2")
    for options in ([], ["--json"]):
        code, out, err = call("labelbox", "setup", *options)
        assert code == 0
        assert "hidden" not in out + err
    assert [hook.secret for hook in server.core.organization.webhooks.values()] == ["hidden-1"]


def test_a_pipeline_with_a_secret_of_its_own_gets_that_one(
    call: Call, folder: Path, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = '[pipelines.p.labels]\nwebhook_secret_env = "OWN_SECRET"\n'
    (folder / "tuneloop.toml").write_text(SETUP.replace(URL, f"{URL}/p") + labels)
    monkeypatch.setenv("LABELBOX_WEBHOOK_SECRET", "general")
    monkeypatch.setenv("OWN_SECRET", "hidden-own")
    code, out, err = call("labelbox", "setup")
    assert (code, "hidden" in out + err) == (0, False)
    assert [hook.secret for hook in server.core.organization.webhooks.values()] == ["hidden-own"]


def test_a_secret_made_for_one_pipeline_is_told_under_its_own_name(
    call: Call, folder: Path, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = '[pipelines.p.labels]\nwebhook_secret_env = "OWN_SECRET"\n'
    (folder / "tuneloop.toml").write_text(SETUP.replace(URL, f"{URL}/p") + labels)
    monkeypatch.setenv("LABELBOX_WEBHOOK_SECRET", "general")
    _, out, _ = call("labelbox", "setup")
    (hook,) = server.core.organization.webhooks.values()
    assert f"OWN_SECRET={hook.secret}" in out
    assert hook.secret != "general"


def test_a_secret_that_would_alter_the_query_is_refused_before_the_webhook_is_made(
    call: Call, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELBOX_WEBHOOK_SECRET", 'hidden" }){id} x: deleteProject')
    code, out, err = call("labelbox", "setup")
    assert code == 2
    assert "LABELBOX_WEBHOOK_SECRET" in err
    assert "hidden" not in out + err
    assert server.core.organization.webhooks == {}


def test_a_lost_secret_is_told(call: Call) -> None:
    call("labelbox", "setup")
    code, out, _ = call("labelbox", "setup")
    assert code == 0
    assert "LABELBOX_WEBHOOK_SECRET is not set" in out
    assert "switch the webhook off in Labelbox and run this again" in out


def test_json_holds_the_lines_the_project_and_the_secret_that_was_made(call: Call, server: RunningSandbox) -> None:
    code, out, _ = call("labelbox", "setup", "--json", "--rows", "prompts.txt")
    facts = json.loads(out)
    assert code == 0
    (project_id,) = server.core.organization.projects
    found = facts["pipelines"]["p"]
    assert found["project"] == project_id
    assert found["toml"] == f'[pipelines.p.labels]\nproject = "{project_id}"'
    assert {line["did"] for line in found["lines"]} == {"made"}
    (hook,) = server.core.organization.webhooks.values()
    assert facts["environment"] == {"LABELBOX_WEBHOOK_SECRET": hook.secret}
    again = json.loads(call("labelbox", "setup", "--json", "--rows", "prompts.txt")[1])
    assert {line["did"] for line in again["pipelines"]["p"]["lines"]} == {"found"}
    assert again["environment"] == {}


def test_json_tells_a_secret_even_if_the_run_then_fails(
    call: Call, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = server.core.organization.create_webhook

    def create_and_break(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 - whatever it takes
        create(*arguments, **named)
        raise ValueError("the answer is lost")

    monkeypatch.setattr(server.core.organization, "create_webhook", create_and_break)
    code, out, err = call("labelbox", "setup", "--json")
    assert (code, "What to do" in err) == (1, True)
    (hook,) = server.core.organization.webhooks.values()
    assert json.loads(out)["environment"] == {"LABELBOX_WEBHOOK_SECRET": hook.secret}


@pytest.mark.parametrize("kind", ["chat", "offline-chat"])
def test_chat_projects_are_set_up_as_well(call: Call, folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"type": CHAT_TYPE, "version": 2, "rootMessageIds": [], "actors": {}, "messages": {}}
    (folder / "chats.jsonl").write_text(json.dumps({"row_data": document, "global_key": "k"}))
    text = CHAT if kind == "chat" else CHAT.replace('"chat"\nchats = 2', '"offline-chat"')
    (folder / "tuneloop.toml").write_text(text)
    code, made, _ = call("labelbox", "setup", "--rows", "chats.jsonl")
    assert code == 0
    assert f"batch 'p 1' of {3 if kind == 'chat' else 1} data rows" in made
    paste(folder, made, monkeypatch)
    code, again, _ = call("labelbox", "setup", "--rows", "chats.jsonl")
    assert (code, {line.split(" ")[0] for line in lines_of(again)}) == (0, {"found"})
    _, checked, _ = call("check", "--quiet")
    assert "setup: ontology 'p'" in checked


def test_standard_input_takes_rows_of_a_named_format(
    call: Call, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(text: str) -> None:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))

    say("prompt\nfrom a pipe\n")
    assert call("labelbox", "setup", "--rows", "-")[0] == 2
    say("prompt\nfrom a pipe\n")
    assert call("labelbox", "setup", "--rows", "-", "--rows-format", "csv")[0] == 0
    assert [row.row_data for row in server.core.organization.data_rows.values()] == ["from a pipe"]


def test_bad_rows_are_all_named_with_file_and_line_and_nothing_is_made(
    call: Call, folder: Path, server: RunningSandbox
) -> None:
    (folder / "bad.jsonl").write_text('{"prompt": "a"}\n{"prompt": ""}\nno json\n' + "[]\n" * 30)
    code, _, err = call("labelbox", "setup", "--rows", "bad.jsonl")
    assert code == 2
    assert "bad.jsonl:2: prompt must be a text" in err
    assert "bad.jsonl:3: no JSON" in err
    assert "and 12 more" in err
    (folder / "latin.txt").write_bytes(b"a\nb\xe4\n")
    assert "latin.txt:2: the file is not UTF-8" in call("labelbox", "setup", "--rows", "latin.txt")[2]
    (folder / "empty.csv").write_text("prompt\n")
    assert "holds no row" in call("labelbox", "setup", "--rows", "empty.csv")[2]
    assert "cannot be read" in call("labelbox", "setup", "--rows", "none.csv")[2]
    assert server.core.organization.projects == {}


def test_what_cannot_be_set_up_is_said(call: Call, folder: Path) -> None:
    assert "no pipeline 'q'" in call("labelbox", "setup", "q")[2]
    (folder / "tuneloop.toml").write_text(TRAIN)
    code, _, err = call("labelbox", "setup")
    assert code == 2
    assert "no pipeline has a setup table" in err
    assert "[pipelines.p.setup]" in err
    (folder / "tuneloop.toml").write_text(SETUP + SETUP.replace("pipelines.p", "pipelines.q"))
    code, _, err = call("labelbox", "setup", "--rows", "prompts.txt")
    assert (code, "Name one: p, q" in err) == (2, True)


def test_several_pipelines_share_one_new_secret(call: Call, folder: Path, server: RunningSandbox) -> None:
    other = SETUP.replace("pipelines.p", "pipelines.q").replace("Support chats", "Others")
    (folder / "tuneloop.toml").write_text(SETUP + other)
    code, out, _ = call("labelbox", "setup")
    assert (code, out.count("SECRET=")) == (0, 1)
    assert len({hook.secret for hook in server.core.organization.webhooks.values()}) == 1
    assert len({hook.project_id for hook in server.core.organization.webhooks.values()}) == 2


def test_two_projects_of_one_name_are_an_error_with_their_ids(call: Call, server: RunningSandbox) -> None:
    call("labelbox", "setup")
    core = server.core
    core.organization.create_project("Support chats", description="", media_type="TEXT", at=core.now())
    code, _, err = call("labelbox", "setup")
    assert code == 1
    assert all(project_id in err for project_id in core.organization.projects)


def test_other_commands_refuse_a_file_without_a_project_and_name_this_one(call: Call) -> None:
    for arguments in (["check"], ["status"], ["labelbox", "sync"], ["migrate"]):
        code, _, err = call(*arguments)
        assert code == 2
        assert "pipelines.p.labels.project: is missing" in err
        assert "tuneloop labelbox setup" in err


def test_a_wrong_key_and_an_unreachable_labelbox_are_told_with_their_remedies(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELBOX_API_KEY", "another")
    code, _, err = call("labelbox", "setup")
    assert (code, "LABELBOX_API_KEY" in err) == (1, True)
    monkeypatch.setenv("TUNELOOP_LABELBOX_ENDPOINT", "http://127.0.0.1:9/graphql")
    code, _, err = call("labelbox", "setup")
    assert (code, "TUNELOOP_LABELBOX_ENDPOINT" in err) == (1, True)
    monkeypatch.delenv("LABELBOX_API_KEY")
    code, _, err = call("labelbox", "setup")
    assert (code, "LABELBOX_API_KEY is not set" in err) == (2, True)


@pytest.fixture
def ready(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, made, _ = call("labelbox", "setup", "--rows", "prompts.txt")
    paste(folder, made, monkeypatch)


def wrong(call: Call) -> list[dict[str, Any]]:
    """Check, as JSON; every mistake has a remedy."""
    code, out, _ = call("check", "--json")
    facts = json.loads(out)
    found = [item for item in facts["checks"] if not item["ok"]]
    assert (code, facts["ok"]) == (int(bool(found)), not found)
    assert facts["configuration"]["pipelines.p.setup.name"] == "Support chats"
    assert all(item["remedy"] for item in found)
    return found


@pytest.mark.usefixtures("ready")
def test_check_tells_each_thing_that_differs_from_the_setup(call: Call, folder: Path, server: RunningSandbox) -> None:
    assert wrong(call) == []
    organization = server.core.organization
    file = folder / "tuneloop.toml"
    file.write_text(file.read_text().replace("max_characters = 800", "max_characters = 80"))
    (found,) = wrong(call)
    assert "question 'summary' has max_characters 800, not 80" in found["text"]
    organization.datasets.clear()
    assert "not there: dataset 'Support chats'" in [item["text"] for item in wrong(call)]
    (project,) = organization.projects.values()
    project.rows.clear()
    project.batches.clear()
    assert "the project has no data rows" in [item["text"] for item in wrong(call)]


@pytest.mark.usefixtures("ready")
def test_check_tells_what_is_wrong_with_the_webhooks(call: Call, folder: Path, server: RunningSandbox) -> None:
    organization = server.core.organization
    (project_id,), (hook,) = organization.projects, organization.webhooks.values()
    double = organization.create_webhook(
        URL, secret="00ff", topics=hook.topics, project_id=project_id, at=server.core.now()
    )
    assert "post to the same address" in wrong(call)[0]["text"]
    del organization.webhooks[double.id]
    for change, words in (
        ({"topics": ("LABEL_CREATED",)}, "lacks LABEL_UPDATED"),
        ({"status": "INACTIVE"}, "INACTIVE"),
    ):
        organization.webhooks[hook.id] = replace(hook, **change)
        (found,) = wrong(call)
        assert words in found["text"]
    organization.webhooks.clear()
    assert f"none goes to {URL}" in wrong(call)[0]["text"]
    file = folder / "tuneloop.toml"
    file.write_text(file.read_text().replace(f'webhook = "{URL}"\n', ""))
    assert wrong(call) == []
    assert "labels arrive by reconcile alone" in call("check", "--quiet")[1]


def test_check_says_once_that_a_project_cannot_be_reached(
    call: Call, folder: Path, trainer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELBOX_WEBHOOK_SECRET", "00ff")
    (folder / "tuneloop.toml").write_text(f'[pipelines.p.labels]\nproject = "nobody"\n{SETUP}{trainer}')
    code, _, err = call("check", "--quiet")
    assert code == 1
    assert err.count("WRONG") == 1
    assert "labelbox project nobody" in err
