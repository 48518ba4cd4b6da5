"""The tables ``[pipelines.NAME.metrics.*]`` and what ``verdict`` may name: read, or every mistake at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from service.config import Settings, describe, load, missing_for
from service.domain.errors import ConfigurationError
from service.domain.metric_specs import (
    FunctionSpec,
    JudgeSpec,
    LabelsSpec,
    LengthSpec,
    RegexSpec,
    SchemaSpec,
)

HEAD = """
[trainers.openai]
[trainers.own]
dialect = "tuneloop"
base_url = "http://127.0.0.1:8090/v1"
[pipelines.p]
labels.project = "cl1"
train = { model = "meta-llama/Llama-3.1-8B-Instruct", trainer = "own" }
"""
Load = Callable[[str], Settings]
Mistakes = Callable[[str], list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Load:
    def read(text: str) -> Settings:
        file = tmp_path / "tuneloop.toml"
        file.write_text(HEAD + text)
        return load({"TUNELOOP_CONFIG": str(file)})

    return read


@pytest.fixture
def mistakes(read: Load, tmp_path: Path) -> Mistakes:
    def mistakes(text: str) -> list[str]:
        with pytest.raises(ConfigurationError) as raised:
            read(text)
        # Lines are counted from the first one behind the head.
        found = [line.replace(f"{tmp_path}/tuneloop.toml:", "") for line in str(raised.value).split("\n")]
        numbered = (line.split(":", 1) for line in found)
        return [f"{int(number) - HEAD.count(chr(10))}:{words}".replace(str(tmp_path), "") for number, words in numbered]

    return mistakes


def test_every_kind_arrives_in_the_domains_words(read: Load, tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "answer.json").write_text(json.dumps({"type": "object"}))
    settings = read(
        """
        [pipelines.p.metrics]
        topics = { kind = "label_f1", separator = "" }
        shape = { kind = "json_schema", schema_file = "schemas/answer.json" }
        short = { kind = "length", max_words = 60, words = "answers of at most 60 words" }
        calm = { kind = "regex", pattern = "(?i)sorry", must = "not_match" }
        polite = { kind = "function", function = "scoring.tone:politeness", high = 5 }
        [pipelines.p.metrics.inline]
        kind = "json_schema"
        json_schema = { type = "object", required = ["topic"] }
        [pipelines.p.metrics.careful]
        kind = "judge"
        trainer = "openai"
        model = "gpt-5"
        rubric = "Which summary leaves out personal data and keeps the facts?"
        sampling = { temperature = "omit", max_tokens = 16 }
        [pipelines.p.verdict]
        sampling = { temperature = 0.2, top_p = 0.9, seed = 7 }
        primary = "careful"
        guard = ["short", "chrf", "calm"]
        guard_margin = { chrf = 2.5, calm = 0 }
        """
    )
    pipeline = settings.pipelines["p"]
    rubric = "Which summary leaves out personal data and keeps the facts?"
    assert pipeline.metrics == {
        "topics": LabelsSpec(separator=None),
        "shape": SchemaSpec({"type": "object"}, "schemas/answer.json"),
        "short": LengthSpec(max_words=60, words="answers of at most 60 words"),
        "calm": RegexSpec("(?i)sorry", "not_match"),
        "polite": FunctionSpec("scoring.tone:politeness", high=5),
        "inline": SchemaSpec({"type": "object", "required": ["topic"]}),
        "careful": JudgeSpec("openai", "gpt-5", rubric, sampling={"temperature": "omit", "max_tokens": 16}),
    }
    assert (pipeline.verdict.primary, pipeline.verdict.guard) == ("careful", ("short", "chrf", "calm"))
    assert pipeline.verdict.guard_margin == {"chrf": 2.5, "calm": 0}
    assert pipeline.verdict.sampling == {"temperature": 0.2, "top_p": 0.9, "seed": 7}
    rows = dict(describe(settings))
    assert rows["pipelines.p.verdict.guard_margin.chrf"] == "2.5"
    assert rows["pipelines.p.metrics.calm.pattern"] == "(?i)sorry"
    assert rows["pipelines.p.metrics.careful.human_pairs"] == "50"


def test_settings_of_sampling_that_no_server_knows_are_named(mistakes: Mistakes) -> None:
    found = mistakes(
        """\
