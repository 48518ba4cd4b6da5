"""Secrets of single pipelines and admin tokens: what is read, what is refused, and that nothing is repeated."""

from pathlib import Path

import pytest

from service.config import Settings, describe, load, missing_for
from service.domain.errors import ConfigurationError

TOKEN = "a-token-of-some-length"


def text(*, project_b: str = "cl2", env_a: str = "A_SECRET", env_b: str = "B_SECRET") -> str:
    """Write two pipelines, each with a variable for its webhook's secret, or without one where it is empty."""
    lines = []
    for name, project, env in (("a", "cl1", env_a), ("b", project_b, env_b)):
        lines += [f"[pipelines.{name}]", 'train.model = "m"', f'labels.project = "{project}"']
        lines += [f'labels.webhook_secret_env = "{env}"'] if env else []
    return "\n".join(lines)


class Folder:
    def __init__(self, path: Path) -> None:
        self.file = path / "tuneloop.toml"

    def load(self, written: str, **environ: str) -> Settings:
        self.file.write_text(written)
        return load({"TUNELOOP_CONFIG": str(self.file), **environ})

    def mistakes(self, written: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigurationError) as raised:
            self.load(written, **environ)
        return str(raised.value).replace(str(self.file), "tuneloop.toml").split("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def secrets_of(settings: Settings, pipeline: str) -> list[str]:
    return [secret.get_secret_value() for secret in settings.own_secrets[pipeline].webhook_secrets]


def test_a_pipelines_secrets_come_from_its_variable_or_the_file_that_names_them(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("b-1\n")
    settings = folder.load(text(), A_SECRET="new, old,", B_SECRET_FILE=str(tmp_path / "secret"))
    assert (secrets_of(settings, "a"), secrets_of(settings, "b")) == (["new", "old"], ["b-1"])
    assert folder.load(text(env_a="", env_b="")).own_secrets == {}


def test_a_secret_in_place_of_its_variables_name_is_refused_and_not_repeated(folder: Folder) -> None:
    (found,) = folder.mistakes(text(env_a="hidden-5f3a"))
    assert found.startswith("tuneloop.toml:4: pipelines.a.labels.webhook_secret_env: must be the name of an environ")
    assert "hidden" not in found


def test_a_secret_that_cannot_be_read_is_a_mistake_of_that_pipeline(folder: Folder, tmp_path: Path) -> None:
    (found,) = folder.mistakes(text(), A_SECRET_FILE=str(tmp_path / "missing"))
    assert found.startswith("tuneloop.toml:4: pipelines.a.labels.webhook_secret_env: the file that A_SECRET_FILE names")


def test_pipelines_of_one_project_may_share_a_secret(folder: Folder) -> None:
    settings = folder.load(text(project_b="cl1", env_b="A_SECRET"), A_SECRET="shared")
    assert secrets_of(settings, "a") == secrets_of(settings, "b") == ["shared"]


@pytest.mark.parametrize(
    ("env_b", "environ"),
    [
        ("A_SECRET", {"A_SECRET": "hidden"}),
        ("A_SECRET", {}),
        ("B_SECRET", {"A_SECRET": "hidden, another", "B_SECRET": "a third,hidden"}),
    ],
    ids=["one variable", "one variable that is not set yet", "one secret in two variables"],
)
def test_pipelines_of_different_projects_must_not_share_one(
    folder: Folder, env_b: str, environ: dict[str, str]
) -> None:
    found = folder.mistakes(text(env_b=env_b), **environ)
    assert [line.split(": ")[1] for line in found] == [f"pipelines.{name}.labels.webhook_secret_env" for name in "ab"]
    assert all("a pipeline of another project" in line and "hidden" not in line for line in found)


@pytest.mark.parametrize(
    ("env_a", "environ"),
    [
        ("LABELBOX_WEBHOOK_SECRET", {"LABELBOX_WEBHOOK_SECRET": "hidden"}),
        ("LABELBOX_WEBHOOK_SECRET", {}),
        ("A_SECRET", {"LABELBOX_WEBHOOK_SECRET": "old,hidden", "A_SECRET": "hidden"}),
    ],
)
def test_a_pipelines_secret_must_not_be_the_general_one(folder: Folder, env_a: str, environ: dict[str, str]) -> None:
    (found,) = folder.mistakes(text(env_a=env_a), **environ)
    assert "must not share a secret with LABELBOX_WEBHOOK_SECRET" in found
    assert "hidden" not in found


def test_a_general_secret_that_cannot_be_read_is_named_once(folder: Folder, tmp_path: Path) -> None:
    (found,) = folder.mistakes(text(), LABELBOX_WEBHOOK_SECRET_FILE=str(tmp_path / "missing"))
    assert found.startswith("LABELBOX_WEBHOOK_SECRET: ")


def test_the_general_secret_may_be_absent(folder: Folder) -> None:
    assert missing_for(folder.load(text(), A_SECRET="a", B_SECRET="b"), "serve") == []
    # Where it is absent and one has none, its labels are read by reconcile alone.
    assert missing_for(folder.load(text(env_b=""), A_SECRET="a"), "serve") == []


def test_a_secret_that_is_named_and_not_set_is_missed_and_never_replaced_by_the_general_one(folder: Folder) -> None:
    settings = folder.load(text(project_b="cl1", env_b="A_SECRET"), LABELBOX_WEBHOOK_SECRET="general")
    assert missing_for(settings, "serve") == ["A_SECRET: the secret of the webhook of a, b"]


def test_admin_tokens_may_be_several_while_one_is_rotated(folder: Folder) -> None:
    settings = folder.load(text(), TUNELOOP_ADMIN_TOKEN=f"{TOKEN}-new, {TOKEN}-old,")
    assert [token.get_secret_value() for token in settings.admin_tokens] == [f"{TOKEN}-new", f"{TOKEN}-old"]


@pytest.mark.parametrize("token", ["hidden", "hidden-15-chars", f"{TOKEN},hidden"])
def test_an_admin_token_that_could_be_guessed_is_refused_and_not_repeated(folder: Folder, token: str) -> None:
    (found,) = folder.mistakes(text(), TUNELOOP_ADMIN_TOKEN=token)
    assert found.startswith("TUNELOOP_ADMIN_TOKEN: each token must have at least 16 characters")
    assert "hidden" not in found


def test_check_says_whose_secrets_are_set_and_what_is_closed_without_an_admin_token(folder: Folder) -> None:
    rows = dict(describe(folder.load(text(env_b=""), A_SECRET="hidden")))
    assert rows["pipelines.a.labels.webhook_secret_env"] == "A_SECRET"
    assert rows["pipelines.a.labels.webhook_secrets"] == "set"
    assert rows["pipelines.b.labels.webhook_secret_env"] == "none"
    assert rows["TUNELOOP_ADMIN_TOKEN"] == "not set: /metrics, /api/v1 and the page answer nobody"
    assert dict(describe(folder.load(text(), TUNELOOP_ADMIN_TOKEN=TOKEN)))["TUNELOOP_ADMIN_TOKEN"] == "set"
