"""Where else a pipeline's examples could be trained: every model that the configuration names and that lasts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from service.domain.base_models import base_of
from service.domain.pipelines import Pipeline, TrainPolicy
from service.domain.runs import Run
from service.usecases.steps.parts import TrainerAccount
from service.usecases.sunset import Horizon, door_of, sunset_of

# Without a limit of the pipeline's own a replacement should still last this long.
_LEAST_DAYS = TrainPolicy("", "").min_days_left


@dataclass(frozen=True, slots=True)
class Replacement:
    """A model at a trainer; ``shutdown_on`` is None where no end is known."""

    trainer: str
    model: str
    shutdown_on: date | None = None


def replacements(
    run: Run, pipelines: Mapping[str, Pipeline], horizon: Horizon, *, least: int, now: datetime
) -> list[Replacement]:
    """Give what could be trained in the place of a run's model, one model a trainer, those that last longest first.

    Args:
        run: Whose model ends, and how it was trained.
        pipelines: Which models are trained where today.
        horizon: What is known of ends.
        least: So many days a replacement must have left.
        now: The moment.
    """
    found = []
    for name, account in horizon.accounts.items():
        if (run.fact("method") or "supervised") not in account.dialect.methods:
            continue
        lasting = [
            Replacement(name, model, sunset_of(name, model, horizon).shutdown_on)
            for model in dict.fromkeys(_models_at(account, base_of(run.model), pipelines))
            if (name, model) != (run.trainer, run.model)
            and not door_of(name, model, horizon, min_days_left=least, now=now)
        ]
        if lasting:
            found.append(max(lasting, key=_lasts))
    return sorted(found, key=_lasts, reverse=True)


def least_days(pipeline: Pipeline) -> int:
    """Give how long what takes a model's place must last."""
    return pipeline.train.min_days_left or _LEAST_DAYS


def command_for(pipeline: str, snapshot_id: str | None, replacement: Replacement | None) -> str:
    """Write the command that trains a snapshot elsewhere; with words in capitals for what nobody can know."""
    trainer, model = (replacement.trainer, replacement.model) if replacement else ("TRAINER", "MODEL")
    snapshot = (snapshot_id or "SNAPSHOT")[:16]
    return f"tuneloop runs start {pipeline} --snapshot {snapshot} --trainer {trainer} --model {model}"


def _models_at(account: TrainerAccount, base: str, pipelines: Mapping[str, Pipeline]) -> Iterator[str]:
    """Give the models that the configuration knows at a trainer, the likeliest first."""
    yield from (other.train.model for other in pipelines.values() if other.train.trainer == account.name)
    # What has a price or a last day of training is trained; what the file names is meant.
    dated = [name for name, end in account.sunsets.models.items() if end.training_ends or end.as_of is None]
    known = [*account.prices, *dated]
    if base in known:
        yield base
    yield from known


def _lasts(replacement: Replacement) -> date:
    return replacement.shutdown_on or date.max
