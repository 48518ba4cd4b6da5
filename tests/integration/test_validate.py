"""``tuneloop validate``, as it is typed."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import run

Validate = Callable[..., tuple[int, str, str]]
CONFIGURATION = """
[trainers.own]
dialect = "generic"
base_url = "http://127.0.0.1:1/v1"
[trainers.own.prices."meta/llama-3.1"]
train_usd_per_million = 0.5
as_of = 2026-09-30
[pipelines.p]
labels.project = "cl1"
train.model = "meta/llama-3.1"
"""


def line(question: str, answer: str = "It arrives tomorrow.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNELOOP_CONFIG", raising=False)
    rows = [line(f"Where is parcel {place}?") for place in range(12)]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def validate(folder: Path, capsys: pytest.CaptureFixture[str]) -> Validate:
    assert folder.is_dir()

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["validate", *arguments])
        return code, *capsys.readouterr()

    return call


def test_a_good_file_is_told_with_its_tokens_and_its_price_of_a_day(validate: Validate) -> None:
    code, out, _ = validate("f.jsonl", "--model", "ft:gpt-4.1-mini-2025-04-14:o::i", "--epochs", "3")
    assert code == 0
    assert "f.jsonl: 12 chat lines, " in out
    assert "ok       nothing found" in out
    assert "x 3 epochs x 5 USD per million" in out
    assert "price of 2026-10-01" in out


def test_what_a_trainer_refuses_ends_with_1_and_says_where_and_what_to_do(validate: Validate, folder: Path) -> None:
    with (folder / "f.jsonl").open("a") as file:
        file.write('{"messages": [{"role": "user", "content": "Hi"}]}\n\n')
    code, out, _ = validate("f.jsonl")
    assert code == 1
    assert "error    no_assistant" in out
    assert "line 13\n" in out
    assert "Add the answer." in out
    assert "line 14\n" in out
    assert "--model M tells the price" in out


def test_warnings_alone_end_with_0_and_show_as_many_lines_as_wanted(validate: Validate, folder: Path) -> None:
    rows = [line(f"Where is parcel {place}?", "x") for place in range(12)]
    (folder / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = validate("f.jsonl", "--show", "2")
    assert code == 0
    assert "warning  one_character_answer            12  line 1, 2, ...\n" in out


def test_json_tells_everything(validate: Validate, folder: Path) -> None:
    (folder / "v.jsonl").write_text(json.dumps(line("Where is parcel 3?")) + "\n")
    code, out, _ = validate("f.jsonl", "--validation", "v.jsonl", "--model", "gpt-4o-2024-08-06", "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    training, validation = told["files"]
    (finding,) = training["findings"]
    assert {key: finding[key] for key in ("code", "severity", "lines", "first_lines")} == {
        "code": "also_validates",
        "severity": "error",
        "lines": 1,
        "first_lines": [4],
    }
    assert (validation["file"], validation["lines"], validation["findings"]) == ("v.jsonl", 1, [])
    cost = told["cost"]
    assert (cost["encoding"], cost["line_limit"], cost["price_as_of"]) == ("o200k_base", 65_536, "2026-10-01")
    assert cost["usd"] == pytest.approx(cost["tokens"] * cost["epochs"] * 25 / 1_000_000)


def test_the_form_may_be_demanded(validate: Validate) -> None:
    code, out, _ = validate("f.jsonl", "--format", "preference")
    assert (code, "mixed_forms" in out) == (1, True)
    assert validate("f.jsonl", "--format", "parquet")[0] == 2


def test_standard_input_is_read(validate: Validate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((folder / "f.jsonl").read_bytes())))
    code, out, _ = validate("-")
    assert (code, out.startswith("-: 12 chat lines")) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [["none.jsonl"], ["."], ["-", "--validation", "-"], ["f.jsonl", "--epochs", "0"], ["f.jsonl", "--show", "0"], []],
)
def test_wrong_usage_ends_with_2(validate: Validate, arguments: list[str]) -> None:
    assert validate(*arguments)[0] == 2


def test_the_prices_of_a_configuration_count_and_a_broken_one_is_no_obstacle(validate: Validate, folder: Path) -> None:
    model = ("--model", "meta/llama-3.1")
    assert "no price known for meta/llama-3.1" in validate("f.jsonl", *model)[1]
    (folder / "tuneloop.toml").write_text(CONFIGURATION)
    assert "0.5 USD per million" in validate("f.jsonl", *model)[1]
    (folder / "tuneloop.toml").write_text("[")
    code, out, err = validate("f.jsonl", "--model", "gpt-4.1-2025-04-14")
    assert code == 0
    assert "25 USD per million" in out
    assert "cannot be read" in err


def test_no_text_of_an_example_is_printed(validate: Validate, folder: Path) -> None:
    secret = line("a-secret-question?", "Write to a-secret-answer@example.com")
    broken = {"messages": [{"role": "a-secret-role", "content": {"a-secret": 1}}]}
    (folder / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (secret, broken)))
    _, out, err = validate("f.jsonl", "--json")
    assert "personal_email" in out
    assert "a-secret" not in out + err
