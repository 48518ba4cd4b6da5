"""Files through the unmodified SDK: up, listed, down again, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.contract.trainer_process import KEY, Trainer, running_trainer
from tests.unit.trainer_lines import calls, jsonl

MB = 1024 * 1024
LINES = jsonl(calls(10))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files") / "data"


@pytest.fixture(scope="module")
def trainer(folder: Path) -> Iterator[Trainer]:
    with running_trainer(folder, "--max-upload-mb", "1") as running:
        yield running


def posted(trainer: Trainer, body: bytes, content_type: str = "multipart/form-data; boundary=b") -> httpx2.Response:
    headers = {"authorization": f"Bearer {KEY}", "content-type": content_type}
    return httpx2.post(f"{trainer.base_url}/files", content=body, headers=headers)


def part(name: str, value: str, filename: str = "") -> str:
    named = f'; filename="{filename}"' if filename else ""
    return f'--b\r\ncontent-disposition: form-data; name="{name}"{named}\r\n\r\n{value}\r\n'


def test_a_file_comes_back_as_it_was_sent(trainer: Trainer) -> None:
    content = LINES + "ä\U0001f6b2\r\n--b--\r\n".encode()
    file = trainer.client.files.create(file=("größe.jsonl", content), purpose="fine-tune")
    assert (file.bytes, file.filename, file.purpose, file.status) == (
        len(content),
        "größe.jsonl",
        "fine-tune",
        "processed",
    )
    assert file.expires_at is None
    assert trainer.client.files.content(file.id).read() == content
    assert trainer.client.files.retrieve(file.id) == file
    assert trainer.client.files.wait_for_processing(file.id) == file


def test_an_expiry_counts_from_the_creation(trainer: Trainer) -> None:
    file = trainer.client.files.create(
        file=("a.jsonl", LINES), purpose="fine-tune", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert file.expires_at == file.created_at + 3600


def test_a_deleted_file_is_gone_with_its_bytes(trainer: Trainer, folder: Path) -> None:
    file = trainer.upload(LINES)
    assert (folder / "files" / file).exists()
    assert trainer.client.files.delete(file).deleted
    assert not (folder / "files" / file).exists()
    for call in (trainer.client.files.retrieve, trainer.client.files.content, trainer.client.files.delete):
        with pytest.raises(openai.NotFoundError):
            call(file)


def test_the_list_walks_over_all_pages_in_either_order(trainer: Trainer) -> None:
    made = [trainer.upload(LINES) for _ in range(5)]
    files = trainer.client.files
    assert [file.id for file in files.list(limit=2)][:5] == made[::-1]
    assert [file.id for file in files.list(limit=2, order="asc")][-5:] == made
    assert [file.id for file in files.list(after=made[2], limit=1).data] == [made[1]]


def test_the_list_is_of_one_purpose_where_asked(trainer: Trainer) -> None:
    other = trainer.client.files.create(file=("a.txt", b"x"), purpose="user_data").id
    assert [file.id for file in trainer.client.files.list(purpose="user_data")] == [other]
    assert other not in [file.id for file in trainer.client.files.list(purpose="fine-tune")]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 10_001}, {"order": "up"}, {"after": "file-none"}])
def test_a_list_with_a_wrong_query_is_refused(trainer: Trainer, query: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        trainer.client.files.list(extra_query=query)
    assert refused.value.param in query


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"file": ("a.json", LINES)}, "file"),
        ({"file": ("a.jsonl", b"")}, "file"),
        ({"file": ("a" * 256 + ".jsonl", LINES)}, "file"),
        ({"purpose": "fine-tune-results"}, "purpose"),
        ({"expires_after": {"anchor": "created_at", "seconds": 3599}}, "expires_after[seconds]"),
        ({"expires_after": {"anchor": "created_at", "seconds": 2_592_001}}, "expires_after[seconds]"),
        ({"expires_after": {"anchor": "created_at", "seconds": "soon"}}, "expires_after[seconds]"),
        ({"expires_after": {"anchor": "last_used_at", "seconds": 3600}}, "expires_after[anchor]"),
    ],
)
def test_a_wrong_upload_is_refused_and_leaves_nothing(
    trainer: Trainer, folder: Path, changes: dict[str, Any], param: str
) -> None:
    before = sorted((folder / "files").iterdir())
    with pytest.raises(openai.BadRequestError) as refused:
        trainer.client.files.create(**{"file": ("a.jsonl", LINES), "purpose": "fine-tune", **changes})
    assert refused.value.param == param
    assert sorted((folder / "files").iterdir()) == before
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("size", [MB + 1, 3 * MB])
def test_a_file_over_the_limit_is_refused_and_leaves_nothing(trainer: Trainer, folder: Path, size: int) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        trainer.upload(b"x" * size)
    assert refused.value.status_code == 413
    assert refused.value.code == "file_too_large"
    assert list((folder / "tmp").iterdir()) == []


def test_a_file_of_just_the_limit_is_taken(trainer: Trainer) -> None:
    assert trainer.client.files.retrieve(trainer.upload(b"x" * MB)).bytes == MB


FILE, PURPOSE = part("file", "{}", "a.jsonl"), part("purpose", "fine-tune")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", "multipart/form-data; boundary=b"),
        (FILE + PURPOSE, "multipart/form-data; boundary=b"),
        (FILE + PURPOSE + "--b--", "multipart/form-data"),
        (FILE + PURPOSE + "--b--", "multipart/form-data; boundary=" + "b" * 300),
        (FILE + PURPOSE + "--b--", "application/json"),
        (PURPOSE + "--b--", "multipart/form-data; boundary=b"),
        (FILE + "--b--", "multipart/form-data; boundary=b"),
        (FILE + FILE + PURPOSE + "--b--", "multipart/form-data; boundary=b"),
        (part("other", "{}", "a.jsonl") + PURPOSE + "--b--", "multipart/form-data; boundary=b"),
        (part("purpose", "x" * 70_000) + FILE + "--b--", "multipart/form-data; boundary=b"),
        ("".join(part(f"f{n}", "") for n in range(80)) + "--b--", "multipart/form-data; boundary=b"),
        ("--c\r\nx", "multipart/form-data; boundary=b"),
        ("--b\r\nno header\r\n\r\n", "multipart/form-data; boundary=b"),
    ],
)
def test_a_malformed_upload_is_a_bad_request(trainer: Trainer, folder: Path, body: str, content_type: str) -> None:
    answer = posted(trainer, body.encode(), content_type)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert list((folder / "tmp").iterdir()) == []


def test_a_whole_upload_passes_byte_by_byte(trainer: Trainer) -> None:
    body = (FILE + PURPOSE + "--b--").encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "multipart/form-data; boundary=b"}
    pieces = (body[place : place + 1] for place in range(len(body)))
    answer = httpx2.post(f"{trainer.base_url}/files", content=pieces, headers=headers)
    assert answer.status_code == 200
    assert trainer.client.files.content(answer.json()["id"]).read() == b"{}"
