"""The demo's stage: a folder of its own, a configuration, and every process on a free port."""

import json
import os
import secrets
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.bootstrap import Deps
from service.cli.processes import answers_http, start_service
from service.cli.supervisor import Program, Supervisor
from service.cli.valkey import free_port
from service.config import load

PIPELINE = "support-summaries"
BASE_MODEL = "memory-base-1"
# Never "the current price": a date stands beside it wherever it is shown.
PRICED_AS = "gpt-4.1-mini-2025-04-14"

CONFIGURATION = """\
# Written by tuneloop demo.
[service]
sweep_every = "1s"
reconcile_every = "6s"
reconcile_overlap = "1m"
claim_after = "3s"
poll_every = "1s"
workers = 2

[trainers.local]
dialect = "tuneloop"
base_url = "{trainer}/v1"
api_key_env = "TUNELOOP_TRAINER_API_KEY"
webhook_secret_env = "TUNELOOP_TRAINER_WEBHOOK_SECRET"

[pipelines.{pipeline}]
system = "Given a chat log, summarize it and remove personally identifiable information."

[pipelines.{pipeline}.labels]
project = "{project}"

[pipelines.{pipeline}.trigger]
threshold = {threshold}
quiet = "1s"
max_wait = "5s"
cooldown = "0s"

[pipelines.{pipeline}.dataset]
held_out_percent = 30              # so that the first verdict, on some sixty labels, has enough to go by

[pipelines.{pipeline}.train]
trainer = "local"
model = "{model}"

[pipelines.{pipeline}.verdict]
primary = "pii_leak"
guard = ["chrf"]
guard_margin = 5                   # what a summary's wording may lose for repeating no personal data
promote = "automatic"
"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The stand-in Labelbox, by its control API."""

    address: str
    api_key: str

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Ask the control API; with a body it is a POST."""
        request = urllib.request.Request(  # noqa: S310 - an address we made ourselves
            f"{self.address}/sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return json.load(answer)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the demo plays with."""

    folder: Path
    deps: Deps
    sandbox: Sandbox
    project: str
    threshold: int


def set_stage(folder: Path, supervisor: Supervisor, *, seed: int, rows: int, threshold: int) -> Stage:
    """Start sandbox and trainer, write the configuration and start the service's own processes.

    Args:
        folder: Where everything is kept.
        supervisor: Keeps the processes.
        seed: Of the chats, the labelers and the faults.
        rows: How many data rows the project has for the labelers.
        threshold: New examples that start a run.
    """
    web_port, trainer_port, sandbox_port = free_port(), free_port(), free_port()
    environment = {
        "TUNELOOP_CONFIG": str(folder / "tuneloop.toml"),
        "TUNELOOP_DATA": str(folder / "data"),
        "TUNELOOP_PORT": str(web_port),
        "TUNELOOP_LABELBOX_ENDPOINT": f"http://127.0.0.1:{sandbox_port}/graphql",
        "LABELBOX_API_KEY": secrets.token_hex(16),
        "LABELBOX_WEBHOOK_SECRET": secrets.token_hex(32),
        "TUNELOOP_TRAINER_API_KEY": secrets.token_hex(16),
        "TUNELOOP_TRAINER_WEBHOOK_SECRET": "whsec_" + b64encode(secrets.token_bytes(32)).decode(),
    }
    sandbox = Sandbox(f"http://127.0.0.1:{sandbox_port}", environment["LABELBOX_API_KEY"])
    supervisor.start(_sandbox_program(sandbox_port, environment, seed=seed, rows=rows, web_port=web_port))
    supervisor.start(_trainer_program(trainer_port, environment, folder=folder, web_port=web_port))
    project = sandbox.call("state")["projects"][0]["id"]
    text = CONFIGURATION.format(
        trainer=f"http://127.0.0.1:{trainer_port}",
        pipeline=PIPELINE,
        project=project,
        threshold=threshold,
        model=BASE_MODEL,
    )
    (folder / "tuneloop.toml").write_text(text, encoding="utf-8")
    redis = start_service(supervisor, load({**_clean_environment(), **environment}), environment)
    # Built anew, because only now the address of Redis is known.
    settings = load({**_clean_environment(), **environment, "TUNELOOP_REDIS_URL": redis})
    return Stage(folder, Deps(settings), sandbox, project, threshold)


def _clean_environment() -> dict[str, str]:
    """Give the environment without anybody's own configuration of this service."""
    ours = ("TUNELOOP_", "LABELBOX_", "OPENAI_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _sandbox_program(port: int, environment: Mapping[str, str], *, seed: int, rows: int, web_port: int) -> Program:
    options = {
        "--port": port,
        "--api-key": environment["LABELBOX_API_KEY"],
        "--seed": seed,
        "--scenario": "support-chats",
        "--rows": rows,
        "--webhook-url": f"http://127.0.0.1:{web_port}/webhooks/labelbox",
        "--webhook-secret": environment["LABELBOX_WEBHOOK_SECRET"],
        "--doubled": 0.1,
        "--lost": 0.05,
        "--delayed": 0.1,
        "--reordered": 0.05,
    }
    return _server("labelbox", "sandbox", port, options, {}, note=" (the sandbox, simulated labelers)")


def _trainer_program(port: int, environment: Mapping[str, str], *, folder: Path, web_port: int) -> Program:
    options = {
        "--port": port,
        "--data": folder / "trainer",
        "--job-seconds": 3,
        "--webhook-url": f"http://127.0.0.1:{web_port}/webhooks/openai",
    }
    names = ("TUNELOOP_TRAINER_API_KEY", "TUNELOOP_TRAINER_WEBHOOK_SECRET")
    given = {name: environment[name] for name in names}
    return _server("trainer", "trainer", port, options, given, note=" (our own, engine memory)")


def _server(
    name: str, module: str, port: int, options: Mapping[str, object], environment: Mapping[str, str], *, note: str
) -> Program:
    address = f"http://127.0.0.1:{port}"
    arguments = [str(part) for pair in options.items() for part in pair]
    health = f"{address}/sandbox/ready" if module == "sandbox" else f"{address}/healthz"
    return Program(
        name,
        [sys.executable, "-m", module, *arguments],
        address + note,
        environment,
        is_ready=lambda: answers_http(health),
    )