[pipelines.p.metrics.short]
kind = "length"
max_words = 9
sampling = { seed = 1 }
[pipelines.p.verdict.sampling]
temperature = 3
top_p = 0
seed = -1
max_tokens = 0
top_k = 4
"""
    )
    assert "4: pipelines.p.metrics.short.sampling: is for kind 'judge' only" in found
    assert [line.split(":")[0] for line in found] == ["4", "6", "7", "8", "9", "10"]
    assert any("temperature: must be a number from 0 to 2, or 'omit' (got 3)" in line for line in found)


def test_every_mistake_of_the_tables_is_named_at_once(mistakes: Mistakes) -> None:
    assert mistakes(
        """\
[pipelines.p.metrics.chrf]
kind = "regex"
[pipelines.p.metrics.a]
kind = "rexeg"
[pipelines.p.metrics.b]
kind = "regex"
pattern = "(a"
must = "find"
[pipelines.p.metrics.c]
kind = "regex"
max_words = 5
[pipelines.p.metrics.d]
kind = "length"
min_words = 5
max_words = 4
max_character = 3
[pipelines.p.metrics.e]
kind = "length"
[pipelines.p.metrics.f]
kind = "function"
function = "politeness"
low = 2
[pipelines.p.metrics.g]
kind = "function"
function = "a.b:c"
values = "yes_no"
high = 1.0
[pipelines.p.metrics.h]
kind = "json_schema"
[pipelines.p.metrics.i]
kind = "json_schema"
schema_file = "gone.json"
[pipelines.p.metrics.j]
kind = "json_schema"
json_schema = { type = "text" }
[pipelines.p.metrics.k]
kind = "judge"
trainer = "opnai"
model = "gpt-5"
[pipelines.p.metrics.l]
kind = "judge"
model = "gpt-5"
rubric = " "
[pipelines.p.metrics.m]
words = "what nobody measures"
[pipelines.p.verdict]
primary = "bb"
guard = ["b", "nothing"]
"""
    ) == [
        "1: pipelines.p.metrics.chrf: 'chrf' is a metric that is always there: choose another name",
        "1: pipelines.p.metrics.chrf.pattern: is missing: kind 'regex' needs it",
        (
            "4: pipelines.p.metrics.a.kind: must be one of 'label_f1', 'json_schema', 'length', 'regex', 'function', "
            "'judge' (got 'rexeg'); did you mean 'regex'?"
        ),
        "7: pipelines.p.metrics.b.pattern: is no regular expression: missing ) at position 2",
        "8: pipelines.p.metrics.b.must: must be 'match' or 'not_match' (got 'find')",
        "9: pipelines.p.metrics.c.pattern: is missing: kind 'regex' needs it",
        "11: pipelines.p.metrics.c.max_words: is for kind 'length' only",
        "15: pipelines.p.metrics.d.max_words: must be at least min_words, 5 (got 4)",
        "16: pipelines.p.metrics.d.max_character: unknown key; did you mean 'max_characters'?",
        "17: pipelines.p.metrics.e: needs at least one of min_characters, max_characters, min_words, max_words",
        "19: pipelines.p.metrics.f.high: must be above low, 2 (got 1)",
        (
            "21: pipelines.p.metrics.f.function: must name a module and a function in it, such as "
            "'mypackage.scoring:politeness' (got 'politeness')"
        ),
        "27: pipelines.p.metrics.g.high: is for values = 'score' only: yes and no are 1 and 0",
        "28: pipelines.p.metrics.h.schema_file: is missing: the schema is in this file, or in the table json_schema",
        "32: pipelines.p.metrics.i.schema_file: cannot be read: /gone.json: No such file or directory",
        (
            "35: pipelines.p.metrics.j.json_schema: is no JSON Schema: $.type: 'text' is not valid under any of "
            "the given schemas"
        ),
        "36: pipelines.p.metrics.k.rubric: is missing: kind 'judge' needs it",
        "38: pipelines.p.metrics.k.trainer: must be one of 'openai', 'own' (got 'opnai'); did you mean 'openai'?",
        "40: pipelines.p.metrics.l.trainer: is needed, because there are several: openai, own",
        "43: pipelines.p.metrics.l.rubric: must not be empty",
        "44: pipelines.p.metrics.m.kind: is missing",
        (
            "47: pipelines.p.verdict.primary: must be one of 'pii_leak', 'exact_match', 'json_valid', 'chrf', "
            "'rouge_l', 'label_f1', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm' (got 'bb'); "
            "did you mean 'b'?"
        ),
        (
            "48: pipelines.p.verdict.guard.1: must be one of 'pii_leak', 'exact_match', 'json_valid', 'chrf', "
            "'rouge_l', 'label_f1', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm' (got 'nothing')"
        ),
    ]


def test_a_metric_belongs_to_its_own_pipeline(mistakes: Mistakes) -> None:
    (found,) = mistakes(
        """\
