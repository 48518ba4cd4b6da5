"""The configuration: one file, one environment, every mistake at once and no secret anywhere."""

import base64
import re
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from service.config import Settings, describe, load, missing_for
from service.config.durations import read_duration, write_duration
from service.config.environment import VARIABLES
from service.domain.budgets import Price
from service.domain.checks import CHECKS, Action
from service.domain.errors import ConfigurationError
from service.domain.pipelines import Budget, ChecksPolicy, DatasetPolicy, LabelPolicy, TriggerPolicy, VerdictPolicy

ROOT = Path(__file__).parents[2]
SMALLEST = '[pipelines.support]\nlabels.project = "cl1"\ntrain.model = "gpt-4.1-mini-2025-04-14"\n'
NO_PROJECT = "is missing: the id of your project, or let tuneloop labelbox setup make one"
SIGNING_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


class Folder:
    def __init__(self, path: Path) -> None:
        self.file = path / "tuneloop.toml"

    def load(self, text: str = SMALLEST, **environ: str) -> Settings:
        self.file.write_bytes(text.encode())
        return load({"TUNELOOP_CONFIG": str(self.file), **environ})

    def mistakes(self, text: str = SMALLEST, **environ: str) -> list[str]:
        with pytest.raises(ConfigurationError) as raised:
            self.load(text, **environ)
        return str(raised.value).replace(str(self.file), "tuneloop.toml").split("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_project_and_model_of_one_pipeline_are_enough(folder: Folder) -> None:
    settings = folder.load()

    pipeline = settings.pipelines["support"]
    assert (pipeline.labels.project, pipeline.train.model) == ("cl1", "gpt-4.1-mini-2025-04-14")
    assert (pipeline.trigger, pipeline.dataset, pipeline.verdict) == (
        TriggerPolicy(),
        DatasetPolicy(),
        VerdictPolicy(),
    )
    assert pipeline.train.trainer == "openai"
    assert settings.trainers["openai"].base_url == "https://api.openai.com/v1"
    assert (settings.host, settings.port, settings.max_body_bytes) == ("127.0.0.1", 8000, 10 * 1024 * 1024)
    assert settings.data_folder == Path("tuneloop-data")
    assert settings.labelbox_endpoint == "https://api.labelbox.com/graphql"
    assert settings.dedupe_window_s == 86400
    assert settings.service.sweep_every == timedelta(seconds=5)


def test_everything_a_file_can_say_arrives_in_the_domains_words(folder: Folder) -> None:
    settings = folder.load(
        """
        service = { lease = 90, workers = 4, dedupe_window = "12h" }
        [trainers.nebius]
        dialect = "nebius"
        budget = { run_usd = 20, approve_above_usd = 5.5 }
        prices."meta/llama-3.1".train_usd_per_million = 0.4
        prices."meta/llama-3.1".as_of = 2026-09-30
        prices."meta/llama-3.1".input_usd_per_million = 0.2
        prices."meta/llama-3.1".output_usd_per_million = 0.3
        answer_timeout = "2m"
        concurrency = 8
        requests_per_minute = 90
        [pipelines.support]
        system = "Summarize."
        labels = { project = "cl1", accept = "submitted", response = "Summary" }
        trigger = { threshold = 5, quiet = 0, max_wait = "1h", cooldown = "1d" }
        dataset = { held_out_percent = 30, validation_percent = 0, group_by = "metadata:customer", max_tokens = 9000 }
        [pipelines.support.verdict]
        primary = "chrf"
        guard = ["pii_leak"]
        promote = "manual"
        alpha = 0.1
        guard_margin = 1
        guard_proven = true
        budget_usd = 2
        max_questions = 500
        [pipelines.support.train]
        model = "meta/llama-3.1"
        method = "supervised"
        suffix = "a.b"
        hyperparameters = { n_epochs = 3, learning_rate_multiplier = "auto", lora_r = 8 }
        """,
        NEBIUS_API_KEY="nb-1",
    )

    pipeline, trainer = settings.pipelines["support"], settings.trainers["nebius"]
    assert settings.service.lease == timedelta(seconds=90)
    assert settings.dedupe_window_s == 12 * 3600
    assert trainer.budget == Budget(run_usd=20, month_usd=None, approve_above_usd=5.5)
    assert trainer.prices == {"meta/llama-3.1": Price(0.4, date(2026, 9, 30), 0.2, 0.3)}
    assert (trainer.concurrency, trainer.requests_per_minute) == (8, 90)
    assert trainer.api_key is not None
    assert trainer.api_key.get_secret_value() == "nb-1"
    assert pipeline.trigger == TriggerPolicy(5, timedelta(0), timedelta(hours=1), timedelta(days=1))
    assert pipeline.dataset == DatasetPolicy(30, 0, group_by="metadata:customer", max_tokens=9000)
    assert pipeline.verdict == VerdictPolicy(
        "chrf", ("pii_leak",), "manual", 0.1, 1, guard_proven=True, budget_usd=2, max_questions=500
    )
    assert pipeline.train.trainer == "nebius"
    assert pipeline.train.hyperparameters == {"n_epochs": 3, "learning_rate_multiplier": "auto", "lora_r": 8}
    assert isinstance(pipeline.train.hyperparameters["n_epochs"], int)


def test_which_labels_count_and_what_of_them_arrives_in_the_domains_words(folder: Folder) -> None:
    settings = folder.load(
        """
        [pipelines.p.labels]
        project = "cl1"
        kind = "preference"
        response = ["summary", "topic"]
        where = { quality = "good", tone = ["kind", "neutral"] }
        assistant = "Bot"
        conversation = "transcript"
        [pipelines.p.train]
        model = "m"
        method = "preference"
        """
    )
    labels = settings.pipelines["p"].labels
    assert labels == LabelPolicy(
        "cl1",
        kind="preference",
        response=("summary", "topic"),
        where={"quality": ("good",), "tone": ("kind", "neutral")},
        assistant=("Bot",),
        conversation="transcript",
    )
    assert settings.pipelines["p"].form == "preference"


def test_a_trainer_without_methods_trains_no_preferences(folder: Folder) -> None:
    found = folder.mistakes(
        """
        [trainers.nebius]
        dialect = "nebius"
        [pipelines.p]
        labels = { project = "cl1", where = { quality = [] }, conversation = "chat" }
        train = { model = "m", method = "preference" }
        """
    )
    assert any("pipelines.p.train.method: must be 'supervised'" in mistake for mistake in found)
    assert any("pipelines.p.labels.where.quality" in mistake for mistake in found)
    assert any("'turns' or 'transcript'" in mistake for mistake in found)


def test_what_happens_to_findings_arrives_in_the_domains_words_and_is_shown(folder: Folder) -> None:
    settings = folder.load(
        f"""{SMALLEST}
        [pipelines.support.checks]
        personal_name = "note"
        empty_answer = "hold"
        near_duplicate = "note"
        phone_regions = ["DK"]
        presidio = true
        presidio_model = "da_core_news_sm"
        """
    )
    policy = settings.pipelines["support"].checks
    given: dict[str, Action] = {"personal_name": "note", "empty_answer": "hold", "near_duplicate": "note"}
    assert policy == ChecksPolicy(given, ("DK",), presidio=True, presidio_model="da_core_news_sm")
    rows = dict(describe(settings))
    assert rows["pipelines.support.checks.personal_name"] == "note"
    assert rows["pipelines.support.checks.too_long"] == "hold"
    assert rows["pipelines.support.checks.presidio_model"] == "da_core_news_sm"
    assert "pipelines.support.checks.actions" not in rows


def test_actions_that_make_no_sense_are_refused_with_those_that_do(folder: Folder) -> None:
    table = f"""{SMALLEST}[pipelines.support.checks]
personal_nam = "note"
personal_name = "mask"
empty_answer = "note"
held_out_leak = "note"
conflicting_answers = "hold"
too_long = 3
phone_regions = ["Germany"]
presidio = "yes"
presidio_model = " "
"""
    assert [mistake.removeprefix("tuneloop.toml:") for mistake in folder.mistakes(table)] == [
        "5: pipelines.support.checks.personal_nam: unknown key; did you mean 'personal_name'?",
        "6: pipelines.support.checks.personal_name: must be 'drop' or 'hold' or 'note' (got 'mask')",
        "7: pipelines.support.checks.empty_answer: must be 'drop' or 'hold' (got 'note')",
        "8: pipelines.support.checks.held_out_leak: is always 'drop' (got 'note')",
        "9: pipelines.support.checks.conflicting_answers: is always 'note' (got 'hold')",
        "10: pipelines.support.checks.too_long: must be 'drop' or 'hold' or 'note' (got 3)",
        "11: pipelines.support.checks.phone_regions.0: must be a country's two letters, such as 'US' (got 'Germany')",
        "12: pipelines.support.checks.presidio: must be true or false (got 'yes')",
        "13: pipelines.support.checks.presidio_model: must not be empty",
    ]


def test_completions_are_a_form_of_supervised_training_alone(folder: Folder) -> None:
    settings = folder.load(SMALLEST + 'train.format = "completion"\n')
    assert settings.pipelines["support"].form == "completion"
    found = folder.mistakes(SMALLEST + 'train.method = "preference"\ntrain.format = "completion"\n')
    words = "must be 'chat' with method 'preference': its lines are pairs of answers"
    assert found == [f"tuneloop.toml:5: pipelines.support.train.format: {words}"]
    (mistake,) = folder.mistakes(SMALLEST + 'train.format = "completions"\n')
    assert "must be 'chat' or 'completion'" in mistake


def test_every_mistake_is_named_at_once_with_its_line_and_what_is_allowed(folder: Folder) -> None:
    found = folder.mistakes(
        """\
[service]
sweep_evry = "5s"
lease = "soon"
workers = "2"
[trainers.a]
dialect = "opena"
[trainers.b]
dialect = "azure"
[trainers.b.budget]
run_usd = -1
[trainers.b.prices."gpt-4.1"]
as_of = "2020-01-01"
[pipelines."two words"]
labels.project = " "
train = { model = "m", trainer = "c" }
[pipelines.x]
labels = { acept = "done", accept = "dne" }
trigger = { threshold = 0, quiet = "1h" }
[pipelines.x.dataset]
held_out_percent = 60
validation_percent = 40
[pipelines.x.verdict]
primary = "pii_leek"
guard = [
  "chrf",
  "crf",
]
[pipelines.x.train]
trainer = "b"
model = "m"
suffix = "a.b"
hyperparameters = { n_epoch = 3, batch_size = 0 }
[pipelines.y.train]
model = "m"
""",
        TUNELOOP_PORT="99999",
        TUNELOOP_MAX_BODY_BYTES="much",
    )

    dialects = "'openai', 'azure', 'nebius', 'generic', 'tuneloop', 'together'"
    assert found == [
        "tuneloop.toml:2: service.sweep_evry: unknown key; did you mean 'sweep_every'?",
        (
            "tuneloop.toml:3: service.lease: "
            "must be a duration up to 366d, such as '30s', '10m', '6h' or '1d' (got 'soon')"
        ),
        "tuneloop.toml:4: service.workers: must be a whole number (got '2')",
        f"tuneloop.toml:6: trainers.a.dialect: must be one of {dialects} (got 'opena'); did you mean 'openai'?",
        "tuneloop.toml:7: trainers.b.base_url: is needed for the dialect 'azure', which has no address of its own",
        "tuneloop.toml:10: trainers.b.budget.run_usd: must be at least 0 (got -1)",
        'tuneloop.toml:11: trainers.b.prices."gpt-4.1".train_usd_per_million: is missing',
        (
            'tuneloop.toml:12: trainers.b.prices."gpt-4.1".as_of: '
            "must be a date without quotes, such as 2026-10-01 (got '2020-01-01')"
        ),
        (
            'tuneloop.toml:13: pipelines."two words": '
            "a name must be at most 63 letters, digits, '-' and '_', and begin with a letter or digit"
        ),
        'tuneloop.toml:14: pipelines."two words".labels.project: must not be empty',
        "tuneloop.toml:15: pipelines.\"two words\".train.trainer: must be one of 'a', 'b' (got 'c')",
        f"tuneloop.toml:17: pipelines.x.labels.project: {NO_PROJECT}",
        "tuneloop.toml:17: pipelines.x.labels.accept: must be 'done' or 'submitted' (got 'dne')",
        "tuneloop.toml:17: pipelines.x.labels.acept: unknown key; did you mean 'accept'?",
        "tuneloop.toml:18: pipelines.x.trigger.threshold: must be at least 1 (got 0)",
        "tuneloop.toml:18: pipelines.x.trigger.max_wait: must be at least quiet, 1h (got 10m)",
        (
            "tuneloop.toml:21: pipelines.x.dataset.validation_percent: "
            "must be at most 90 together with held_out_percent (got 100)"
        ),
        (
            "tuneloop.toml:23: pipelines.x.verdict.primary: "
            "must be one of 'pii_leak', 'exact_match', 'json_valid', 'chrf', 'rouge_l', 'label_f1' (got 'pii_leek'); "
            "did you mean 'pii_leak'?"
        ),
        (
            "tuneloop.toml:24: pipelines.x.verdict.guard.1: "
            "must be one of 'pii_leak', 'exact_match', 'json_valid', 'chrf', 'rouge_l', 'label_f1' (got 'crf'); "
            "did you mean 'chrf'?"
        ),
        "tuneloop.toml:31: pipelines.x.train.suffix: must not hold '.' at this trainer (got 'a.b')",
        (
            "tuneloop.toml:32: pipelines.x.train.hyperparameters.batch_size: "
            "must be 'auto' or a whole number from 1 to 256 (got 0)"
        ),
        "tuneloop.toml:32: pipelines.x.train.hyperparameters.n_epoch: unknown key; did you mean 'n_epochs'?",
        f"tuneloop.toml:33: pipelines.y.labels.project: {NO_PROJECT}",
        "tuneloop.toml:33: pipelines.y.train.trainer: is needed, because there are several: a, b",
        "TUNELOOP_PORT: must be at most 65535 (got '99999')",
        "TUNELOOP_MAX_BODY_BYTES: must be a whole number (got 'much')",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = = 2\n", 2),
        ("a = 1\na = 2\n", 2),
        ("a = 1\n[b\n", 2),
        ("a = 1\n\nb = [1,\n", 3),
        ('a = 1\nb = "open\n', 2),
    ],
)
def test_a_file_that_is_no_toml_is_located_as_well(folder: Folder, text: str, line: int) -> None:
    assert folder.mistakes(text)[0].startswith(f"tuneloop.toml:{line}: no TOML: ")


