"""The key ``fetch_hosts``: from the file to what fetches."""

import socket
from pathlib import Path

import pytest

from service.bootstrap import Deps
from service.config import Settings, describe, load
from service.domain.errors import ConfigurationError, UnfetchablePrompt

PIPELINE = '[pipelines.support]\nlabels.project = "cl1"\ntrain.model = "gpt-4.1-mini-2025-04-14"\n'


def settings_of(folder: Path, hosts: str) -> Settings:
    path = folder / "tuneloop.toml"
    path.write_text(f"{PIPELINE}[service]\nfetch_hosts = {hosts}\n", encoding="utf-8")
    return load({"TUNELOOP_CONFIG": str(path)})


@pytest.mark.parametrize(
    ("hosts", "in_effect"),
    [
        ('["storage.labelbox.com"]', "storage.labelbox.com"),
        ('["Files.Example.com", "bücher.example"]', "files.example.com, xn--bcher-kva.example"),
        ("[]", "none"),
    ],
)
def test_hosts_are_read_and_shown_as_they_are_compared(tmp_path: Path, hosts: str, in_effect: str) -> None:
    assert dict(describe(settings_of(tmp_path, hosts)))["service.fetch_hosts"] == in_effect


def test_by_default_only_labelboxs_own_storage_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "tuneloop.toml"
    path.write_text(PIPELINE, encoding="utf-8")

    rows = dict(describe(load({"TUNELOOP_CONFIG": str(path)})))

    assert rows["service.fetch_hosts"] == "storage.labelbox.com"


@pytest.mark.parametrize(
    "host",
    [
        "https://files.example.com",
        "files.example.com/folder",
        "files.example.com:443",
        "*.example.com",
        ".example.com",
        "files.example.com.",
        "user@files.example.com",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "fi les.example.com",
        "",
    ],
)
def test_what_is_no_host_name_is_a_mistake_with_its_line(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings_of(tmp_path, f'["storage.labelbox.com", "{host}"]')

    words = "must be a host name alone, such as 'storage.labelbox.com'"
    assert str(raised.value) == f"{tmp_path / 'tuneloop.toml'}:5: service.fetch_hosts.1: {words}"


@pytest.mark.parametrize(
    ("hosts", "mistake"),
    [
        ('"storage.labelbox.com"', "fetch_hosts: must be a list in brackets (got 'storage.labelbox.com')"),
        ("[1]", "fetch_hosts.0: must be a text in quotes (got 1)"),
        ("{ a = 1 }", "fetch_hosts: must be a list in brackets (got {'a': 1})"),
    ],
)
def test_what_is_no_list_of_texts_is_a_mistake(tmp_path: Path, hosts: str, mistake: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings_of(tmp_path, hosts)

    assert str(raised.value).endswith(mistake)


def test_what_fetches_is_told_the_hosts_and_keeps_away_from_our_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: private)
    deps = Deps(settings_of(tmp_path, '["files.example.com"]'))

    allowed, other = "https://files.example.com/a", "https://storage.labelbox.com/a"
    found = deps.prompts.texts([allowed, other])

    reasons = {address: error.reason for address, error in found.items() if isinstance(error, UnfetchablePrompt)}
    assert reasons == {allowed: "address_private", other: "address_host"}
