"""The edges of the API: keys, addresses, bodies that are none, health."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.contract.trainer_process import KEY, Trainer, running_trainer

HEADERS = {"authorization": f"Bearer {KEY}"}
ADDRESSES = [
    "/files",
    "/fine_tuning/jobs",
    "/models",
    "/models/ft:a:b::c",
    "/chat/completions",
    "/none",
    "/files/a/content",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("http") / "data"


@pytest.fixture(scope="module")
def trainer(folder: Path) -> Iterator[Trainer]:
    with running_trainer(folder) as running:
        yield running


@pytest.fixture
def http(trainer: Trainer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=trainer.base_url, headers=HEADERS) as client:
        yield client


def test_a_wrong_key_is_an_authentication_error(trainer: Trainer) -> None:
    with (
        OpenAI(api_key="wrong", base_url=trainer.base_url, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.models.list()
    assert refused.value.code == "invalid_api_key"
    assert str(refused.value.request_id).startswith("req_")


@pytest.mark.parametrize("given", [None, KEY.encode(), b"Bearer \xff", f"Basic {KEY}".encode(), b"Bearer"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nothing_is_told_without_a_key(http: httpx2.Client, given: bytes | None, method: str) -> None:
    del http.headers["authorization"]
    for address in ADDRESSES:
        answer = http.request(method, address, headers=[] if given is None else [(b"authorization", given)])
        assert answer.status_code == 401
        assert answer.headers["x-request-id"]
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/none", 404), ("GET", "/files/", 404), ("PUT", "/files", 405), ("DELETE", "/fine_tuning/jobs", 405)],
)
def test_an_unknown_address_is_told_in_an_envelope(http: httpx2.Client, method: str, address: str, status: int) -> None:
    answer = http.request(method, address)
    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("address", ["/fine_tuning/jobs", "/chat/completions"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"model": "\\ud800"}', b"{" + b'"a":' * 50_000, b"1" * 6000],
)
def test_a_body_that_is_no_json_object_is_a_bad_request(http: httpx2.Client, address: str, body: bytes) -> None:
    answer = http.post(address, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"


def test_a_json_body_that_is_too_long_is_refused(http: httpx2.Client) -> None:
    answer = http.post("/chat/completions", content=b" " * (33 * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_health_needs_no_key_and_tells_nothing(trainer: Trainer) -> None:
    answer = httpx2.get(trainer.base_url.removesuffix("/v1") + "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_every_answer_has_an_id_of_its_own(trainer: Trainer) -> None:
    answers = [trainer.client.models.with_raw_response.list() for _ in range(3)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


def test_a_failure_that_nobody_foresaw_is_an_envelope_too(trainer: Trainer, folder: Path) -> None:
    file = trainer.upload(b"{}")
    (folder / "files" / file).unlink()
    with pytest.raises(openai.InternalServerError) as failed:
        trainer.client.files.content(file)
    assert failed.value.code == "internal_error"
    assert failed.value.request_id
    assert trainer.client.models.list().data
