"""``tuneloop datasets``: listed, shown, compared, verified and exported, as it is typed."""

import hashlib
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import example_versions
from service.adapters.tokens import count_tokens
from service.cli.app import run
from service.domain.contents import Turn, pair
from service.domain.pipelines import ChecksPolicy, DatasetPolicy, Pipeline, TrainPolicy
from service.domain.runs import RunState as S
from service.domain.snapshots import SPLITS, Snapshot
from tests.support.builders import make_pipeline
from tests.support.freezing import build, make_frozen
from tests.support.workshop import Workshop

ROOT = Path(__file__).parents[2]
CONFIGURATION = '[pipelines.summaries]\nlabels.project = "cl1"\ntrain.model = "gpt-4.1-mini-2025-04-14"\n'


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, sqlite_engine: sa.Engine) -> Workshop:
    monkeypatch.chdir(tmp_path)
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_DATA", "TUNELOOP_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TUNELOOP_FILES_URL", str(tmp_path / "files"))
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    shop = Workshop(sqlite_engine, tmp_path / "files")
    shop.fill()
    return shop


def freeze(shop: Workshop, **policies: Any) -> Snapshot:  # noqa: ANN401 - the fields of Pipeline
    """Freeze what there is, as a run does, and end the run."""
    shop.pipelines["summaries"] = make_pipeline(system="Be kind.", **policies)
    run_id = shop.start()
    snapshot = shop.snapshots.get(str(shop.go(run_id, S.SNAPSHOTTED).snapshot_id))
    with shop.engine.begin() as connection:
        connection.execute(sa.text("update runs set is_open = 0, state = 'cancelled'"))
    return snapshot


def path_of(shop: Workshop, snapshot: Snapshot) -> Path:
    return Path(shop.files.location(snapshot.files["train"].sha256))


