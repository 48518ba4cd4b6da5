"""``tuneloop forget`` and the way back from models with ``tuneloop explain``, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.adapters.sql_engine import make_engine, migrate
from service.cli.app import run
from service.domain.runs import Run, RunState
from tests.support.workshop import Workshop

TABLES = """
[pipelines.summaries.labels]
project = 'project-1'
[pipelines.summaries.train]
trainer = 'box'
model = 'base-model'
[trainers.box]
dialect = "generic"
base_url = "http://127.0.0.1:9/v1"
"""


@pytest.fixture
def shop(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Give an installation with one run that was judged, as the command finds it."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "tuneloop.toml").write_text(TABLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNELOOP_DATA", str(data))
    monkeypatch.setenv("TUNELOOP_REDIS_URL", redis_url)
    monkeypatch.delenv("TUNELOOP_DATABASE_URL", raising=False)
    url = f"sqlite:///{data / 'tuneloop.db'}"
    migrate(url)
    shop = Workshop(make_engine(url), data / "files")
    shop.fill()
    shop.go(shop.train())
    return shop


@pytest.fixture
def judged(shop: Workshop) -> Run:
    (found,) = shop.runs.recent(None, 9)
    return found


def row_in(shop: Workshop, split: str) -> str:
    found = shop.examples.existing("summaries", [f"row-{number}" for number in range(60)])
    return next(row_id for row_id, example in found.items() if example.split == split)


def status(shop: Workshop, row_id: str) -> tuple[str, str | None]:
    found = shop.examples.existing("summaries", [row_id])[row_id]
    return found.status, found.reason


def answer(capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 - JSON
    return json.loads(capsys.readouterr().out)


def test_a_dry_run_shows_everything_and_does_nothing(
    shop: Workshop, judged: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    row_id = row_in(shop, "train")
    assert run(["forget", f"label-{row_id}", "--dry-run"]) == 0
    told = capsys.readouterr().out
    example_id = shop.examples.existing("summaries", [row_id])[row_id].example_id
    for word in (
        row_id,
        f"label-{row_id}",
        example_id,
        str(judged.snapshot_id)[:16],
        judged.run_id,
        str(judged.job_id),
    ):
        assert word in told
    assert f"file {judged.fact('training_file')} at trainer box" in told
    assert f"model {judged.tuned_model}" in told
    assert "erased" not in told
    assert status(shop, row_id) == ("active", None)
    assert run(["forget", row_id, "--dry-run", "--json"]) == 0
    assert [item["data_row_id"] for item in answer(capsys)["snapshots"]] == [row_id]


def test_without_a_person_to_ask_it_refuses(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    row_id = row_in(shop, "train")
    assert run(["forget", row_id]) == 2
    assert "--yes" in capsys.readouterr().err
    assert status(shop, row_id) == ("active", None)


@pytest.mark.parametrize(("said", "code"), [("y", 0), ("n", 1)])
def test_a_person_is_asked(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str, code: int
) -> None:
    row_id = row_in(shop, "train")
    monkeypatch.setattr("sys.stdin", Person(said))
    assert run(["forget", row_id]) == code
    assert (status(shop, row_id)[1] == "forgotten") == (said == "y")
    assert f"data row {row_id}" in capsys.readouterr().out


class Person:
    """A terminal with somebody before it."""

    def __init__(self, said: str) -> None:
        self._said = said

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:
        return self._said + "\n"


def test_several_rows_by_several_names(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row_in(shop, split) for split in ("train", "validation", "held_out")]
    example_id = shop.examples.existing("summaries", [rows[2]])[rows[2]].example_id
    assert run(["forget", rows[0], f"label-{rows[1]}", example_id, "--yes", "--by", "jane", "--json"]) == 0
    told = answer(capsys)
    assert [row["data_row_id"] for row in told["rows"]] == rows
    assert (told["done"]["examples"], told["done"]["snapshot lines"], told["left"]) == (3, 3, [])
    assert [status(shop, row_id) for row_id in rows] == [("withdrawn", "forgotten")] * 3
    assert run(["explain", rows[0]]) == 0
    assert "on the word of jane" in capsys.readouterr().out
    assert run(["forget", *rows, "--yes"]) == 0
    assert run(["datasets", "verify", "--all"]) == 0
    assert "forgotten" in capsys.readouterr().out


def test_an_unknown_name_stops_everything_unless_it_is_a_row_to_keep_out(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    row_id = row_in(shop, "train")
    assert run(["forget", row_id, "nobody", "--yes"]) == 1
    assert "--row" in capsys.readouterr().err
    assert status(shop, row_id) == ("active", None)
    assert run(["forget", "nobody", "--row", "--yes"]) == 0
    assert run(["explain", "nobody"]) == 0
    assert "it stays away" in capsys.readouterr().out
    assert run(["forget", "nobody", "--yes"]) == 0


def test_a_trainer_that_does_not_answer_is_told_of_and_the_rest_is_done(
    shop: Workshop, judged: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    row_id = row_in(shop, "train")
    assert run(["forget", row_id, "--yes", "--provider-files"]) == 1
    told = capsys.readouterr().out
    assert "NOT erased" in told
    assert f"file {judged.fact('training_file')} at trainer box: TrainerUnreachable" in told
    assert str(judged.tuned_model) in told.partition("not in our hands")[2]
    assert status(shop, row_id) == ("withdrawn", "forgotten")


def test_a_run_that_has_uploaded_already_is_pointed_out(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.fill(60, 80)
    run_id = shop.start()
    shop.go(run_id, RunState.UPLOADED)
    assert run(["forget", row_in(shop, "train"), "--yes"]) == 0
    assert f"tuneloop runs cancel {run_id}" in capsys.readouterr().out


# The way back.


def names_of(shop: Workshop, judged: Run) -> dict[str, str]:
    snapshot = shop.snapshots.get(str(judged.snapshot_id))
    return {
        "snapshot": snapshot.snapshot_id,
        "beginning": snapshot.snapshot_id[:8],
        "file": snapshot.files["train"].sha256,
        "training file": str(judged.fact("training_file")),
        "validation file": str(judged.fact("validation_file")),
        "job": str(judged.job_id),
        "model": str(judged.tuned_model),
        "run": judged.run_id,
    }


def test_every_name_leads_back_to_run_snapshot_and_files(
    shop: Workshop, judged: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in names_of(shop, judged).values():
        assert run(["explain", name, "--json"]) == 0
        told = answer(capsys)
        assert [found["run_id"] for found in told["runs"]] == [judged.run_id]
        assert [found["snapshot_id"] for found in told["snapshots"]] == [judged.snapshot_id]
        assert all(Path(file["place"]).exists() for file in told["snapshots"][0]["files"].values())
        assert run(["explain", name]) == 0
        assert str(judged.job_id) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("run", {"train", "validation", "held_out"}),
        ("model", {"train", "validation", "held_out"}),
        ("file", {"train"}),
        ("training file", {"train"}),
        ("validation file", {"validation"}),
    ],
)
def test_every_label_behind_a_name_is_listed(
    shop: Workshop, judged: Run, capsys: pytest.CaptureFixture[str], name: str, splits: set[str]
) -> None:
    assert run(["explain", names_of(shop, judged)[name], "--labels"]) == 0
    told = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    lines = [line for line in shop.snapshots.lines(str(judged.snapshot_id)) if line.split in splits]
    assert told == [[line.split, line.example_id, str(line.version), str(line.label_id)] for line in lines]
    assert run(["explain", names_of(shop, judged)[name], "--labels", "--json"]) == 0
    parsed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(item["example_id"], item["forgotten"]) for item in parsed] == [(line.example_id, False) for line in lines]


def test_a_file_that_lost_lines_is_still_known_by_the_hash_it_was_given_away_with(
    shop: Workshop, judged: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shop.snapshots.get(str(judged.snapshot_id)).files["train"].sha256
    assert run(["forget", row_in(shop, "train"), "--yes"]) == 0
    capsys.readouterr()
    assert shop.snapshots.get(str(judged.snapshot_id)).files["train"].sha256 != before
    assert run(["explain", before, "--json"]) == 0
    (snapshot,) = answer(capsys)["snapshots"]
    assert (snapshot["forgotten"], list(snapshot["files"])) == (1, ["train"])


def test_a_lost_manifest_is_told_of(shop: Workshop, judged: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path(shop.files.location(str(judged.snapshot_id))).unlink()
    row_id = row_in(shop, "train")
    for name in (judged.run_id, row_id):
        assert run(["explain", name]) == 0
        assert "manifest is lost" in capsys.readouterr().out
    assert run(["explain", judged.run_id, "--labels"]) == 1
    assert run(["forget", row_id, "--yes"]) == 1
    assert "verify" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["nobody", "succeeded", "promoted", "better", "0" * 64, "0" * 8, "%", "base-model"])
@pytest.mark.usefixtures("shop")
def test_a_name_of_nothing_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name]) == 1
    assert "nothing is known" in capsys.readouterr().err


def test_the_labels_of_a_row_are_in_its_story(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", row_in(shop, "train"), "--labels"]) == 2
    assert "--labels" in capsys.readouterr().err


def test_a_story_names_files_trainer_and_who_was_taught_or_asked(
    shop: Workshop, judged: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", row_in(shop, "train")]) == 0
    told = capsys.readouterr().out
    entry = shop.snapshots.get(str(judged.snapshot_id)).files["train"]
    for word in (entry.sha256, f"training file {judged.fact('training_file')} at trainer box", "taught", "tokens"):
        assert word in told
    assert run(["explain", row_in(shop, "held_out")]) == 0
    told = capsys.readouterr().out
    assert "asked, never taught" in told
    assert f"asked: base-model, {judged.tuned_model}" in told


def test_a_story_says_when_a_stopped_job_may_have_learned(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.fill(60, 80)
    run_id = shop.start()
    shop.go(run_id, RunState.SUBMITTED)
    shop.trainer.becomes("ftjob-2", "cancelled")
    assert shop.go(run_id).state == "cancelled"
    assert run(["explain", row_in(shop, "train"), "--json"]) == 0
    (told,) = answer(capsys)
    learned = {item["run_id"]: item["may_have_learned"] for item in told["pipelines"][0]["runs"]}
    assert learned[run_id]
    assert list(learned.values()).count(True) == 1


def test_everything_that_shows_a_snapshot_says_what_was_forgotten(
    shop: Workshop, judged: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["forget", row_in(shop, "train"), row_in(shop, "held_out"), "--yes"]) == 0
    snapshot_id = str(judged.snapshot_id)
    capsys.readouterr()
    assert run(["datasets", "verify", snapshot_id]) == 0
    told = capsys.readouterr().out
    assert "58 lines built again and compared: whole" in told
    assert "1 line of train forgotten" in told
    assert run(["datasets", "show", snapshot_id]) == 0
    assert "2 examples that the manifest lists" in capsys.readouterr().out
    assert run(["datasets", "list", "--json"]) == 0
    assert [found["forgotten"] for found in answer(capsys)] == [2]
    for layout in ("files", "huggingface"):
        folder = tmp_path / layout
        assert run(["datasets", "export", snapshot_id, "--out", str(folder), "--layout", layout]) == 0
        assert "2 examples that the manifest lists" in capsys.readouterr().out
    assert "2 examples that the manifest lists" in (tmp_path / "huggingface" / "README.md").read_text()
    assert run(["datasets", "diff", snapshot_id, snapshot_id, "--text"]) == 0