[pipelines.p.metrics.short]
kind = "length"
max_words = 5
[pipelines.q]
labels.project = "cl2"
train = { model = "m", trainer = "own" }
verdict.primary = "short"
"""
    )
    assert found.startswith("7: pipelines.q.verdict.primary: must be one of ")


JUDGE = """\
[pipelines.p.metrics.careful]
kind = "judge"
trainer = "{trainer}"
model = "{model}"
rubric = "Which is better?"
"""


@pytest.mark.parametrize(
    ("trainer", "model"), [("own", "Llama-3.3-70B"), ("openai", "ft:llama-3.1:x::1"), ("own", "meta/meta-llama-3-8b")]
)
def test_a_judge_of_the_models_own_family_is_refused(mistakes: Mistakes, trainer: str, model: str) -> None:
    (found,) = mistakes(JUDGE.format(trainer=trainer, model=model))
    assert found == (
        "4: pipelines.p.metrics.careful.model: must not be of the family of what it judges, meta: judges like their "
        f"own. Name another model, or say same_family = true (got '{model}')"
    )


def test_a_judge_of_the_same_family_may_be_allowed(read: Load) -> None:
    text = JUDGE.format(trainer="own", model="Llama-3.3-70B") + "same_family = true\n"
    assert read(text).pipelines["p"].metrics["careful"] == JudgeSpec(
        "own", "Llama-3.3-70B", "Which is better?", same_family=True
    )


def test_what_serves_one_makers_models_tells_the_family_of_a_deployment(tmp_path: Path) -> None:
    file = tmp_path / "tuneloop.toml"
    file.write_text(
        """
[trainers.azure]
dialect = "azure"
base_url = "https://x.example.com/openai/v1"
[pipelines.p]
labels.project = "cl1"
train.model = "gpt-4.1-mini-2025-04-14"
[pipelines.p.metrics.careful]
kind = "judge"
model = "our-deployment"
rubric = "Which is better?"
"""
    )
    with pytest.raises(ConfigurationError, match=r"of the family of what it judges, openai"):
        load({"TUNELOOP_CONFIG": str(file)})


def test_a_judges_key_is_missed_as_a_trainers_is(read: Load) -> None:
    settings = read(JUDGE.format(trainer="openai", model="gpt-5"))
    assert "OPENAI_API_KEY: the key of the trainer of p" in missing_for(settings, "work")


@pytest.mark.parametrize(
    ("margin", "words"),
    [
        ("{ chrf = 1, rouge_l = 2 }", "names 'rouge_l', not among the guards"),
        ("{ chrf = 101 }", "must be at most 100 (got 101)"),
        ("{ chrf = '2' }", "must be a number (got '2')"),
        ("101", "must be at most 100 (got 101)"),
        ("'2'", "must be a number (got '2')"),
    ],
)
def test_margins_are_points_of_the_guards_there_are(mistakes: Mistakes, margin: str, words: str) -> None:
    (found,) = mistakes(f"[pipelines.p.verdict]\nguard_margin = {margin}\n")
    assert found.startswith("2: pipelines.p.verdict.guard_margin")
    assert found.endswith(words)


def test_a_schema_that_is_no_json_is_named_with_its_line(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{\n  'type': 1\n}")
    (tmp_path / "list.json").write_text("[]")
    text = '[pipelines.p.metrics.{0}]\nkind = "json_schema"\nschema_file = "{0}.json"\n'
    assert mistakes(text.format("broken") + text.format("list")) == [
        "3: pipelines.p.metrics.broken.schema_file: is no JSON: /broken.json:2",
        "6: pipelines.p.metrics.list.schema_file: is no JSON Schema: /list.json must hold an object",
    ]


def test_one_schema_and_not_two(mistakes: Mistakes) -> None:
    text = '[pipelines.p.metrics.a]\nkind = "json_schema"\njson_schema = {}\nschema_file = "a.json"\n'
    assert mistakes(text) == [
        "4: pipelines.p.metrics.a.schema_file: must not stand beside json_schema: one of the two holds the schema"
    ]


def test_metrics_change_no_snapshot(read: Load) -> None:
    from service.domain.snapshots import configuration_of

    bare = configuration_of(read("").pipelines["p"], encoding="x")
    assert configuration_of(read(JUDGE.format(trainer="openai", model="gpt-5")).pipelines["p"], encoding="x") == bare