def out_of(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run(["datasets", *arguments]) == code
    return capsys.readouterr().out


# list and show


def test_the_list_tells_examples_and_lines_apart(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    assert out_of(capsys, "list") == "No snapshot yet.\n"
    chat = freeze(shop)
    preference = freeze(
        shop, train=TrainPolicy("box", "base-model", method="preference"), dataset=DatasetPolicy(min_train=0)
    )
    told = out_of(capsys, "list")
    assert f"{chat.files['train'].lines} train, " in told
    assert f"{preference.snapshot_id[:16]}" in told
    (first, second) = json.loads(out_of(capsys, "list", "--json"))
    assert {first["snapshot_id"], second["snapshot_id"]} == {chat.snapshot_id, preference.snapshot_id}
    assert first["files"].keys() == set(SPLITS)


def test_a_snapshot_is_shown_with_what_shaped_it_and_where_it_is(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = freeze(shop, dataset=DatasetPolicy(held_out_percent=30))
    told = out_of(capsys, "show", snapshot.snapshot_id[:12])
    for words in (
        snapshot.snapshot_id,
        "dataset.held_out_percent = 30",
        'system         "Be kind."',
        "left out or noted   nothing",
        str(snapshot.files["train"].tokens),
        shop.files.location(snapshot.files["held_out"].sha256),
    ):
        assert words in told
    shown = json.loads(out_of(capsys, "show", snapshot.snapshot_id, "--json"))
    assert shown["head"]["counts"]["train"]["examples"] == snapshot.files["train"].examples
    assert shown["places"]["manifest"] == shop.files.location(snapshot.snapshot_id)
    assert out_of(capsys, "show", "no-such", code=1) == ""


# diff


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_texts_that_are_compared_do_not_command_the_terminal(
    shop: Workshop, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    checks = ChecksPolicy(actions={"control_characters": "note"})
    before = freeze(shop, checks=checks)
    shop.fill(60, 61, answer=lambda _: "Good\x1b]0;mine\x07 and \x9b31mred")
    after = freeze(shop, checks=checks)
    told = out_of(capsys, "diff", before.snapshot_id, after.snapshot_id, "--text", *more)
    capsys.readouterr()
    assert run(["explain", "row-60", "--text", *more]) == 0
    for shown in (told, capsys.readouterr().out):
        assert r"Good\u001b]0;mine\u0007 and \u009b31mred" in shown
        assert "\x1b" not in shown
        assert "\x9b" not in shown


def test_what_lies_between_two_snapshots_is_told_with_the_labels(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    before = freeze(shop)
    shop.fill(0, 2, answer=lambda prompt: f"Edited: {prompt[:6]}")
    shop.fill(60, 65)
    after = freeze(shop, dataset=DatasetPolicy(held_out_percent=30))
    found = json.loads(out_of(capsys, "diff", before.snapshot_id[:10], after.snapshot_id[:10], "--json", "--text"))
    total = {kind: sum(counts[kind] for counts in found["counts"].values()) for kind in found["counts"]["train"]}
    assert total == {"added": 5, "withdrawn": 0, "changed": 2, "relabelled": 0}
    assert found["configuration"] == {"configuration.dataset.held_out_percent": [20, 30]}
    changed = [example for example in found["examples"] if example["kind"] == "changed"]
    assert {(item["before"]["version"], item["after"]["version"]) for item in changed} == {(1, 2)}
    assert {item["after"]["label_id"] for item in changed} == {"label-row-0", "label-row-1"}
    assert all(item["after"]["answer"].startswith("Edited") for item in changed)
    backwards = json.loads(out_of(capsys, "diff", after.snapshot_id, before.snapshot_id, "--json"))
    assert sum(counts["withdrawn"] for counts in backwards["counts"].values()) == 5


def test_a_diff_names_the_first_and_counts_the_rest(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    before = freeze(shop)
    shop.fill(60, 65)
    after = freeze(shop)
    lines = out_of(capsys, "diff", before.snapshot_id, after.snapshot_id, "--limit", "2").splitlines()
    assert lines[0].startswith(f"- {before.snapshot_id[:16]}")
    assert len([line for line in lines if ": version 1 of label label-row-6" in line]) == 2
    assert lines[-1] == "... and 3 more: --limit 5"
    with_text = out_of(capsys, "diff", before.snapshot_id, after.snapshot_id, "--text")
    assert '    + "The customer of chat 6' in with_text
    assert "The customer" not in "\n".join(lines)


# verify


def test_verify_says_what_is_whole_and_ends_with_1_where_something_is_not(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = freeze(shop)
    assert "60 lines built again and compared: whole" in out_of(capsys, "verify", snapshot.snapshot_id[:9])
    path_of(shop, snapshot).unlink()
    assert "train was missing: can be built again with --repair" in out_of(capsys, "verify", "--all", code=1)
    assert "train was missing: built again and put back" in out_of(capsys, "verify", "--all", "--repair")
    path_of(shop, snapshot).write_bytes(b"x")
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(example_versions))
    told = out_of(capsys, "verify", snapshot.snapshot_id, "--repair", code=1)
    assert "train was damaged: lost, and cannot be built again" in told
    assert "lines of train cannot be built again: unknown_version" in told
    (found,) = json.loads(out_of(capsys, "verify", snapshot.snapshot_id, "--json", code=1))
    assert (found["whole"], found["lines"], len(found["first_gaps"])) == (False, 0, 20)


@pytest.mark.parametrize("arguments", [[], ["abc", "--all"]])
def test_verify_wants_to_know_which(shop: Workshop, arguments: list[str]) -> None:
    assert shop
    assert run(["datasets", "verify", *arguments]) == 2


# export


def test_an_export_is_the_snapshots_files_and_the_manifest_its_id(shop: Workshop, tmp_path: Path) -> None:
    snapshot = freeze(shop)
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "there/below"]) == 0
    folder = tmp_path / "there" / "below"
    assert sorted(path.name for path in folder.iterdir()) == [
        "held_out.jsonl",
        "manifest.json",
        "train.jsonl",
        "validation.jsonl",
    ]
    for split in SPLITS:
        assert sha256_of(folder / f"{split}.jsonl") == snapshot.files[split].sha256
    assert sha256_of(folder / "manifest.json") == snapshot.snapshot_id


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_export_replaces_an_earlier_one_and_nothing_else(
    shop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = freeze(shop)
    shop.fill(60, 65)
    second = freeze(shop)
    for snapshot in (first, second):
        assert run(["datasets", "export", snapshot.snapshot_id, "--out", "out"]) == 0
    assert sha256_of(tmp_path / "out" / "manifest.json") == second.snapshot_id
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert run(["datasets", "export", first.snapshot_id, "--out", "out"]) == 1
    assert "new or empty folder" in capsys.readouterr().err
    assert sha256_of(tmp_path / "out" / "manifest.json") == second.snapshot_id


def test_files_that_only_look_like_an_export_are_not_overwritten(shop: Workshop, tmp_path: Path) -> None:
    snapshot = freeze(shop)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "train.jsonl").write_text("mine")
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "out"]) == 1
    assert (tmp_path / "out" / "train.jsonl").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "file"]) == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_an_export_that_breaks_off_has_no_manifest_and_can_be_done_again(shop: Workshop, tmp_path: Path) -> None:
    first = freeze(shop)
    shop.fill(60, 65)
    second = freeze(shop)
    assert run(["datasets", "export", first.snapshot_id, "--out", "out"]) == 0
    held_out = Path(shop.files.location(second.files["held_out"].sha256))
    content = held_out.read_bytes()
    held_out.write_bytes(b"damaged")
    assert run(["datasets", "export", second.snapshot_id, "--out", "out"]) == 1
    assert not (tmp_path / "out" / "manifest.json").exists()
    held_out.write_bytes(content)
    assert run(["datasets", "export", second.snapshot_id, "--out", "out"]) == 0
    assert sha256_of(tmp_path / "out" / "manifest.json") == second.snapshot_id
    assert not list((tmp_path / "out").glob("*.part"))


