"""Starting a trainer: what it refuses before it listens."""

import base64
import socket
from pathlib import Path

import pytest

from trainer.__main__ import main
from trainer.engines import EngineUnknown, create_engine, engine_names
from trainer.settings import Settings, SettingsWrong, check_webhook_secret, parse_settings
from trainer.store.folders import Folders

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
NEEDED = ["--port", "0", "--data", "folder", "--api-key", "k"]


def test_secrets_come_from_the_environment_where_they_are_not_on_the_command_line() -> None:
    environment = {"TUNELOOP_TRAINER_API_KEY": "outer", "TUNELOOP_TRAINER_WEBHOOK_SECRET": SECRET}
    settings = parse_settings(["--port", "0", "--data", "d", "--webhook-url", "http://h/x"], environment)
    assert (settings.api_key, settings.webhook_secret) == ("outer", SECRET)
    assert parse_settings([*NEEDED, "--webhook-url", "http://h/x"], environment).api_key == "k"


def test_the_defaults_fit_one_machine() -> None:
    settings = parse_settings(NEEDED, {})
    assert settings == Settings(api_key="k", data=Path("folder"), port=0)
    assert settings.host == "127.0.0.1"


def test_manners_decide_how_results_are_encoded_or_leave_it_to_the_option() -> None:
    asked = parse_settings([*NEEDED, "--manners", "openai"], {})
    assert (asked.manners.idempotency, asked.encoding_of_results) == (False, "base64")
    assert parse_settings([*NEEDED, "--result-encoding", "base64"], {}).encoding_of_results == "base64"
    assert parse_settings(NEEDED, {}).encoding_of_results == "plain"


@pytest.mark.parametrize(
    "options",
    [
        ["--api-key", ""],
        ["--api-key", "schlüssel"],
        ["--engine", "none"],
        ["--port", "70000"],
        ["--job-seconds", "-1"],
        ["--job-seconds", "nan"],
        ["--job-seconds", "inf"],
        ["--max-upload-mb", "0"],
        ["--organization", "a:b"],
        ["--shutdown-date", "memory-base-1"],
        ["--shutdown-date", "memory-base-1=14.1.2027"],
        ["--webhook-url", "http://h/x"],
        ["--webhook-secret", SECRET],
        ["--webhook-url", "ftp://h/x", "--webhook-secret", SECRET],
        ["--webhook-url", "http:///x", "--webhook-secret", SECRET],
        ["--webhook-url", "http://h/x", "--webhook-secret", "whsec_!!"],
    ],
)
def test_wrong_options_are_refused(options: list[str]) -> None:
    with pytest.raises(SettingsWrong):
        parse_settings([*NEEDED, *options], {})


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_webhook_secret_of_enough_bytes_passes(size: int) -> None:
    check_webhook_secret("whsec_" + base64.b64encode(bytes(size)).decode())


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_!!!!",
        base64.b64encode(bytes(32)).decode(),
        SECRET.rstrip("="),
        SECRET + "=",
        SECRET + "\n",
        "whsec_ " + base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        SECRET[:-2] + "B=",
        "whsec_é" + SECRET[7:],
    ],
)
def test_a_webhook_secret_that_makes_a_weak_key_is_refused(secret: str) -> None:
    with pytest.raises(SettingsWrong, match="24 to 64 bytes"):
        check_webhook_secret(secret)


def test_the_command_says_what_is_wrong_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NEEDED, "--engine", "none"]) == 2
    assert "the engines are" in capsys.readouterr().err


def test_a_port_that_is_taken_ends_the_command_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["--port", port, "--data", str(tmp_path), "--api-key", "k"]) == 1
    assert "in use" in capsys.readouterr().err


def test_a_second_trainer_on_the_same_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Folders(tmp_path).lock():
        assert main(["--port", "0", "--data", str(tmp_path), "--api-key", "k"]) == 1
    assert "another trainer" in capsys.readouterr().err


def test_engines_are_found_by_name() -> None:
    assert "memory" in engine_names()
    with pytest.raises(EngineUnknown, match="memory"):
        create_engine("os")


def test_the_ends_of_models_are_told_by_the_command_line() -> None:
    settings = parse_settings([*NEEDED, "--shutdown-date", "a=2027-01-14", "--shutdown-date", "x=y=2028-02-29"], {})
    assert settings.shutdown_dates == {"a": "2027-01-14", "x=y": "2028-02-29"}


def test_an_end_of_a_model_that_the_engine_does_not_have_ends_the_command_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--port", "0", "--data", str(tmp_path), "--api-key", "k", "--shutdown-date", "other=2027-01-14"]
    assert main(options) == 2
    assert "memory-base-1" in capsys.readouterr().err
