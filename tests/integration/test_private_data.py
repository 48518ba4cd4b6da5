"""What is kept on the machine is its owner's alone: folders 0700, the database 0600, and what is wide is told."""

import stat
from pathlib import Path

import pytest

from service.adapters.files_store import FsspecFileStore
from service.adapters.sql_engine import make_engine, reading
from service.cli.app import run
from service.cli.processes import sole_owner
from service.cli.valkey import valkey_program


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that nobody made yet, nor the one above it."""
    monkeypatch.chdir(tmp_path)
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_REDIS_URL", "TUNELOOP_DATABASE_URL", "TUNELOOP_FILES_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "above" / "data"
    monkeypatch.setenv("TUNELOOP_DATA", str(folder))
    (tmp_path / "tuneloop.toml").write_text('[pipelines.p]\nlabels.project = "c"\ntrain.model = "gpt-4.1-mini"\n')
    # Others may pass through to it, whatever pytest made of its own folder.
    for holder in (tmp_path, tmp_path.parent):
        holder.chmod(0o755)
    return folder


def test_a_new_installation_lets_nobody_else_in(data: Path) -> None:
    assert run(["migrate"]) == 0
    database = data / "tuneloop.db"
    assert (mode(data.parent), mode(data), mode(database)) == (0o700, 0o700, 0o600)
    engine = make_engine(f"sqlite:///{database}")
    with reading(engine):
        assert mode(data / "tuneloop.db-wal") == 0o600


def test_the_folders_of_files_valkey_and_the_owners_lock_are_private(data: Path) -> None:
    with FsspecFileStore(str(data / "files")).writer() as writer:
        writer.write(b"a line\n")
        writer.commit()
    made = [path for path in (data, *data.rglob("*")) if path.is_dir()]
    assert data / "files" in made
    valkey_program(data / "valkey")
    with sole_owner(data / "other"):
        assert {mode(path) for path in (*made, data / "valkey", data / "other")} == {0o700}


def test_what_is_there_already_stays_as_it_is(data: Path) -> None:
    data.mkdir(parents=True)
    database = data / "tuneloop.db"
    database.touch()
    for path, wanted in ((data, 0o755), (database, 0o644)):
        path.chmod(wanted)
    assert run(["migrate"]) == 0
    assert (mode(data), mode(database)) == (0o755, 0o644)


def noted(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    run(["check", "--quiet"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note ")]
    told = (line.removeprefix("note").strip().partition(": ") for line in lines)
    return {name: text for name, _, text in told if name in {"data folder", "database file"}}


def test_check_warns_of_what_others_can_read_and_says_how_to_close_it(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert noted(capsys) == {}
    assert run(["migrate"]) == 0
    assert noted(capsys) == {}
    database = data / "tuneloop.db"
    database.chmod(0o644)
    # Whoever cannot enter the folder cannot read what is in it.
    assert noted(capsys) == {}
    for folder in (data.parent, data):
        folder.chmod(0o755)
    told = noted(capsys)
    assert told["data folder"].endswith(f"{data} (mode 0755), which holds labels: chmod 700 {data}")
    assert told["database file"].endswith(f"{database} (mode 0644), which holds labels: chmod 600 {database}")
    database.chmod(0o600)
    data.chmod(0o700)
    assert noted(capsys) == {}
