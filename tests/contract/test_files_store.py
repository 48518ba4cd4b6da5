"""Files by content hash: whole under their own name or not there, on every kind of address."""

import hashlib
import threading
import uuid
from pathlib import Path

import fsspec
import pytest

from service.adapters.files_store import FsspecFileStore
from service.domain.errors import CorruptFile
from service.ports import FileStore

CONTENT = b"a line\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["path", "file://", "memory://"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    addresses = {"path": f"{tmp_path}/files/", "file://": f"file://{tmp_path}/files"}
    return addresses.get(request.param, f"memory://{uuid.uuid4().hex}/files")


@pytest.fixture
def store(url: str) -> FileStore:
    return FsspecFileStore(url)


def everything_under(url: str) -> list[str]:
    system, root = fsspec.core.url_to_fs(url)
    return [path.removeprefix(root.rstrip("/")) for path in system.find(root)]


def write(store: FileStore, *chunks: bytes) -> tuple[str, int]:
    with store.writer() as writer:
        for chunk in chunks:
            writer.write(chunk)
        return writer.commit()


def fail_while_writing(store: FileStore, *, commit: bool) -> None:
    with store.writer() as writer:
        writer.write(CONTENT)
        if commit:
            writer.commit()
        raise RuntimeError


def test_a_file_is_stored_under_the_hash_of_its_content(store: FileStore, url: str) -> None:
    assert write(store, CONTENT[:10], CONTENT[10:]) == (SHA256, len(CONTENT))

    with store.open(SHA256) as file:
        assert file.read() == CONTENT
    assert everything_under(url) == [f"/sha256/{SHA256[:2]}/{SHA256}"]
    assert store.location(SHA256).endswith(f"/files/sha256/{SHA256[:2]}/{SHA256}")


def test_an_empty_file_is_a_file(store: FileStore) -> None:
    sha256, size_bytes = write(store)
    assert size_bytes == 0
    with store.open(sha256) as file:
        assert file.read() == b""


def test_a_file_can_be_read_from_its_beginning_line_by_line(store: FileStore) -> None:
    sha256, _ = write(store, b"one\ntwo\n")
    with store.open(sha256) as file:
        assert list(file) == [b"one\n", b"two\n"]
        file.seek(0)
        assert file.read(3) == b"one"


def test_the_same_content_twice_ends_with_one_file(store: FileStore, url: str) -> None:
    assert write(store, CONTENT) == write(store, CONTENT)
    assert len(everything_under(url)) == 1


def test_writing_again_mends_a_damaged_file(store: FileStore, url: str) -> None:
    write(store, CONTENT)
    system, root = fsspec.core.url_to_fs(url)
    system.pipe_file(f"{root.rstrip('/')}/sha256/{SHA256[:2]}/{SHA256}", b"damaged")

    write(store, CONTENT)

    with store.open(SHA256) as file:
        assert file.read() == CONTENT


def test_a_failed_write_leaves_nothing_behind(store: FileStore, url: str) -> None:
    with pytest.raises(RuntimeError):
        fail_while_writing(store, commit=False)
    assert everything_under(url) == []


def test_what_is_not_committed_is_not_stored(store: FileStore, url: str) -> None:
    with store.writer() as writer:
        writer.write(CONTENT)
    assert everything_under(url) == []


def test_a_failure_after_the_commit_leaves_the_file(store: FileStore) -> None:
    with pytest.raises(RuntimeError):
        fail_while_writing(store, commit=True)
    with store.open(SHA256) as file:
        assert file.read() == CONTENT


def test_nothing_stands_under_the_final_name_before_the_commit(store: FileStore, url: str) -> None:
    with store.writer() as writer:
        writer.write(CONTENT)
        assert not any(path.startswith("/sha256/") for path in everything_under(url))
        writer.commit()


def test_writers_of_the_same_content_at_the_same_time_end_with_one_file(store: FileStore, url: str) -> None:
    everybody_wrote = threading.Barrier(4)

    def work() -> None:
        with store.writer() as writer:
            writer.write(CONTENT)
            everybody_wrote.wait()
            writer.commit()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(everything_under(url)) == 1
    with store.open(SHA256) as file:
        assert file.read() == CONTENT


@pytest.mark.parametrize("sha256", ["0" * 64, "", "../../etc/passwd", SHA256.upper()])
def test_a_missing_file_is_reported_with_its_remedy(store: FileStore, sha256: str) -> None:
    with pytest.raises(CorruptFile) as raised, store.open(sha256):
        pass
    assert "start another run" in raised.value.remedy


def test_an_error_of_the_reader_is_not_taken_for_a_missing_file(store: FileStore) -> None:
    write(store, CONTENT)
    with pytest.raises(FileNotFoundError), store.open(SHA256):
        raise FileNotFoundError


def test_a_relative_folder_is_one_place_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = FsspecFileStore("files")
    monkeypatch.chdir("/")
    write(store, CONTENT)
    assert (tmp_path / "files" / "sha256" / SHA256[:2] / SHA256).read_bytes() == CONTENT
