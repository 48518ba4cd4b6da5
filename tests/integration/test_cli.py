"""The command line, as it is typed: what it does, what it refuses, and what it then says."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import run
from service.cli.processes import require_free, sole_owner
from service.domain.errors import ConfigurationError
from tests.support.export_rows import conversation, label, ontology, option, question, ticked, written
from tests.support.export_rows import exported as kind_of_row

ONTOLOGY = {
    "classifications": [
        {"type": "text", "featureSchemaId": "q1", "name": "summary", "instructions": "Summary", "options": []}
    ]
}
CONFIGURATION = """
[pipelines.p.labels]
project = "cl1"
[pipelines.p.train]
model = "gpt-4.1-mini-2025-04-14"
"""
Convert = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # Without a key nobody asks OpenAI.
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_DATA", "TUNELOOP_REDIS_URL", "TUNELOOP_DATABASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def convert(folder: Path) -> Convert:
    (folder / "o.json").write_text(json.dumps(ONTOLOGY))

    def call(lines: str | bytes, *options: str) -> int:
        (folder / "e.ndjson").write_bytes(lines if isinstance(lines, bytes) else lines.encode())
        return run(["convert", "e.ndjson", "--ontology", "o.json", "--out", "f", "--rejects", "r", *options])

    return call


def exported(row_id: str = "row-1", text: str = "a summary", **changes: object) -> dict[str, Any]:
    answer = {"feature_schema_id": "q1", "name": "Summary", "value": "summary", "text_answer": {"content": text}}
    label = {
        "id": f"label-of-{row_id}",
        "label_details": {"created_at": "2026-11-01T00:00:00+00:00"},
        "annotations": {"classifications": [answer]},
    }
    project = {"labels": [label], "project_details": {"workflow_status": "DONE"}} | changes
    return {"data_row": {"id": row_id, "row_data": f"chat {row_id}"}, "projects": {"p": project}}


def reasons(folder: Path) -> dict[str | None, str]:
    rejects = [json.loads(line) for line in (folder / "r").read_text().splitlines()]
    return {reject["data_row_id"]: reject["reason"] for reject in rejects}


def test_convert_gives_a_training_line_or_a_reason_for_each_row(convert: Convert, folder: Path) -> None:
    in_review = exported("row-2", project_details={"workflow_status": "IN_REVIEW"})
    unknown = exported("row-3")
    del unknown["projects"]["p"]["project_details"]
    rows = [exported(), in_review, unknown, exported("row-4", text=" ")]
    assert convert("\ufeff" + "\n".join(json.dumps(row) for row in rows), "--system", "Be brief.") == 0
    (line,) = (folder / "f").read_text().splitlines()
    assert [message["content"] for message in json.loads(line)["messages"]] == ["Be brief.", "chat row-1", "a summary"]
    assert reasons(folder) == {"row-2": "not_done", "row-3": "status_unknown", "row-4": "no_answer"}


def test_convert_refuses_bad_lines_one_by_one(convert: Convert, folder: Path) -> None:
    broken = json.dumps(exported("row-2", text="X")).encode().replace(b"X", b"\xff")
    lines = [b"[" * 100_000, b"no json", b"[]", broken, json.dumps(exported()).encode()]
    assert convert(b"\n".join(lines)) == 0
    assert len((folder / "f").read_text().splitlines()) == 1
    found = [json.loads(line)["reason"] for line in (folder / "r").read_text().splitlines()]
    assert found == ["unreadable_row", "not_json", "unreadable_row", "broken_text"]


def test_convert_reads_no_json_array(convert: Convert, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(json.dumps([exported()], indent=1)) == 2
    assert "jq" in capsys.readouterr().err


def test_convert_writes_pairs_and_prompt_sets(convert: Convert, folder: Path) -> None:
    (folder / "o.json").write_text(json.dumps(ontology(question("radio", "best", option("A"), option("B")))))
    document = conversation(("User", "Which?"), outputs={"A": "First.", "B": "Second."})
    rows = "\n".join(
        json.dumps(row)
        for row in [
            kind_of_row(document, label("l", ticked("best", "B"))),
            kind_of_row("Hello", label("l", ticked("best", "A")), row_id="row-2"),
        ]
    )
    assert convert(rows, "--format", "preference") == 0
    (line,) = map(json.loads, (folder / "f").read_text().splitlines())
    assert [line[key][0]["content"] for key in ("preferred_output", "non_preferred_output")] == ["Second.", "First."]
    assert reasons(folder) == {"row-2": "no_loser"}
    assert convert(rows, "--format", "prompts") == 0
    assert [json.loads(line)["row_data"] for line in (folder / "f").read_text().splitlines()] == ["Which?", "Hello"]


def test_convert_writes_a_prompt_with_its_completion_and_no_longer_chat(convert: Convert, folder: Path) -> None:
    chat = kind_of_row(
        conversation(("User", "Hello"), ("Bot", "Hi."), ("User", "Where?")),
        label("l", written("summary", "There.")),
        row_id="row-2",
    )
    (folder / "o.json").write_text(json.dumps(ontology(question("text", "summary"))))
    rows = [kind_of_row("Why?", label("l", written("summary", "Because."))), chat]
    text = "\n".join(map(json.dumps, rows))
    assert convert(text, "--format", "completion", "--system", "Be brief.", "--conversation", "turns") == 0
    assert json.loads((folder / "f").read_text()) == {"prompt": "Be brief.\n\nWhy?", "completion": "Because."}
    assert reasons(folder) == {"row-2": "several_turns"}


def test_convert_takes_prompts_alone_for_no_lines_and_says_what_they_are_good_for(
    convert: Convert, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "o.json").write_text(json.dumps({"normalized": ontology(question("prompt", "ask"))}))
    row = json.dumps(kind_of_row("{}", label("l", written("ask", "Why?"))))
    assert convert(row) == 0
    assert "--format prompts" in capsys.readouterr().out
    assert reasons(folder) == {"row-1": "prompt_only"}
    assert convert(row, "--format", "prompts") == 0
    assert json.loads((folder / "f").read_text()) == {"row_data": "Why?", "global_key": "prompt-l"}


def test_convert_takes_only_labels_rated_well(convert: Convert, folder: Path) -> None:
    grade = question("radio", "grade", option("good"), option("bad"))
    (folder / "o.json").write_text(json.dumps(ontology(question("text", "summary"), grade)))
    rows = [
        kind_of_row("a", label("l", written("summary", "s"), ticked("grade", value)), row_id=value)
        for value in ("good", "bad")
    ]
    text = "\n".join(map(json.dumps, rows))
    assert convert(text, "--where", "grade=good", "--json") == 0
    assert reasons(folder) == {"bad": "rating"}
    assert convert(text, "--where", "grade") == 2
    assert convert(text, "--where", "grade=excellent") == 1


@pytest.mark.parametrize(
    "options", [["--accept", "Done"], ["--out", "e.ndjson"], ["--rejects", "f"], ["--out", "no/x"]]
)
def test_convert_refuses_wrong_arguments_and_touches_nothing(
    convert: Convert, folder: Path, options: list[str]
) -> None:
    text = json.dumps(exported())
    assert convert(text, *options) == 2
    assert (folder / "e.ndjson").read_text() == text


@pytest.mark.parametrize("ontology", ["[]", "{", '{"classifications": []}'])
def test_convert_says_what_is_wrong_with_the_ontology(
    convert: Convert, folder: Path, ontology: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "o.json").write_text(ontology)
    assert convert("") in {1, 2}
    assert "What to do" in capsys.readouterr().err


def test_a_question_may_be_named_as_labelers_read_it(convert: Convert) -> None:
    assert convert(json.dumps(exported()), "--response", "Summary") == 0
    assert convert(json.dumps(exported()), "--response", "Something else") == 1


def test_reading_before_there_is_a_database_says_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tuneloop.toml").write_text(CONFIGURATION)
    assert run(["runs", "list"]) == 1
    assert "tuneloop migrate" in capsys.readouterr().err
    assert run(["migrate"]) == 0
    assert run(["runs", "list"]) == 0


@pytest.mark.parametrize(
    ("model", "is_ok", "words"),
    [("", True, "patterns only"), ('presidio_model = "xx_none"', False, "'xx_none' is not installed")],
)
def test_check_says_what_presidio_finds_by(
    folder: Path, capsys: pytest.CaptureFixture[str], model: str, *, is_ok: bool, words: str
) -> None:
    (folder / "tuneloop.toml").write_text(f"{CONFIGURATION}[pipelines.p.checks]\npresidio = true\n{model}\n")
    run(["check", "--json"])
    (found,) = [item for item in json.loads(capsys.readouterr().out)["checks"] if item["name"] == "p checks"]
    assert found["ok"] is is_ok
    assert words in found["text"]
    assert is_ok or "spacy download" in found["remedy"]


@pytest.mark.parametrize(
    ("function", "is_ok", "words"),
    [
        ("math:hypot", True, "tone (function), short (length); short decides nothing"),
        ("no_such_module:tone", False, "No module named 'no_such_module'"),
    ],
)
def test_check_imports_the_functions_that_metrics_name(
    folder: Path, capsys: pytest.CaptureFixture[str], function: str, *, is_ok: bool, words: str
) -> None:
    (folder / "tuneloop.toml").write_text(
        f"""{CONFIGURATION}
        [pipelines.p.metrics]
        tone = {{ kind = "function", function = "{function}" }}
        short = {{ kind = "length", max_words = 60 }}
        [pipelines.p.verdict]
        primary = "tone"
        """
    )
    run(["check", "--json"])
    (found,) = [item for item in json.loads(capsys.readouterr().out)["checks"] if item["name"] == "p metrics"]
    assert found["ok"] is is_ok
    assert words in found["text"]
    assert is_ok or "PYTHONPATH" in found["remedy"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("gpt-3.5-turbo-0125", "at most 16,385 tokens each, by gpt-3.5-turbo-0125;"),
        ("gpt-4.1-mini-2025-04-14", "at most 20,000 tokens each, by max_tokens;"),
    ],
)
def test_check_tells_how_long_a_line_may_really_be(
    folder: Path, capsys: pytest.CaptureFixture[str], model: str, words: str
) -> None:
    written = f'[pipelines.p]\nlabels.project = "cl1"\ntrain.model = "{model}"\ndataset.max_tokens = 20000\n'
    (folder / "tuneloop.toml").write_text(written)
    run(["check", "--json"])
    (found,) = [item for item in json.loads(capsys.readouterr().out)["checks"] if item["name"] == "p lines"]
    assert found["ok"]
    assert words in found["text"]


def test_check_looks_for_the_programs_that_deploy_and_undeploy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = 'deploy = ["sh", "up.sh"]\nundeploy = ["./no-such-program"]\n'
    (folder / "tuneloop.toml").write_text(f"[trainers.openai]\n{commands}{CONFIGURATION}")
    run(["check", "--json"])
    found = {item["name"]: item for item in json.loads(capsys.readouterr().out)["checks"]}
    assert found["trainer openai deploy"]["ok"]
    assert not found["trainer openai undeploy"]["ok"]
    assert "no-such-program" in found["trainer openai undeploy"]["text"]
    assert found["trainer openai undeploy"]["remedy"]


@pytest.mark.parametrize(
    "command",
    ["runs list", "runs events run-1", "datasets list", "datasets held", "dead-letters list", "notify list"],
)
@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_list_of_nothing_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, limit: str
) -> None:
    (folder / "tuneloop.toml").write_text(CONFIGURATION)
    assert run([*command.split(), "--limit", limit]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--limit" in printed.err


@pytest.mark.parametrize("command", ["trainer", "sandbox"])
def test_a_servers_help_is_written_as_its_command_is_typed(command: str) -> None:
    typed = [sys.executable, "-m", "service.cli", command, "--help"]
    asked = subprocess.run(typed, capture_output=True, timeout=60, check=True, encoding="utf-8")
    assert asked.stdout.startswith(f"usage: tuneloop {command} [-h]")


@pytest.mark.usefixtures("folder")
def test_without_a_configuration_a_command_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 2
    assert "tuneloop.toml" in capsys.readouterr().err
    assert run(["no-such-command"]) == 2


def test_two_supervisors_never_share_a_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with sole_owner(data), pytest.raises(ConfigurationError, match="runs already"), sole_owner(data):
        pass
    with sole_owner(tmp_path / "data"):
        pass


def test_a_taken_port_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConfigurationError, match=str(port)):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
