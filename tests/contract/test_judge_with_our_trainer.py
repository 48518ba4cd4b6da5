"""A judge as it is asked in earnest: the OpenAI SDK against our own server, over a real socket."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.adapters.openai_trainer import OpenAITrainer
from service.config import TrainerSettings
from service.domain.judging.duels import Duel, read_judgement, requests_of, value_of
from service.domain.metric_specs import JudgeSpec
from service.domain.questions import question_in
from tests.contract.openai_script import run

ROOT = Path(__file__).parents[2]
BASE = "memory-base-1"
QUESTION = question_in(
    [{"role": "user", "content": "Chat: where is my parcel?"}, {"role": "assistant", "content": "It is late."}]
)
DUEL = Duel(QUESTION, "The customer asks about a late parcel.", "Jane asks about a parcel.")


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAITrainer]:
    options = ["--port", "0", "--api-key", "k", "--job-seconds", "0", "--data", str(tmp_path_factory.mktemp("judge"))]
    command = [sys.executable, "-m", "trainer", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[-1]
        trainer = OpenAITrainer(TrainerSettings("own", "tuneloop", base_url, api_key=SecretStr("k"), max_tokens=50))
        yield trainer
        trainer.close()
        process.terminate()


def taught(trainer: OpenAITrainer, spec: JudgeSpec) -> str:
    """Train a model that has learned by heart what to reply to both orders of the duel; give its name."""
    replies = zip(requests_of(spec, DUEL), ("A", "B"), strict=True)
    # The server wants ten lines; the others are about something else.
    others = ([{"role": "user", "content": f"Say {n}."}, {"role": "assistant", "content": "tie"}] for n in range(10))
    chats = [[*request.messages, {"role": "assistant", "content": reply}] for request, reply in replies]
    content = b"".join(json.dumps({"messages": chat}).encode() + b"\n" for chat in [*chats, *others])
    training_file = trainer.upload("judge.jsonl", io.BytesIO(content), len(content))
    ours = replace(run(), run_id="run-judge", model=BASE)
    job_id = trainer.create_job(ours, training_file=training_file, validation_file=None).job_id
    give_up_at = time.monotonic() + 60
    while (job := trainer.job(job_id)).outcome == "open":
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return str(job.tuned_model)


def test_a_judge_is_asked_in_both_orders_and_its_replies_are_read(trainer: OpenAITrainer) -> None:
    # The name is part of no prompt, so the judge may be trained before it has one.
    spec = JudgeSpec("own", "not known yet", "Which leaves out personal data?")
    model = taught(trainer, spec)
    answers = [trainer.answer(model, request.messages) for request in requests_of(spec, DUEL)]
    choices = [read_judgement(answer.text) for answer in answers]
    assert choices == ["A", "B"]
    assert value_of(choices) == 1.0
    assert all(answer.prompt_tokens > 0 for answer in answers)


def test_a_model_that_chats_instead_of_judging_is_unreadable(trainer: OpenAITrainer) -> None:
    (request, _) = requests_of(JudgeSpec("own", BASE, "Which is better?"), DUEL)
    assert read_judgement(trainer.answer(BASE, request.messages).text) == "unreadable"
