"""How a tuned model comes to answer where training alone does not do it: by a command, a person, or another name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.domain.runs import Run

PLACEHOLDERS = ("model", "name", "run", "job", "base", "suffix", "pipeline")
# One of these must be in a name: two runs whose models had one name could not be told apart by their answers.
UNIQUE = ("run", "job", "model")
# What servers use in model and deployment names; a stray line of a program's output is none of it.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,254}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What follows a training at one trainer, keys of ``[trainers.NAME]``.

    Attributes:
        deploy: The command and its arguments, with placeholders; empty where none is run.
        by_hand: Whether a person deploys and then approves the run.
        undeploy: The command that takes down the model of a run that lost; empty for none.
        inference_model: The name that the model is asked by, with placeholders; None is ``tuneloop-RUN``.
        timeout: How long a command may take.
    """

    deploy: tuple[str, ...] = ()
    by_hand: bool = False
    undeploy: tuple[str, ...] = ()
    inference_model: str | None = None
    timeout: timedelta = timedelta(minutes=5)

    @property
    def is_needed(self) -> bool:
        """Whether a run has a step between training and evaluating."""
        return bool(self.deploy or self.by_hand or self.inference_model)

    def name_for(self, run: Run) -> str:
        """Give the name that this run's model is deployed under: always the same one, however often it is tried."""
        if self.inference_model is None:
            return "tuneloop-" + run.run_id.removeprefix("run-")
        return filled(self.inference_model, _facts(run))

    def command_for(self, run: Run, command: Sequence[str]) -> list[str]:
        """Give a command with its placeholders filled; what is filled in is never split into further arguments."""
        values = {**_facts(run), "name": run.fact("inference_model") or self.name_for(run)}
        return [filled(argument, values) for argument in command]


def deploys_by_hand(trainer: str) -> str:
    """Say what people should know of such a trainer before a training is paid for."""
    return (
        f"{trainer} deploys nothing by itself: once the training is paid for, the run waits until a person has "
        f"deployed its model; a command in [trainers.{trainer}] deploy does it unattended"
    )


def placeholders(text: str) -> list[str]:
    """Give the names in braces that a text holds."""
    return _PLACEHOLDER.findall(text)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their names; a name without one is left as it is."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def is_model_name(text: str) -> bool:
    """Say whether a model may be called so, which most other lines of a program's output may not."""
    return _NAME.fullmatch(text) is not None


def _facts(run: Run) -> dict[str, str]:
    return {
        "model": run.tuned_model or "",
        "run": run.run_id,
        "job": run.job_id or "",
        "base": run.model,
        "suffix": str(run.fact("suffix") or ""),
        "pipeline": run.pipeline,
    }