@pytest.mark.parametrize("split", [None, *SPLITS])
def test_one_file_goes_to_standard_output_byte_for_byte(
    shop: Workshop, capfdbinary: pytest.CaptureFixture[bytes], split: str | None
) -> None:
    snapshot = freeze(shop)
    options = ["--split", split] if split else []
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "-", *options]) == 0
    entry = snapshot.files[split or "train"]  # type: ignore[index]
    assert hashlib.sha256(capfdbinary.readouterr().out).hexdigest() == entry.sha256


def test_a_reader_that_goes_away_gets_no_complaint(shop: Workshop) -> None:
    shop.fill(60, 900)
    snapshot = freeze(shop)
    command = [sys.executable, "-m", "service.cli", "datasets", "export", snapshot.snapshot_id, "--out", "-"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as reader:
        assert reader.stdout
        assert reader.stderr
        assert reader.stdout.readline().startswith(b'{"messages"')
        reader.stdout.close()
        assert reader.stderr.read() == b""
        assert reader.wait() == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--out", "-", "--layout", "huggingface"],
        ["--out", "out", "--split", "train"],
        ["--out", "-", "--split", "test"],
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(shop: Workshop, options: list[str]) -> None:
    snapshot = freeze(shop)
    assert run(["datasets", "export", snapshot.snapshot_id, *options]) == 2


def contents_for(split: str) -> list[tuple[Turn, ...]]:
    """Make contents that share no prompt with another split's."""
    ranked = (Turn("user", f"Where, {split}?"), Turn("assistant", "It is there.", ("Nowhere.", "Go away.", "No.")))
    shown = (Turn("user", "So?"), Turn("assistant", "Well.", ("Hm.", "Oh."), weight=0))
    return [pair(f"When, {split}?", "Today."), ranked, (*shown, *ranked)]


@pytest.mark.parametrize("form", ["chat", "preference", "completion"])
def test_an_exported_file_has_the_tokens_that_the_snapshot_tells(
    shop: Workshop, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    model = "gpt-4.1-mini-2025-04-14"
    policy = TrainPolicy("box", model, "preference") if form == "preference" else TrainPolicy("box", model, format=form)  # type: ignore[arg-type]
    made = [make_frozen(number, split, said) for split in SPLITS for number, said in enumerate(contents_for(split))]
    pipeline = make_pipeline(system="Be kind.\n", train=policy)
    built = build(made, shop.files, pipeline=pipeline, count_tokens=partial(count_tokens, model=model))
    shop.snapshots.add(Snapshot(built.snapshot_id, "summaries", 1, shop.clock.now, built.files, built.head))
    assert run(["datasets", "export", built.snapshot_id, "--out", "out"]) == 0
    for split in SPLITS:
        capsys.readouterr()
        run(["validate", f"out/{split}.jsonl", "--model", model, "--json"])
        (found,) = json.loads(capsys.readouterr().out)["files"]
        assert (found["lines"], found["tokens"]) == (built.files[split].lines, built.files[split].tokens)


# The Hugging Face layout, read by the real library.


def load(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:  # noqa: ANN401 - a DatasetDict
    script = """
import json, sys, datasets
datasets.disable_progress_bars()
found = datasets.load_dataset(*sys.argv[1:], cache_dir="cache")
print(json.dumps({split: list(rows) for split, rows in found.items()}))
"""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(folder.parent / "home"))
    command = [sys.executable, "-c", script, str(folder), *arguments]
    ended = subprocess.run(command, cwd=folder.parent, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ended.stdout)


def said_in(path: Path) -> list[list[str]]:
    return [[message["content"] for message in json.loads(line)["messages"]] for line in path.read_text().splitlines()]


def test_load_dataset_reads_the_hugging_face_layout(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = freeze(shop)
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "hf", "--layout", "huggingface"]) == 0
    found = load(tmp_path / "hf", monkeypatch)
    for split, name in (("train", "train"), ("validation", "validation"), ("held_out", "test")):
        assert [[message["content"] for message in row["messages"]] for row in found[name]] == said_in(
            Path(shop.files.location(snapshot.files[split].sha256))  # type: ignore[index]
        )
    assert sha256_of(tmp_path / "hf" / "manifest.json") == snapshot.snapshot_id
    card = (tmp_path / "hf" / "README.md").read_text()
    for words in (
        snapshot.snapshot_id,
        "n<1K",
        '"held_out_percent": 20',
        "Left to the owner",
        "text-generation",
        "(0.8; 1 is only",
        "held_out_leak",
    ):
        assert words in card
    for words in ("near-duplicates divided", "(0.8; 1 is only the same prompt)", "`held_out_leak` counts these"):
        assert words in card
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "hf"]) == 1


