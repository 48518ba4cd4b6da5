"""How long models are there: what is written down, and what the trainers said themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from service.domain.pipelines import Pipeline
from service.domain.sunsets import Sunset, Sunsets, sunset_reasons
from service.domain.triggers import Reason
from service.ports import ModelsSeen, RunStore
from service.usecases.steps.parts import TrainerAccount


class Horizon(Protocol):
    """What is known of ends."""

    @property
    def models_seen(self) -> ModelsSeen:
        """What trainers said of their models."""

    @property
    def accounts(self) -> Mapping[str, TrainerAccount]:
        """The trainers."""


class Past(Horizon, Protocol):
    """The same, and the runs, which know what a model was tuned from."""

    @property
    def runs(self) -> RunStore:
        """The runs."""


def sunset_of(trainer: str, model: str, horizon: Horizon) -> Sunset:
    """Give how long a model is there, as far as it is known without asking anybody."""
    account = horizon.accounts.get(trainer)
    seen = horizon.models_seen.find(trainer, model)
    sunsets = account.sunsets if account else Sunsets()
    return sunsets.of(model, seen=seen.shutdown_on, told_at=seen.at) if seen else sunsets.of(model)


def champion_sunset(champion: Mapping[str, Any], past: Past) -> Sunset:
    """Give how long a champion is there: it ends with the model that it was tuned from, whatever its name."""
    trainer = champion["trainer"]
    own = sunset_of(trainer, champion["model"], past)
    base = sunset_of(trainer, past.runs.get(champion["run_id"]).model, past)
    return min(own, base, key=lambda sunset: sunset.shutdown_on.toordinal() if sunset.shutdown_on else _NEVER)


def sunset_door(pipeline: Pipeline, horizon: Horizon, *, now: datetime) -> tuple[Reason, ...]:
    """Give what speaks against training a pipeline's model now."""
    trainer, model = pipeline.train.trainer, pipeline.train.model
    return door_of(trainer, model, horizon, min_days_left=pipeline.train.min_days_left, now=now)


def door_of(trainer: str, model: str, horizon: Horizon, *, min_days_left: int, now: datetime) -> tuple[Reason, ...]:
    """Give what speaks against training any model anywhere now."""
    found = sunset_of(trainer, model, horizon)
    return sunset_reasons(found, model=model, trainer=trainer, min_days_left=min_days_left, today=now.date())


_NEVER = 10_000_000
