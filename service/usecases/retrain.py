"""Start a run on a snapshot that was frozen before, at any trainer: the same examples, another model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.domain.errors import ConfigurationError, ServiceError
from service.domain.pipelines import Pipeline
from service.domain.runs import RETRAINING, Run
from service.domain.snapshots import Snapshot, sizes_of
from service.domain.triggers import Reason, blocks_manual_start
from service.usecases.doors import ask_whether_listed, gather_doors
from service.usecases.start_run import new_run, opened_by_hand, refuse, with_facts
from service.usecases.steps.paid_once import require_first
from service.usecases.steps.parts import Parts, TrainerAccount

# What servers of most dialects know; the others' own mean nothing elsewhere.
_KNOWN_EVERYWHERE = frozenset({"n_epochs", "batch_size", "learning_rate_multiplier"})


class CannotRetrain(ServiceError):
    """This snapshot cannot be trained there."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """What a person wants.

    Attributes:
        snapshot: A snapshot's id or the beginning of it.
        pipeline: Whose it is; the snapshot says it too.
        trainer: The pipeline's own where none is named.
        model: The pipeline's own where none is named, at the pipeline's own trainer.
        despite_sunset: Whether although the model is about to shut down.
        despite_list: Whether although the trainer's list does not have the model.
        again: Whether although the snapshot was trained on this model before.
    """

    snapshot: str
    pipeline: str | None = None
    trainer: str | None = None
    model: str | None = None
    despite_sunset: bool = False
    despite_list: bool = False
    again: bool = False


def retrain(wanted: Retraining, parts: Parts) -> Run:
    """Start a run on a snapshot: through every door but those of the trigger.

    Raises:
        CannotRetrain: Snapshot, pipeline, trainer and model do not fit together.
        TrainedAlready: The same was trained before; nothing is paid twice unseen.
        RunNotStarted: A run is open, the snapshot is too small, or the model is unknown or shuts down too soon.
        CorruptFile: The snapshot's manifest is lost.
    """
    snapshot = parts.archive.snapshots.get(wanted.snapshot)
    pipeline = _pipeline_of(snapshot, wanted, parts)
    account, model = _target(pipeline, wanted, parts)
    method = _method_of(snapshot, account)
    counts = parts.archive.examples.counts(pipeline.name)
    settings = _settings_at(account, pipeline, parts)
    despite = {"despite_sunset": wanted.despite_sunset, "despite_list": wanted.despite_list}
    facts = {"method": method, "new_examples": 0, **despite, "again": wanted.again}
    run = replace(
        with_facts(new_run(pipeline, counts, RETRAINING, now=parts.clock()), **facts, **settings),
        snapshot_id=snapshot.snapshot_id,
        watermark=snapshot.watermark,
        trainer=account.name,
        model=model,
    )
    there = _trained_at(pipeline, account.name, model, settings)
    unlisted = ask_whether_listed(there, parts, now=parts.clock(), despite_list=wanted.despite_list)
    # The doors first: who is told to pay a second time must not be sent away then.
    refuse(_shut(wanted, snapshot, there, parts, unlisted=unlisted), pipeline)
    require_first(snapshot.snapshot_id, run, parts.runs)
    return opened_by_hand(run, parts)


def doors_shut(wanted: Retraining, parts: Parts) -> tuple[Reason, ...]:
    """Give what ``retrain`` would be refused for now, as far as it is known without asking a trainer."""
    snapshot = parts.archive.snapshots.get(wanted.snapshot)
    pipeline = _pipeline_of(snapshot, wanted, parts)
    account, model = _target(pipeline, wanted, parts)
    there = _trained_at(pipeline, account.name, model, _settings_at(account, pipeline, parts))
    return _shut(wanted, snapshot, there, parts, unlisted=None)


def _shut(
    wanted: Retraining, snapshot: Snapshot, pipeline: Pipeline, parts: Parts, *, unlisted: tuple[Reason, ...] | None
) -> tuple[Reason, ...]:
    """Give every door that is shut for training this snapshot: what is frozen counts, not what stands now."""
    counts = parts.archive.examples.counts(pipeline.name)
    sizes, tokens = sizes_of(snapshot.files), snapshot.files["train"].tokens
    frozen = replace(
        counts,
        train=sizes["train"],
        validation=sizes["validation"],
        held_out=sizes["held_out"],
        prompts=0,
        train_tokens=tokens,
    )
    # The lines' tokens include the system text's.
    counted = replace(pipeline, system=None)
    now = parts.clock()
    doors = gather_doors(counted, frozen, parts, now=now, despite_sunset=wanted.despite_sunset, unlisted=unlisted)
    return blocks_manual_start(pipeline.dataset, frozen, more=doors.shut)


def _trained_at(pipeline: Pipeline, trainer: str, model: str, settings: Mapping[str, Any]) -> Pipeline:
    """Give the pipeline as if it trained there."""
    there = replace(pipeline.train, trainer=trainer, model=model, hyperparameters=settings["hyperparameters"])
    return replace(pipeline, train=there)


def _pipeline_of(snapshot: Snapshot, wanted: Retraining, parts: Parts) -> Pipeline:
    name = snapshot.pipeline
    if wanted.pipeline not in {None, name}:
        raise CannotRetrain(
            f"snapshot {snapshot.snapshot_id[:16]} is of {name}, not of {wanted.pipeline}",
            remedy=f"Leave the pipeline out, or choose among tuneloop datasets list --pipeline {wanted.pipeline}.",
        )
    if name not in parts.pipelines:
        raise CannotRetrain(
            f"pipeline {name} of snapshot {snapshot.snapshot_id[:16]} is not configured",
            remedy=f"Put [pipelines.{name}] back: it says how the model is judged.",
        )
    return parts.pipelines[name]


def _target(pipeline: Pipeline, wanted: Retraining, parts: Parts) -> tuple[TrainerAccount, str]:
    own = pipeline.train
    trainer = wanted.trainer or own.trainer
    if trainer not in parts.accounts:
        raise ConfigurationError(f"no trainer {trainer!r}", remedy=f"There are: {', '.join(parts.accounts)}")
    model = wanted.model or (own.model if trainer == own.trainer else None)
    if not model:
        raise ConfigurationError(
            f"no model is named for trainer {trainer}", remedy="Give --model: a base model that this trainer trains."
        )
    return parts.accounts[trainer], model


def _method_of(snapshot: Snapshot, account: TrainerAccount) -> str:
    """Give how these lines are trained: what is frozen stays as it was written."""
    form = snapshot.head["form"]
    method = "preference" if form == "preference" else "supervised"
    if method not in account.dialect.methods:
        raise CannotRetrain(
            f"snapshot {snapshot.snapshot_id[:16]} holds {form} lines, and {account.name} trains only "
            f"{', '.join(account.dialect.methods)}",
            remedy="Name a trainer of another dialect: tuneloop.example.toml lists them.",
        )
    return method


def _settings_at(account: TrainerAccount, pipeline: Pipeline, parts: Parts) -> Mapping[str, Any]:
    """Give the pipeline's settings of a job as far as this trainer understands them."""
    given = pipeline.train.hyperparameters
    usual = parts.accounts.get(pipeline.train.trainer)
    if usual is None or usual.dialect != account.dialect:
        known = _KNOWN_EVERYWHERE - account.dialect.unknown_hyperparameters
        given = {name: value for name, value in given.items() if name in known}
    return {"hyperparameters": dict(given), "suffix": account.dialect.fitting_suffix(pipeline.train.suffix)}
