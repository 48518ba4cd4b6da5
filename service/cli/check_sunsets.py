"""The part of ``tuneloop check`` about ends: the model that a pipeline trains, and the one that serves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.bootstrap import Deps, now
from service.cli.check_labelbox import Checked
from service.domain.pipelines import Pipeline
from service.domain.stable_names import stable_name
from service.domain.sunsets import Sunset, sunset_reasons, threshold_of, when
from service.ports import ModelsSeen, RemoteModel
from service.usecases.dying import dying_champions
from service.usecases.steps.parts import TrainerAccount
from service.usecases.sunset import champion_sunset, sunset_of

_REMEDY = "Name another trainer or model in [pipelines.{0}.train], see docs/sunset.md."


def check_sunsets(deps: Deps) -> Iterator[Checked]:
    """Say how long each pipeline's model and champion are there, by what is known without asking a trainer."""
    has_memory = _remembers(deps)
    horizon = _Horizon(deps.accounts, deps.models_seen if has_memory else _NobodyAsked())
    for pipeline in deps.settings.pipelines.values():
        yield _model(pipeline, horizon)
        if has_memory:
            yield from _champion(pipeline, deps)


@dataclass(frozen=True, slots=True)
class _Horizon:
    accounts: Mapping[str, TrainerAccount]
    models_seen: ModelsSeen


class _NobodyAsked:
    """What is remembered before there is a database."""

    def note(self, trainer: str, model: str, found: RemoteModel | None, *, now: datetime) -> None:
        """See ``ModelsSeen``."""

    def find(self, trainer: str, model: str) -> None:
        """See ``ModelsSeen``."""


def _remembers(deps: Deps) -> bool:
    if deps.settings.database_url is None and not (deps.settings.data_folder / "tuneloop.db").exists():
        return False
    try:
        deps.models_seen.find("", "")
    except sa.exc.SQLAlchemyError:
        return False  # which has its own line
    return True


def _model(pipeline: Pipeline, horizon: _Horizon) -> Checked:
    trainer, model, today = pipeline.train.trainer, pipeline.train.model, now().date()
    sunset, least = sunset_of(trainer, model, horizon), pipeline.train.min_days_left
    reasons = sunset_reasons(sunset, model=model, trainer=trainer, min_days_left=least, today=today)
    asked = "" if horizon.models_seen.find(trainer, model) else "; the trainer was not asked yet"
    return Checked(
        f"{pipeline.name} model",
        ok=not reasons,
        text="; ".join(reason.text for reason in reasons) or f"{model} at {trainer} {_ends(sunset)}{asked}",
        remedy=_REMEDY.format(pipeline.name) if reasons else "",
        is_note=not reasons and _is_near(sunset),
    )


def _champion(pipeline: Pipeline, deps: Deps) -> Iterator[Checked]:
    champion = deps.evaluations.champion(pipeline.name)
    if champion is None:
        return
    if champion["gone_since"]:
        yield Checked(
            f"{pipeline.name} champion",
            ok=False,
            text=f"{champion['model']} at {champion['trainer']} does not answer any more",
            remedy=f"tuneloop models rollback {pipeline.name}",
        )
        return
    yield from _name(champion, deps)
    sunset, today = champion_sunset(champion, deps), now().date()
    left, least = sunset.days_left(today), pipeline.train.min_days_left
    near = dying_champions({pipeline.name: pipeline}, deps, within_days=None, now=now())
    ok = left is None or left >= least
    yield Checked(
        f"{pipeline.name} champion",
        ok=ok,
        text=f"{champion['model']} at {champion['trainer']} {when(sunset.shutdown_on, today)}",
        remedy=near[0].advice if near and not ok else "",
        is_note=ok and bool(near),
    )


def _name(champion: Mapping[str, Any], deps: Deps) -> Iterator[Checked]:
    """Say whether the stable name means the champion, where its trainer has such names."""
    account = deps.accounts.get(champion["trainer"])
    if account is None or not account.dialect.aliases:
        return
    is_set = champion["named_for"] == champion["position"]
    yield Checked(
        f"{champion['pipeline']} stable name",
        ok=True,
        text=f"{stable_name(champion['pipeline'])} {'means' if is_set else 'does not mean yet'} {champion['model']}",
        is_note=not is_set,
    )


def _ends(sunset: Sunset) -> str:
    training = f"; nobody can train it from {sunset.training_ends} on" if sunset.training_ends else ""
    return f"{when(sunset.shutdown_on, now().date())}{training}"


def _is_near(sunset: Sunset) -> bool:
    today = now().date()
    training = None if sunset.training_ends is None else (sunset.training_ends - today).days
    return any(threshold_of(days) is not None for days in (sunset.days_left(today), training))
