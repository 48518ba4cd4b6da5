"""The command line, as it is typed: what it does, what it refuses, and what it then says."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import run
from service.cli.processes import require_free, sole_owner
from service.domain.errors import ConfigurationError

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
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_DATA", "TUNELOOP_REDIS_URL", "TUNELOOP_DATABASE_URL"):
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
    assert reasons(folder) == {None: "not_json", "row-2": "broken_text"}


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
