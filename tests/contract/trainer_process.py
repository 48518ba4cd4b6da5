"""A real trainer in a process of its own, and the unmodified SDK to talk to it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.unit.trainer_lines import calls, jsonl

KEY = "key-of-the-tests"
BASE = "memory-base-1"
PATIENCE_S = 30.0
FINAL = {"succeeded", "failed", "cancelled"}


@dataclass(frozen=True)
class Trainer:
    """A trainer that listens."""

    process: "subprocess.Popen[str]"
    base_url: str
    client: OpenAI

    def upload(self, content: bytes, name: str = "lines.jsonl") -> str:
        return self.client.files.create(file=(name, content), purpose="fine-tune").id

    def create(self, lines: list[dict[str, Any]] | None = None, **options: Any) -> FineTuningJob:  # noqa: ANN401 - the SDK's own arguments
        training_file = self.upload(jsonl(calls(12) if lines is None else lines))
        return self.client.fine_tuning.jobs.create(**{"model": BASE, "training_file": training_file, **options})

    def wait(self, job_id: str, wanted: set[str] | None = None) -> FineTuningJob:
        """Poll a job until its status is one of the wanted ones, by default any final one."""
        wanted, deadline = wanted or FINAL, time.monotonic() + PATIENCE_S
        while (job := self.client.fine_tuning.jobs.retrieve(job_id)).status not in wanted:
            assert time.monotonic() < deadline, f"the job is still {job.status}"
            time.sleep(0.02)
        return job

    def trained(self, lines: list[dict[str, Any]] | None = None, **options: Any) -> FineTuningJob:  # noqa: ANN401 - as above
        return self.wait(self.create(lines, **options).id)

    def ask(self, model: str | None, text: str) -> str | None:
        assert model is not None
        answer = self.client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
        return answer.choices[0].message.content


@contextmanager
def running_trainer(folder: Path, *options: str, job_seconds: float = 0) -> Iterator[Trainer]:
    """Start a trainer on a data folder, and end it afterwards."""
    command = [sys.executable, "-m", "trainer", "--port", "0", "--api-key", KEY, "--data", str(folder)]
    command += ["--job-seconds", str(job_seconds), *options]
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.parent / f"{folder.name}.log"
    with (
        log.open("a") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip().rpartition(" ")[2]
            assert base_url, log.read_text()
            with OpenAI(api_key=KEY, base_url=base_url, max_retries=0, timeout=PATIENCE_S) as client:
                yield Trainer(process, base_url, client)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            finally:
                process.kill()
