"""Files by content hash: whole under their own name or not there, on every kind of address."""

import hashlib
import os
import signal
import subprocess
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest
import s3fs

from service.adapters.files_places import Bucket
from service.adapters.files_store import FsspecFileStore
from service.domain.errors import ConfigurationError, CorruptFile, FilesUnavailable
from tests.support.s3 import CREDENTIALS, ask_for_credentials
from tests.support.storing import everything_under, read, run, write

CONTENT = b"a line\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOBODY = 65534


@pytest.fixture(params=["path", "file://", "memory://", "s3://"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3://":
        return str(request.getfixturevalue("bucket"))
    addresses = {"path": f"{tmp_path}/files/", "file://": f"file://{tmp_path}/files"}
    return addresses.get(request.param, f"memory://{uuid.uuid4().hex}/files")


@pytest.fixture
def store(url: str) -> FsspecFileStore:
    return FsspecFileStore(url)


def fail_while_writing(store: FsspecFileStore, *, commit: bool) -> None:
    with store.writer() as writer:
        writer.write(CONTENT)
        if commit:
            writer.commit()
        raise RuntimeError


def test_a_file_is_stored_under_the_hash_of_its_content(store: FsspecFileStore, url: str) -> None:
    assert write(store, CONTENT[:10], CONTENT[10:]) == (SHA256, len(CONTENT))

    with store.open(SHA256) as file:
        assert file.read() == CONTENT
    assert everything_under(url) == [f"/sha256/{SHA256[:2]}/{SHA256}"]
    assert store.location(SHA256).endswith(f"/files/sha256/{SHA256[:2]}/{SHA256}")


def test_an_empty_file_is_a_file(store: FsspecFileStore) -> None:
    sha256, size_bytes = write(store)
    assert size_bytes == 0
    with store.open(sha256) as file:
        assert file.read() == b""


def test_a_file_can_be_read_from_its_beginning_line_by_line(store: FsspecFileStore) -> None:
    sha256, _ = write(store, b"one\ntwo\n")
    with store.open(sha256) as file:
        assert list(file) == [b"one\n", b"two\n"]
        file.seek(0)
        assert file.read(3) == b"one"


def test_the_same_content_twice_ends_with_one_file(store: FsspecFileStore, url: str) -> None:
    assert write(store, CONTENT) == write(store, CONTENT)
    assert len(everything_under(url)) == 1


def test_writing_again_mends_a_damaged_file(store: FsspecFileStore, url: str) -> None:
    write(store, CONTENT)
    system, root = fsspec.core.url_to_fs(url)
    system.pipe_file(f"{root.rstrip('/')}/sha256/{SHA256[:2]}/{SHA256}", b"damaged")

    write(store, CONTENT)

    with store.open(SHA256) as file:
        assert file.read() == CONTENT


def test_a_failed_write_leaves_nothing_behind(store: FsspecFileStore, url: str) -> None:
    with pytest.raises(RuntimeError):
        fail_while_writing(store, commit=False)
    assert everything_under(url) == []


def test_what_is_not_committed_is_not_stored(store: FsspecFileStore, url: str) -> None:
    with store.writer() as writer:
        writer.write(CONTENT)
    assert everything_under(url) == []


def test_a_failure_after_the_commit_leaves_the_file(store: FsspecFileStore) -> None:
    with pytest.raises(RuntimeError):
        fail_while_writing(store, commit=True)
    with store.open(SHA256) as file:
        assert file.read() == CONTENT


def test_nothing_stands_under_the_final_name_before_the_commit(store: FsspecFileStore, url: str) -> None:
    with store.writer() as writer:
        writer.write(CONTENT)
        assert not any(path.startswith("/sha256/") for path in everything_under(url))
        writer.commit()


def test_writers_of_the_same_content_at_the_same_time_end_with_one_file(store: FsspecFileStore, url: str) -> None:
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
def test_a_missing_file_is_reported_with_its_remedy(store: FsspecFileStore, sha256: str) -> None:
    with pytest.raises(CorruptFile) as raised, store.open(sha256):
        pass
    assert "start another run" in raised.value.remedy


def test_an_error_of_the_reader_is_not_taken_for_a_missing_file(store: FsspecFileStore) -> None:
    write(store, CONTENT)
    with pytest.raises(FileNotFoundError), store.open(SHA256):
        raise FileNotFoundError


def test_a_relative_folder_is_one_place_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = FsspecFileStore("files")
    monkeypatch.chdir("/")
    write(store, CONTENT)
    assert (tmp_path / "files" / "sha256" / SHA256[:2] / SHA256).read_bytes() == CONTENT


def test_a_file_that_is_peeked_at_is_read_from_wherever_one_goes(store: FsspecFileStore) -> None:
    content = b"".join(b"%06d\n" % number for number in range(40_000))
    sha256, _ = write(store, content)
    with store.peek(sha256) as file:
        assert file.readline() == b"000000\n"
        assert file.seek(-7, 2) == len(content) - 7
        assert file.readline() == b"039999\n"
        assert file.read() == b""
        file.seek(7 * 20_000)
        assert (file.readline(), file.tell()) == (b"020000\n", 7 * 20_001)
        file.seek(0)
        assert file.read() == content


def test_peeking_at_a_missing_file_says_so(store: FsspecFileStore) -> None:
    with pytest.raises(CorruptFile) as raised, store.peek(SHA256):
        pass
    assert raised.value.is_missing


def test_a_damaged_file_is_not_called_missing(store: FsspecFileStore, url: str) -> None:
    write(store, CONTENT)
    system, root = fsspec.core.url_to_fs(url)
    system.pipe_file(f"{root.rstrip('/')}/sha256/{SHA256[:2]}/{SHA256}", CONTENT[:-1])
    with pytest.raises(CorruptFile) as raised, store.open(SHA256):
        pass
    assert not raised.value.is_missing


def test_the_digest_is_known_before_the_commit(store: FsspecFileStore) -> None:
    with store.writer() as writer:
        writer.write(CONTENT[:10])
        writer.write(CONTENT[10:])
        assert writer.digest() == (SHA256, len(CONTENT)) == writer.commit()


def test_a_file_of_several_parts_is_stored_whole(store: FsspecFileStore, url: str) -> None:
    # Above two parts of what is sent at once, and uneven.
    content = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(700_001))
    sha256, size_bytes = write(store, content[: 1 << 20], content[1 << 20 :])
    assert size_bytes == len(content) > 20 << 20
    with store.open(sha256) as file:
        assert file.read() == content
    assert len(everything_under(url)) == 1


def test_a_removed_file_is_gone_and_may_be_removed_again(store: FsspecFileStore, url: str) -> None:
    kept, _ = write(store, b"kept\n")
    gone, _ = write(store, b"gone\n")
    for _ in range(2):
        store.remove(gone)
    assert [path.rpartition("/")[2] for path in everything_under(url)] == [kept]


def test_a_place_is_checked_by_writing_to_it(store: FsspecFileStore, url: str) -> None:
    sha256 = ""
    for _ in range(2):
        assert store.check().endswith("/files")
        sha256, _ = write(store, b"something")
    assert everything_under(url) == [f"/sha256/{sha256[:2]}/{sha256}"]


# Refusals.


def test_a_missing_bucket_is_named_with_its_remedy_and_is_not_made(s3: str) -> None:
    assert s3
    store = FsspecFileStore("s3://nobody-made-this/files")
    with pytest.raises(FilesUnavailable, match="does not exist") as raised:
        write(store, CONTENT)
    assert "Make the bucket" in raised.value.remedy
    assert raised.value.retryable
    # What was frozen is not thought lost because the bucket is.
    with pytest.raises(FilesUnavailable), store.open(SHA256):
        pass
    with pytest.raises(FilesUnavailable):
        store.check()
    assert not s3fs.S3FileSystem(use_listings_cache=False).exists("nobody-made-this")


def test_a_bucket_that_denies_is_named_with_its_remedy_and_holds_nothing_half(s3: str, bucket: str) -> None:
    store = FsspecFileStore(bucket)
    write(store, b"before")
    ask_for_credentials(s3, after="0")
    try:
        for act in (lambda: write(store, CONTENT), lambda: read(store, SHA256), store.check):
            with pytest.raises(FilesUnavailable) as raised:
                act()
            assert "credentials" in raised.value.remedy
            assert raised.value.retryable
    finally:
        ask_for_credentials(s3, after="inf")
    assert len(everything_under(bucket)) == 1


def test_a_bucket_that_cannot_be_reached_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    # s3fs would have the patience of five attempts.
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(FilesUnavailable) as raised:
            write(FsspecFileStore("s3://bucket/files"), CONTENT)
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
    assert raised.value.retryable
    assert "network" in raised.value.remedy


def test_a_folder_that_denies_is_named_with_its_remedy(tmp_path: Path) -> None:
    # As somebody else, because root may write anywhere. What is imported late is imported before: the other one may
    # not be allowed to read the code.
    script = f"""
from service.domain.errors import FilesUnavailable
write(FsspecFileStore({str(tmp_path / "mine")!r}), b"x")
os.setuid({NOBODY})
try:
    write(FsspecFileStore({str(tmp_path / "files")!r}), b"x")
except FilesUnavailable as error:
    print(error.retryable, error, error.remedy)
"""
    tmp_path.chmod(0o755)
    found = run(script) if os.geteuid() == 0 else "True PermissionError Let the service read, write and delete there"
    assert found.startswith("True")
    assert "PermissionError" in found
    assert "Let the service" in found


def test_a_full_disk_leaves_no_half_file_and_says_so(tmp_path: Path) -> None:
    script = f"""
from service.domain.errors import FilesUnavailable
store = FsspecFileStore({str(tmp_path)!r})
print(write(store, {CONTENT!r})[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for size in (100_001, 5_000_000):
    try:
        write(store, b"x" * size)
    except FilesUnavailable as error:
        print(error.retryable, error.remedy)
"""
    lines = run(script).splitlines()
    assert lines == [SHA256, *["True Make room there; it is tried again."] * 2]
    assert everything_under(str(tmp_path)) == [f"/sha256/{SHA256[:2]}/{SHA256}"]


@pytest.mark.parametrize("kind", ["path", "s3://"])
def test_a_process_that_is_killed_leaves_no_half_file_under_a_name(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = str(tmp_path / "files") if kind == "path" else request.getfixturevalue("bucket")
    script = f"""
with FsspecFileStore({url!r}).writer() as writer:
    writer.write(b"x" * (20 << 20))
    writer.digest()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    with pytest.raises(subprocess.CalledProcessError) as raised:
        run(script)
    assert raised.value.returncode == -signal.SIGKILL
    left = everything_under(url)
    assert not [path for path in left if not path.startswith("/incoming/")]
    # A bucket never saw it; of a folder it is swept when nobody can still be writing it.
    store = FsspecFileStore(url)
    now = datetime.now(UTC)
    assert store.forget_incoming(before=now - timedelta(days=1)) == 0
    assert everything_under(url) == left
    assert store.forget_incoming(before=now + timedelta(seconds=9)) == len(left) == (kind == "path")
    assert everything_under(url) == []


def test_a_sweep_touches_no_file_that_was_committed(store: FsspecFileStore) -> None:
    write(store, CONTENT)
    assert store.forget_incoming(before=datetime.now(UTC) + timedelta(days=1)) == 0
    assert read(store, SHA256) == CONTENT


def test_a_bucket_whose_package_is_missing_names_it() -> None:
    script = """
sys.modules["s3fs"] = None
from service.domain.errors import ConfigurationError
try:
    FsspecFileStore("s3://bucket/files")
except ConfigurationError as error:
    print(error.remedy)
"""
    assert run(script) == "pip install 'tuneloop[s3]'\n"


@pytest.mark.parametrize(
    ("url", "remedy"), [("gs://b/files", "pip install gcsfs"), ("no-such://b", "s3://bucket/folder")]
)
def test_an_address_that_cannot_be_used_says_what_can(url: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match="TUNELOOP_FILES_URL") as raised:
        FsspecFileStore(url)
    assert remedy in raised.value.remedy


def test_what_a_scratch_file_holds_is_gone_with_it(store: FsspecFileStore, url: str) -> None:
    with store.scratch() as file:
        file.write(CONTENT)
        file.seek(0)
        assert file.read() == CONTENT
        assert everything_under(url) == []
    assert file.closed


def test_a_full_disk_under_a_scratch_file_says_so(tmp_path: Path) -> None:
    script = f"""
import tempfile
from service.domain.errors import FilesUnavailable
tempfile.tempdir = {str(tmp_path)!r}
store = FsspecFileStore({str(tmp_path)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for size in (100_001, 5_000_000):
    try:
        with store.scratch() as file:
            file.write(b"x" * size)
            file.seek(0)
    except FilesUnavailable as error:
        print(error, error.remedy)
# Closing it alone would have written this.
with store.scratch() as file:
    file.write(b"x" * 100_001)
"""
    lines = run(script).splitlines()
    assert lines == [f"{tmp_path}: OSError: File too large Make room there; it is tried again."] * 2


def test_what_fails_beside_a_scratch_file_is_not_blamed_on_it(store: FsspecFileStore) -> None:
    with pytest.raises(OSError, match="of somebody else"), store.scratch():
        raise OSError("of somebody else")


def test_a_new_name_is_kept_through_a_power_cut_after_its_content(tmp_path: Path) -> None:
    # EINVAL is what folders answer that a virtual machine shares with its host.
    script = f"""
import errno
sync, replace = os.fsync, os.replace
def told_sync(descriptor):
    path = os.readlink(f"/proc/self/fd/{{descriptor}}")
    print("sync", os.path.relpath(path, {str(tmp_path)!r}))
    if os.path.isdir(path):
        raise OSError(errno.EINVAL, "Invalid argument")
    sync(descriptor)
def told_replace(before, after):
    print("name", os.path.relpath(before, {str(tmp_path)!r}))
    replace(before, after)
os.fsync, os.replace = told_sync, told_replace
write(FsspecFileStore({str(tmp_path / "files")!r}), {CONTENT!r})
"""
    content, name, *folders = run(script).splitlines()
    assert content.startswith("sync files/incoming/")
    assert name == content.replace("sync", "name")
    assert folders == [f"sync files/sha256/{SHA256[:2]}", "sync files/sha256", "sync files"]


def test_a_folder_whose_disk_fails_is_told_of(tmp_path: Path) -> None:
    script = f"""
import errno
from service.domain.errors import FilesUnavailable
sync = os.fsync
def failing(descriptor):
    if os.path.isdir(f"/proc/self/fd/{{descriptor}}"):
        raise OSError(errno.EIO, "Input/output error")
    sync(descriptor)
os.fsync = failing
try:
    write(FsspecFileStore({str(tmp_path / "files")!r}), {CONTENT!r})
except FilesUnavailable as error:
    print(error)
"""
    assert "Input/output error" in run(script)


def test_a_bucket_on_a_machine_that_gives_open_files_no_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a bucket needs /no/such/place") as raised:
        Bucket(None, "b/files", open_files="/no/such/place")
    assert "Linux" in raised.value.remedy


def test_a_bucket_of_large_files_needs_little_memory(bucket: str) -> None:
    script = f"""
store = FsspecFileStore({bucket!r})
store.check()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with store.writer() as writer:
    for number in range(200):
        writer.write(b"%d" % number * (1 << 19))
    sha256, size_bytes = writer.commit()
with store.open(sha256) as file:
    while file.read(1 << 20):
        pass
print(size_bytes >> 20, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    size_mb, grown_mb = map(int, run(script).split())
    assert size_mb > 200
    # Four parts of eight, sent and fetched, and what the libraries copy of them.
    assert grown_mb < 150
