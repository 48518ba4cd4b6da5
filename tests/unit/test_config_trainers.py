"""What a ``[trainers.NAME]`` table says of its server's ways, and what it refuses."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from service.config import Settings, TrainerSettings, describe, load
from service.domain.deployments import Deployment
from service.domain.dialects import DIALECTS
from service.domain.errors import ConfigurationError

PIPELINE = '[pipelines.p]\nlabels.project = "cl1"\ntrain = { model = "m" }\n'
Load = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Load:
    def call(table: str, *, pipeline: str = PIPELINE, dialect: str = "generic") -> Settings:
        head = f'[trainers.t]\ndialect = "{dialect}"\nbase_url = "http://127.0.0.1:1/v1"\n'
        (tmp_path / "tuneloop.toml").write_text(f"{head}{table}\n{pipeline}")
        return load({"TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml")})

    return call


def trainer(settings: Settings) -> TrainerSettings:
    return settings.trainers["t"]


def mistakes(read: Load, table: str, **options: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read(table, **options)
    return str(raised.value)


def test_a_server_speaks_its_dialect_unless_the_file_says_otherwise(read: Load) -> None:
    assert trainer(read("")).manners == DIALECTS["generic"]
    found = trainer(
        read(
            """
            method_style = "top_level"
            metadata = false
            metadata_filter = true
            statuses = { TRAINED = "succeeded" }
            bom = true
            file_purpose = "train"
            file_list = true
            max_file_mb = 25
            length_field = "max_completion_tokens"
            temperature = "omit"
            suffix_max = 10
            """
        )
    ).manners
    assert (found.method_style, found.metadata, found.metadata_filter, found.bom) == ("top_level", False, True, True)
    assert (found.file_purpose, found.file_list, found.max_file_mb) == ("train", True, 25)
    assert (found.length_field, found.temperature, found.suffix_max) == ("max_completion_tokens", "omit", 10)
    assert [found.outcome_of(word) for word in ("trained", "Trained", "completed")] == ["succeeded"] * 3


@pytest.mark.parametrize(
    "way", ['method_style = "top_level"', "metadata = true", "metadata_filter = true", "bom = true", "file_list = true"]
)
def test_a_way_that_means_nothing_to_a_dialect_is_refused(read: Load, way: str) -> None:
    key = way.partition(" ")[0]
    found = mistakes(read, way, dialect="together")
    assert f"trainers.t.{key}: must not be set: it means nothing to servers of the dialect 'together';" in found
    assert trainer(read(way)).manners != DIALECTS["together"]


@pytest.mark.parametrize("way", ["max_file_mb = 5", 'statuses = { done = "succeeded" }', "suffix_max = 9"])
def test_a_way_that_means_something_is_taken_by_every_dialect(read: Load, way: str) -> None:
    for dialect in DIALECTS:
        assert trainer(read(way, dialect=dialect)).manners != DIALECTS[dialect]


def test_how_far_a_list_of_models_goes_may_be_said(read: Load) -> None:
    assert trainer(read("", dialect="openai")).manners.model_list == "complete"
    assert trainer(read('model_list = "partial"', dialect="openai")).manners.model_list == "partial"
    words = "trainers.t.model_list: must be 'complete', 'partial' or 'maybe' (got True)"
    assert words in mistakes(read, "model_list = true")


def test_an_empty_list_that_leaves_nothing_out_is_printed_as_all(read: Load) -> None:
    channel = '[notify.ops]\napprise_env = "TEAM"\n'
    rows = dict(describe(read("", pipeline=PIPELINE + channel)))
    assert rows["notify.ops.kinds"] == rows["notify.ops.pipelines"] == rows["pipelines.p.gaps.kinds"] == "all"
    assert rows["pipelines.p.gaps.datasets"] == "none"
    few = read("", pipeline=f'{PIPELINE}{channel}kinds = ["failed"]\n')
    assert dict(describe(few))["notify.ops.kinds"] == "failed"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('method_style = "inner"', "trainers.t.method_style: must be 'nested' or 'top_level' (got 'inner')"),
        (
            'statuses = { done = "success" }',
            "must be one of 'open', 'succeeded', 'failed', 'cancelled' (got 'success')",
        ),
        ('bom = "yes"', "trainers.t.bom: must be true or false (got 'yes')"),
        ("temperature = 0.5", "trainers.t.temperature: must be 0 or 'omit' (got 0.5)"),
        ("suffix_max = 65", "trainers.t.suffix_max: must be at most 64"),
        ("max_file_mb = 0", "trainers.t.max_file_mb: must be at least 1"),
        ("metadata_filtre = true", "unknown key; did you mean 'metadata_filter'?"),
        ('file_purpose = " "', "trainers.t.file_purpose: must not be empty"),
    ],
)
def test_a_way_that_cannot_be_is_named_with_what_can(read: Load, table: str, words: str) -> None:
    assert words in mistakes(read, table)


@pytest.mark.parametrize(
    ("table", "dialect", "train", "words"),
    [
        ("suffix_max = 3", "generic", 'suffix = "abcd"', "train.suffix: must be at most 3 characters (got 4)"),
        ("", "together", 'suffix = "abcdefghijklmnop"', "train.suffix: must be at most 15 characters (got 16)"),
        ("", "tuneloop", 'suffix = "a:b c"', "train.suffix: must not hold ':' ' ' at this trainer (got 'a:b c')"),
        ('method_style = "top_level"', "generic", 'method = "preference"', "train.method: must be 'supervised'"),
        ("preference = false", "generic", 'method = "preference"', "train.method: must be 'supervised'"),
        ("", "together", "hyperparameters.learning_rate_multiplier = 2", "must not hold learning_rate_multiplier"),
    ],
)
def test_a_pipeline_is_checked_against_its_trainers_ways(
    read: Load, table: str, dialect: str, train: str, words: str
) -> None:
    pipeline = f'[pipelines.p]\nlabels.project = "cl1"\n[pipelines.p.train]\nmodel = "m"\n{train}\n'
    assert words in mistakes(read, table, pipeline=pipeline, dialect=dialect)


@pytest.mark.parametrize("dialect", ["nebius", "together"])
def test_a_server_without_webhooks_has_no_secret_for_them(read: Load, dialect: str) -> None:
    found = mistakes(read, 'webhook_secret_env = "SECRET"', dialect=dialect)
    assert f"webhook_secret_env: must not be set: servers of the dialect '{dialect}' send no webhooks" in found


@pytest.mark.parametrize(("dialect", "by_hand"), [("openai", False), ("azure", True), ("nebius", True)])
def test_where_models_must_be_deployed_a_person_does_it_unless_the_file_says_how(
    read: Load,
    dialect: str,
    by_hand: bool,  # noqa: FBT001 - a case
) -> None:
    assert trainer(read("", dialect=dialect)).deployment == Deployment(by_hand=by_hand)
    assert trainer(read('deploy = "none"', dialect=dialect)).deployment == Deployment()
    commanded = trainer(read('deploy = ["up.sh", "{model}"]', dialect=dialect)).deployment
    assert commanded == Deployment(deploy=("up.sh", "{model}"))


def test_everything_about_deploying_arrives(read: Load) -> None:
    table = """
    deploy = ["up.sh", "{model}", "{name}"]
    undeploy = ["down.sh", "{name}"]
    inference_model = "{pipeline}-{run}"
    deploy_timeout = "10m"
    """
    assert trainer(read(table)).deployment == Deployment(
        deploy=("up.sh", "{model}", "{name}"),
        undeploy=("down.sh", "{name}"),
        inference_model="{pipeline}-{run}",
        timeout=timedelta(minutes=10),
    )


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('deploy = "up.sh"', "deploy: must be 'none', 'by_hand' or a list: command and arguments (got 'up.sh')"),
        ("deploy = []", "deploy: must be a command and its arguments in brackets"),
        ('deploy = ["up.sh", 3]', "deploy: must be a command and its arguments in brackets"),
        ("deploy = 3", "deploy: must be a command and its arguments in brackets"),
        (
            'deploy = ["up.sh", "{modle}"]',
            "deploy: {modle} is no placeholder; did you mean 'model'?; allowed are: {model}",
        ),
        ('undeploy = "down.sh"', "undeploy: must be a command and its arguments in brackets"),
        ('inference_model = "served"', "inference_model: must hold {run} or {job} or {model}"),
        ('inference_model = "{name}-{run}"', "inference_model: must not hold {name}, which it makes"),
        ('inference_model = "my model {run}"', "inference_model: must be a name of letters, digits"),
        ('deploy_timeout = "2h"', "deploy_timeout: must be at most 45m"),
    ],
)
def test_a_deployment_that_cannot_work_is_named_with_what_can(read: Load, table: str, words: str) -> None:
    assert words in mistakes(read, table)


def test_check_prints_every_way_that_is_in_effect(read: Load) -> None:
    rows = dict(describe(read('statuses = { trained = "succeeded" }\ndeploy = ["up.sh", "{model}"]\nbom = true')))
    assert rows["trainers.t.bom"] == "True"
    assert rows["trainers.t.method_style"] == "nested"
    assert "trained = succeeded" in rows["trainers.t.statuses"]
    assert rows["trainers.t.deploy"] == "up.sh {model}"
    assert (rows["trainers.t.undeploy"], rows["trainers.t.inference_model"]) == ("none", "none")
    assert rows["trainers.t.deploy_timeout"] == "5m"
    assert not [name for name in rows if ".ways" in name or ".deployment" in name]
