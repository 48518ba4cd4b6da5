"""Where else a pipeline's examples could be trained: every model that the configuration names and that lasts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from service.domain.base_models import base_of
from service.domain.pipelines import Pipeline, TrainPolicy
from service.domain.runs import TERMINAL, Run, RunState
from service.usecases.model_lists import list_door
from service.usecases.steps.parts import TrainerAccount
from service.usecases.sunset import Past, door_of, sunset_of

# Without a limit of the pipeline's own a replacement should still last this long.
_LEAST_DAYS = TrainPolicy("", "").min_days_left
_JUDGED = frozenset({RunState.KEPT, RunState.PROMOTED})


@dataclass(frozen=True, slots=True)
class Replacement:
    """A model at a trainer; ``shutdown_on`` is None where no end is known."""

    trainer: str
    model: str
    shutdown_on: date | None = None


def replacements(
    run: Run, pipelines: Mapping[str, Pipeline], past: Past, *, least: int, now: datetime
) -> list[Replacement]:
    """Give what could be trained in the place of a run's model, one model a trainer, those that last longest first.

    What the same snapshot was trained on already is left out, and what its trainer did not have when it was last
    asked: to start that is refused.

    Args:
        run: Whose model ends, and how it was trained.
        pipelines: Which models are trained where today.
        past: What is known of ends, and the runs.
        least: So many days a replacement must have left.
        now: The moment.
    """
    found, done = [], {(other.trainer, other.model) for other in trained_already(run.snapshot_id, past)}
    for name, account in past.accounts.items():
        if (run.fact("method") or "supervised") not in account.dialect.methods:
            continue
        lasting = [
            Replacement(name, model, sunset_of(name, model, past).shutdown_on)
            for model in dict.fromkeys(_models_at(account, base_of(run.model), pipelines))
            if (name, model) not in {(run.trainer, run.model), *done}
            and not door_of(name, model, past, min_days_left=least, now=now)
            and not list_door(name, model, past)
        ]
        if lasting:
            found.append(max(lasting, key=_lasts))
    return sorted(found, key=_lasts, reverse=True)


def trained_already(snapshot_id: str | None, past: Past) -> list[Run]:
    """Give the runs that trained a snapshot or are at it, oldest first; not those that ended without a model."""
    runs = past.runs.of_snapshot(snapshot_id) if snapshot_id else []
    return [run for run in runs if run.is_paid_for]


def trained_elsewhere(run: Run, past: Past, *, least: int, now: datetime) -> Run | None:
    """Give the newest other run of the same examples that lasts and is under way, or was judged and can serve."""
    for other in reversed(trained_already(run.snapshot_id, past)):
        can_serve = other.state in _JUDGED and not other.fact("taken_down")
        is_elsewhere = (other.trainer, other.model) != (run.trainer, run.model)
        if (
            is_elsewhere
            and (can_serve or other.state not in TERMINAL)
            and not door_of(other.trainer, other.model, past, min_days_left=least, now=now)
        ):
            return other
    return None


def what_exists(run: Run) -> str:
    """Say what to do with a run that makes another needless."""
    if run.state in TERMINAL:
        return f"Trained at {run.trainer} already and judged, it lasts: tuneloop models promote {run.run_id}"
    return f"Under way: tuneloop runs show {run.run_id}"


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
