"""Every kind of metric as a user has it: from the configuration through the command and our own server to numbers."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import answers
from service.cli.app import run as command
from tests.contract.trainer_process import BASE, KEY, running_trainer
from tests.support.workshop import Workshop

CONFIGURATION = """
[trainers.box]
dialect = "tuneloop"
base_url = "{url}"
api_key_env = "BOX_KEY"
[pipelines.summaries]
labels.project = "project-1"
train = {{ model = "{base}", trainer = "box" }}
[pipelines.summaries.metrics]
short = {{ kind = "length", max_words = 10 }}
long = {{ kind = "length", min_characters = 60, max_characters = 90 }}
no_mail = {{ kind = "regex", pattern = "(?i)[a-z0-9]+@EXAMPLE", must = "not_match" }}
ends = {{ kind = "regex", pattern = "parcel$" }}
shape = {{ kind = "json_schema", schema_file = "answer.schema.json" }}
inline = {{ kind = "json_schema", json_schema = {{ type = "object", required = ["topic"] }} }}
topics = {{ kind = "label_f1", separator = "" }}
words = {{ kind = "function", function = "tone_of_ours:words", high = 1000, words = "words of an answer" }}
polite = {{ kind = "function", function = "tone_of_ours:polite", values = "yes_no" }}
[pipelines.summaries.verdict]
primary = "pii_leak"
guard = ["exact_match", "label_f1", "chrf", "rouge_l", "json_valid", {own}]
sampling = {{ seed = 7, max_tokens = 400 }}
"""
OWN = ["short", "long", "no_mail", "ends", "shape", "inline", "topics", "words", "polite"]
FUNCTIONS = """
def words(prompt, reference, answer):
    return len(answer.split())


def polite(prompt, reference, answer):
    return 1.0 if "please" in answer else 0.0
"""
# What each must give for an answer, said once more in plain words.
EXPECTED: Mapping[str, Callable[[str], float]] = {
    "short": lambda text: float(len(text.split()) <= 10),
    "long": lambda text: float(60 <= len(text) <= 90),
    "no_mail": lambda text: float(not re.search("[a-z0-9]+@example", text.lower())),
    "ends": lambda text: float(text.endswith("parcel")),
    "words": lambda text: float(len(text.split())),
    "polite": lambda text: float("please" in text),
}


@pytest.fixture
def typed(shop: Workshop, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Give the workshop, with a user's files beside the configuration."""
    monkeypatch.setenv("TUNELOOP_CONFIG", str(tmp_path / "tuneloop.toml"))
    monkeypatch.setenv("TUNELOOP_DATA", str(tmp_path))
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TUNELOOP_FILES_URL", str(tmp_path / "files"))
    monkeypatch.setenv("BOX_KEY", KEY)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tone_of_ours.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path / "own"))
    (tmp_path / "answer.schema.json").write_text(json.dumps({"type": "object", "required": ["topic"]}))
    return shop


def test_every_kind_measures_what_its_table_says_and_is_reproduced(
    typed: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_trainer(tmp_path / "trainer") as trainer:
        own = ", ".join(f'"{name}"' for name in OWN)
        text = CONFIGURATION.format(url=trainer.base_url, base=BASE, own=own)
        (tmp_path / "tuneloop.toml").write_text(text)
        assert command(["evaluate", "summaries", "--base", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["facts"]
    assert facts["sampling"] == {"temperature": 0, "top_p": None, "seed": 7, "max_tokens": 400}
    with typed.engine.connect() as connection:
        rows = connection.execute(sa.select(answers.c.question, answers.c.text, answers.c.model)).all()
    assert {row.model for row in rows} == {f"box/{BASE}?seed=7&max_tokens=400"}
    said = {row.question: row.text for row in rows}
    texts = [said[key] for key in facts["questions"]]
    scores = {name: by_role["base"] for name, by_role in facts["scores"].items()}
    assert set(scores) == {*OWN, "pii_leak", "exact_match", "label_f1", "chrf", "rouge_l", "json_valid"}
    for name, expected in EXPECTED.items():
        assert scores[name] == list(map(expected, texts)), name
    assert scores["shape"] == scores["inline"] == scores["json_valid"] == [0.0] * len(texts)
    assert facts["metrics"]["words"]["words"] == "words of an answer"
    assert command(["evaluate", "summaries", "--base", "--recompute"]) == 0
    assert capsys.readouterr().out.startswith("equal: all ")


def test_a_function_that_changed_since_is_said_to_give_other_numbers(
    typed: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_trainer(tmp_path / "trainer") as trainer:
        (tmp_path / "tuneloop.toml").write_text(CONFIGURATION.format(url=trainer.base_url, base=BASE, own='"words"'))
        assert command(["evaluate", "summaries", "--base"]) == 0
    assert len(typed.evaluations.base_evaluations("summaries")) == 1
    import tone_of_ours

    monkeypatch.setattr(tone_of_ours, "words", lambda *_: 1.0)
    capsys.readouterr()
    assert command(["evaluate", "summaries", "--base", "--recompute"]) == 1
    shown = capsys.readouterr().out
    assert "not reproduced: eval-" in shown
    assert "scores.words.base[0]" in shown