def freeze_by_hand(shop: Workshop, pipeline: Pipeline, *contents: tuple[str, tuple[Turn, ...]]) -> Snapshot:
    made = [make_frozen(number, split, content) for number, (split, content) in enumerate(contents)]  # type: ignore[arg-type]
    built = build(made, shop.files, pipeline=pipeline)
    snapshot = Snapshot(built.snapshot_id, pipeline.name, 1, shop.clock.now, built.files, built.head)
    shop.snapshots.add(snapshot)
    return snapshot


def test_weights_that_few_messages_have_do_not_hinder_load_dataset(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighted = (Turn("user", "a"), Turn("assistant", "b", weight=0), Turn("user", "c"), Turn("assistant", "d"))
    snapshot = freeze_by_hand(
        shop, make_pipeline(), ("held_out", pair("q", "a")), ("train", pair("r", "a")), ("train", weighted)
    )
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "hf", "--layout", "huggingface"]) == 0
    found = load(tmp_path / "hf", monkeypatch)
    assert [message["weight"] for message in found["train"][1]["messages"]] == [None, 0, None, None]
    # Nothing is in it, so nothing is said of it.
    assert "validation" not in found


def test_load_dataset_reads_pairs_and_the_chats_that_are_asked(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    better = (Turn("user", "one"), Turn("assistant", "good", ("bad", "worse")))
    pipeline = make_pipeline(train=TrainPolicy("box", "base-model", method="preference"))
    snapshot = freeze_by_hand(shop, pipeline, ("held_out", pair("q", "a")), ("train", better))
    assert snapshot.files["train"].examples == 1
    assert run(["datasets", "export", snapshot.snapshot_id, "--out", "hf", "--layout", "huggingface"]) == 0
    pairs = load(tmp_path / "hf", monkeypatch)["train"]
    assert [row["non_preferred_output"][0]["content"] for row in pairs] == ["bad", "worse"]
    assert [row["input"]["messages"][0]["content"] for row in pairs] == ["one", "one"]
    assert len(load(tmp_path / "hf", monkeypatch, "held_out")["test"]) == 1


def test_the_list_counts_an_example_once_however_many_pairs_it_gives(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    better = (Turn("user", "one"), Turn("assistant", "good", ("bad", "worse")))
    pipeline = make_pipeline(train=TrainPolicy("box", "base-model", method="preference"))
    freeze_by_hand(shop, pipeline, ("train", better))
    assert "1 (2 lines) train, 0 validation, 0 held_out" in out_of(capsys, "list")