def test_a_file_that_is_not_utf_8_is_located(folder: Folder) -> None:
    folder.file.write_bytes(b'a = 1\nb = "\xe4"\n')
    with pytest.raises(ConfigurationError, match=r"toml:2: the file is not UTF-8"):
        load({"TUNELOOP_CONFIG": str(folder.file)})


def test_windows_line_ends_and_a_byte_order_mark_are_read(folder: Folder) -> None:
    text = "\ufeff" + SMALLEST.replace("\n", "\r\n")
    assert folder.load(text).pipelines["support"].labels.project == "cl1"
    assert folder.mistakes(text + "x = 1\r\n")[0].startswith("tuneloop.toml:4: pipelines.support.x: unknown key")


def test_a_mistake_after_a_text_of_several_lines_has_its_own_line(folder: Folder) -> None:
    text = '[pipelines.a]\nsystem = """\n[service]\nworkers = 0\n"""\nlabels.project = "p"\ntrain.model = 5 # five\n'
    assert folder.mistakes(text) == ["tuneloop.toml:7: pipelines.a.train.model: must be a text in quotes (got 5)"]


def test_without_a_file_the_example_is_pointed_to(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file") as raised:
        load({"TUNELOOP_CONFIG": str(tmp_path / "none.toml")})
    assert "tuneloop.example.toml" in raised.value.remedy


@pytest.mark.parametrize("text", ["", "pipelines = {}", "trainers = {}"])
def test_a_file_without_a_pipeline_is_refused(folder: Folder, text: str) -> None:
    assert folder.mistakes(text)[-1].endswith("pipelines: needs at least one table, such as [pipelines.NAME]")


@pytest.mark.parametrize(
    ("key", "value"),
    [("threshold", "true"), ("threshold", "1.5"), ("quiet", "nan"), ("quiet", "-1"), ("cooldown", '"99999999d"')],
)
def test_numbers_that_are_none_are_refused(folder: Folder, key: str, value: str) -> None:
    text = f"{SMALLEST}trigger.{key} = {value}\n"
    assert folder.mistakes(text)[0].startswith(f"tuneloop.toml:4: pipelines.support.trigger.{key}: must be ")


@pytest.mark.parametrize(
    ("written", "duration"),
    [("30s", 30), ("10m", 600), ("6h", 21600), ("1d", 86400), ("1.5h", 5400), (45, 45), (0.5, 0.5), ("0s", 0)],
)
def test_durations_are_read_and_written_back(written: str | float, duration: float) -> None:
    assert read_duration(written) == timedelta(seconds=duration)
    assert read_duration(write_duration(timedelta(seconds=duration))) == timedelta(seconds=duration)


def test_each_variable_may_come_from_a_file_instead(folder: Folder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("lb-key\n")
    key = tmp_path / "key"
    key.write_text("sk-key")

    settings = folder.load(LABELBOX_API_KEY_FILE=str(secret), OPENAI_API_KEY_FILE=str(key), LABELBOX_API_KEY=" ")

    assert settings.labelbox_api_key is not None
    assert settings.labelbox_api_key.get_secret_value() == "lb-key"
    assert settings.trainers["openai"].api_key is not None
    assert settings.trainers["openai"].api_key.get_secret_value() == "sk-key"


def test_a_variable_given_twice_or_by_a_missing_file_is_a_mistake(folder: Folder, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    found = folder.mistakes(
        TUNELOOP_ADMIN_TOKEN="t" * 16, TUNELOOP_ADMIN_TOKEN_FILE=missing, OPENAI_API_KEY_FILE=missing, TUNELOOP_PORT="x"
    )
    assert found == [
        (
            "tuneloop.toml: trainers.openai.api_key_env: "
            "the file that OPENAI_API_KEY_FILE names cannot be read: No such file or directory"
        ),
        "TUNELOOP_ADMIN_TOKEN: set either TUNELOOP_ADMIN_TOKEN or TUNELOOP_ADMIN_TOKEN_FILE, not both",
        "TUNELOOP_PORT: must be a whole number (got 'x')",
    ]


def test_webhook_secrets_may_be_several_while_one_is_rotated(folder: Folder) -> None:
    settings = folder.load(
        LABELBOX_WEBHOOK_SECRET="new, old,", OPENAI_WEBHOOK_SECRET=f"{SIGNING_SECRET},{SIGNING_SECRET}"
    )
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == ["new", "old"]
    assert len(settings.trainers["openai"].webhook_secrets) == 2


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_!!",
        "whsec_",
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        SIGNING_SECRET.removeprefix("whsec_"),
        SIGNING_SECRET[:-1] + "*",
        f"{SIGNING_SECRET},whsec_!!",
        "whsec_ä",
    ],
)
def test_a_trainers_webhook_secret_that_anybody_could_sign_for_is_refused(folder: Folder, secret: str) -> None:
    (found,) = folder.mistakes(OPENAI_WEBHOOK_SECRET=secret)
    assert found.endswith("OPENAI_WEBHOOK_SECRET must hold 'whsec_' followed by the base64 of 24 to 64 bytes")


def test_no_secret_is_shown_by_repr_describe_or_a_mistake(folder: Folder) -> None:
    environ = {
        "TUNELOOP_REDIS_URL": "redis://user:hidden-1@redis.internal:6379/0?password=hidden-2",
        "TUNELOOP_DATABASE_URL": "postgresql://user:hidden-3@postgres.internal/tuneloop",
        "LABELBOX_API_KEY": "hidden-4",
        "LABELBOX_WEBHOOK_SECRET": "hidden-5,hidden-6",
        "TUNELOOP_ADMIN_TOKEN": "hidden-7-and-long-enough",
        "SUPPORT_WEBHOOK_SECRET": "hidden-14",
        "OPENAI_API_KEY": "hidden-8",
    }
    settings = folder.load(f'{SMALLEST}labels.webhook_secret_env = "SUPPORT_WEBHOOK_SECRET"\n', **environ)
    shown = repr(settings) + repr(describe(settings))
    assert "hidden" not in shown
    assert "redis.internal" in shown

    mistaken = '[trainers.a]\napi_key = "hidden-9"\napi_key_env = "hidden-10"\nwebhook_secret_env = ["hidden-11"]\n'
    mistaken += 'base_url = "https://user:hidden-12@api.internal/v1"\n'
    mistaken += '[pipelines.a]\nlabels = { project = "p", webhook_secret_env = "hidden-15" }\ntrain.model = "m"\n'
    environ["TUNELOOP_ADMIN_TOKEN"] = "hidden-16"
    found = folder.mistakes(mistaken, TUNELOOP_LABELBOX_ENDPOINT="hidden-13", **environ)
    assert len(found) == 7
    assert "hidden" not in "".join(found)


def test_describe_gives_every_key_with_the_value_in_effect(folder: Folder) -> None:
    rows = dict(describe(folder.load(LABELBOX_API_KEY="lb", TUNELOOP_PORT="80")))

    assert set(VARIABLES.values()) < set(rows)
    assert (rows["LABELBOX_API_KEY"], rows["LABELBOX_WEBHOOK_SECRET"], rows["TUNELOOP_PORT"]) == (
        "set",
        "not set",
        "80",
    )
    assert rows["pipelines.support.trigger.quiet"] == "30s"
    assert rows["trainers.openai.api_key"] == "not set"
    assert rows['trainers.openai.prices."gpt-4.1-2025-04-14".train_usd_per_million'] == "25.0"
    assert rows['trainers.openai.prices."gpt-4.1-2025-04-14".output_usd_per_million'] == "12.0"


def test_each_part_names_every_variable_it_misses(folder: Folder) -> None:
    text = (
        '[trainers.own]\ndialect = "tuneloop"\nbase_url = "http://127.0.0.1:1/v1"\napi_key_env = "OWN_KEY"\n' + SMALLEST
    )
    settings = folder.load(text)

    assert missing_for(settings, "serve") == []
    assert [line.split(":")[0] for line in missing_for(settings, "work")] == ["LABELBOX_API_KEY", "OWN_KEY"]
    assert missing_for(settings, "schedule") == []
    complete = folder.load(text, LABELBOX_WEBHOOK_SECRET="s", LABELBOX_API_KEY="k", OWN_KEY="k")
    assert [missing_for(complete, "serve"), missing_for(complete, "work")] == [[], []]


def test_a_trainer_that_needs_no_key_misses_none(folder: Folder) -> None:
    text = '[trainers.own]\ndialect = "generic"\nbase_url = "http://127.0.0.1:1/v1"\n' + SMALLEST
    assert missing_for(folder.load(text, LABELBOX_API_KEY="k"), "work") == []


def test_a_file_cannot_replace_what_the_service_writes_into_a_job(folder: Folder) -> None:
    found = folder.mistakes('[trainers.openai]\nextra_body = { metadata = { a = "b" } }\n' + SMALLEST)
    assert found == [
        "tuneloop.toml:2: trainers.openai.extra_body: must not hold metadata: the service writes these itself"
    ]


def test_budgets_stand_over_everything_at_a_trainer_and_in_a_pipeline(folder: Folder) -> None:
    text = (
        SMALLEST
        + """
[pipelines.support.budget]
run_usd = 3
[pipelines.support.trigger]
max_failures = 0
[budget]
month_usd = 50.5
warn_percent = 90
[trainers.openai]
budget = { approve_above_usd = 1 }
"""
    )
    settings = folder.load(text)
    assert settings.budget == Budget(month_usd=50.5, warn_percent=90)
    assert settings.trainers["openai"].budget == Budget(approve_above_usd=1)
    assert settings.pipelines["support"].budget == Budget(run_usd=3)
    assert settings.pipelines["support"].trigger.max_failures == 0
    told = dict(describe(settings))
    assert (told["budget.month_usd"], told["budget.run_usd"], told["budget.warn_percent"]) == ("50.5", "none", "90.0")
    assert told["pipelines.support.budget.run_usd"] == "3.0"
    assert told["trainers.openai.budget.warn_percent"] == "80.0"
    assert told["pipelines.support.trigger.max_failures"] == "0"


def test_a_budget_that_makes_no_sense_is_refused_with_its_key(folder: Folder) -> None:
    text = """
[budget]
month_usd = -1
warn_percent = 0
moth_usd = 5
[pipelines.support]
labels.project = "cl1"
train.model = "m"
trigger.max_failures = -1
budget = { run_usd = inf, warn_percent = 101 }
"""
    assert folder.mistakes(text) == [
        "tuneloop.toml:3: budget.month_usd: must be at least 0 (got -1)",
        "tuneloop.toml:4: budget.warn_percent: must be above 0 (got 0)",
        "tuneloop.toml:5: budget.moth_usd: unknown key; did you mean 'month_usd'?",
        "tuneloop.toml:9: pipelines.support.trigger.max_failures: must be at least 0 (got -1)",
        "tuneloop.toml:10: pipelines.support.budget.run_usd: must be a finite number (got inf)",
        "tuneloop.toml:10: pipelines.support.budget.warn_percent: must be at most 100 (got 101)",
    ]


def _uncommented(text: str) -> str:
    return re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)


