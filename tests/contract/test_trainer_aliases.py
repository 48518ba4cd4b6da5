"""A stable name at our own trainer, through its own interface, the SDK and the adapter."""

from collections.abc import Iterator

import httpx2
import openai
import pytest
from pydantic import SecretStr

from service.adapters.openai_trainer import OpenAITrainer
from service.config import TrainerSettings
from service.domain.errors import TrainerRefused
from tests.contract.trainer_process import BASE, Trainer, running_trainer
from tests.unit.trainer_lines import calls

NAME = "tuneloop/support-summaries"


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    with running_trainer(tmp_path_factory.mktemp("aliases") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def models(trainer: Trainer) -> list[str]:
    return [str(trainer.trained(calls(12)).fine_tuned_model) for _ in range(2)]


@pytest.fixture
def adapter(trainer: Trainer) -> Iterator[OpenAITrainer]:
    url, key = str(trainer.client.base_url).rstrip("/"), SecretStr(trainer.client.api_key)
    made = OpenAITrainer(TrainerSettings("own", "tuneloop", url, api_key=key))
    yield made
    made.close()


def put(trainer: Trainer, name: str, body: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {trainer.client.api_key}"}
    return httpx2.put(f"{trainer.client.base_url}aliases/{name}", json=body, headers=headers)


def test_a_name_follows_the_model_that_it_is_set_to(
    trainer: Trainer, models: list[str], adapter: OpenAITrainer
) -> None:
    for model in models:
        adapter.set_alias(NAME, model)
        answer = trainer.client.chat.completions.create(model=NAME, messages=[{"role": "user", "content": "Hello"}])
        direct = trainer.client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
        assert (answer.model, answer.choices[0].message.content) == (NAME, direct.choices[0].message.content)
        shown = trainer.client.models.retrieve(NAME)
        assert (shown.id, (shown.model_extra or {})["alias_of"]) == (NAME, model)
    assert [model.id for model in trainer.client.models.list()].count(NAME) == 1
    # It is no model of its own that could be tidied away.
    adapter.set_alias(NAME, models[0])
    trainer.client.delete("/aliases/" + NAME, cast_to=object)
    with pytest.raises(openai.NotFoundError):
        trainer.client.models.retrieve(NAME)
    assert trainer.client.models.retrieve(models[0]).id == models[0]


def test_a_name_whose_model_was_deleted_means_nothing(trainer: Trainer, adapter: OpenAITrainer) -> None:
    model = str(trainer.trained(calls(12)).fine_tuned_model)
    adapter.set_alias("tuneloop/lost", model)
    trainer.client.models.delete(model)
    with pytest.raises(openai.NotFoundError, match=f"no model '{model}' any more, which 'tuneloop/lost' means"):
        trainer.ask("tuneloop/lost", "Hello")
    assert "tuneloop/lost" not in {found.id for found in trainer.client.models.list()}


def test_a_name_is_removed_only_while_it_means_that_model(models: list[str], adapter: OpenAITrainer) -> None:
    name = "tuneloop/moved"
    adapter.set_alias(name, models[0])
    adapter.remove_alias(name, models[1])
    assert adapter.aliases()[name] == models[0]
    for _ in range(2):
        adapter.remove_alias(name, models[0])
        assert name not in adapter.aliases()


def test_a_name_for_no_model_is_refused(adapter: OpenAITrainer) -> None:
    with pytest.raises(TrainerRefused):
        adapter.set_alias(NAME, "ft:nobody")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("no-slash", {"model": BASE}, 400),
        ("tuneloop/with%20space", {"model": BASE}, 400),
        ("tuneloop/p", {"model": BASE}, 404),
        ("tuneloop/p", {"model": 3}, 400),
        ("tuneloop/p", {"model": BASE, "more": 1}, 400),
        ("tuneloop/p", ["model"], 400),
    ],
)
def test_a_request_that_is_wrong_is_refused_and_sets_nothing(
    trainer: Trainer, name: str, body: object, status: int
) -> None:
    assert put(trainer, name, body).status_code == status
    assert "tuneloop/p" not in {found.id for found in trainer.client.models.list()}


def test_without_the_key_nobody_sets_a_name(trainer: Trainer) -> None:
    assert httpx2.put(f"{trainer.client.base_url}aliases/{NAME}", json={"model": BASE}).status_code == 401