def test_the_example_file_loads_as_it_is_and_with_every_comment_opened(folder: Folder) -> None:
    text = (ROOT / "tuneloop.example.toml").read_text()
    opened = _uncommented(text).split("[service]")
    # The tables of one pipeline stand apart in the example, which TOML allows.
    assert "labels" in tomllib.loads("".join(opened))["pipelines"]["support-summaries"]

    plain, full = folder.load(text), folder.load("[service]".join(opened))

    assert plain.service == full.service
    ours, theirs = plain.pipelines["support-summaries"], full.pipelines["support-summaries"]
    assert (ours.trigger, ours.dataset) == (theirs.trigger, theirs.dataset)
    # Without limits of their own answers are neither counted nor paid for, so the example shows some.
    assert (theirs.verdict.max_questions, theirs.verdict.budget_usd) == (2000, 5)
    assert theirs.verdict.sampling == {"temperature": 0, "seed": 7, "max_tokens": 1024}
    assert ours.verdict == replace(theirs.verdict, max_questions=None, budget_usd=None, sampling={})
    # Budgets have no limits unless given, so the example shows some.
    assert (full.budget.month_usd, theirs.budget.run_usd) == (500, 20)
    assert {budget.warn_percent for budget in (ours.budget, theirs.budget, plain.budget, full.budget)} == {80}
    assert all(ours.checks.action_of(code) == theirs.checks.action_of(code) for code in CHECKS)
    assert plain.trainers["openai"].prices == full.trainers["openai"].prices
    assert full.trainers["openai"].requests_per_minute == 500


def test_the_example_environment_names_every_variable() -> None:
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    # The last one is read by uvicorn.
    others = {"TUNELOOP_CONFIG", "OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "FORWARDED_ALLOW_IPS"}
    assert named == {*VARIABLES.values(), *others}
