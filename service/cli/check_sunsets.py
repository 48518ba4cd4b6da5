"""The part of ``tuneloop check`` about ends: the model that a pipeline trains, and the one that serves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.bootstrap import Deps, now
from service.cli.check_labelbox import Checked
from service.domain.pipelines import Pipeline
from service.domain.stable_names import stable_name
from service.domain.sunsets import Sunset, sunset_reasons, threshold_of, when
from service.ports import ModelsSeen, RemoteModel, SeenModel
from service.usecases.dying import dying_champions
from service.usecases.model_lists import has_lost
from service.usecases.steps.parts import TrainerAccount
from service.usecases.sunset import champion_sunset, sunset_of
from service.usecases.watch_sunsets import look_at_models

Listed = Mapping[str, Mapping[str, RemoteModel]]
_REMEDY = "Name another trainer or model in [pipelines.{0}.train], see docs/sunset.md."


def check_sunsets(deps: Deps, listed: Listed) -> Iterator[Checked]:
    """Say how long each pipeline's model and champion are there.

    Args:
        deps: Everything.
        listed: By trainer and name, the models that trainers told of just now.
    """
    has_memory = _remembers(deps)
    if has_memory:
        # What is heard is remembered: a day that was taken back stands in nobody's way any more.
        look_at_models(deps.settings.pipelines, deps, clock=now, every=timedelta(0), trainers=listed)
    horizon = _Horizon(deps.accounts, deps.models_seen if has_memory else _JustSeen(listed))
    for alike in _alike(deps.settings.pipelines.values()):
        yield _model(alike, horizon)
    if has_memory:
        for pipeline in deps.settings.pipelines.values():
            yield from _champion(pipeline, deps, listed)


def _alike(pipelines: Iterable[Pipeline]) -> Iterable[list[Pipeline]]:
    """Put those together of which the same is to be said."""
    found: dict[tuple[str, str, int], list[Pipeline]] = {}
    for pipeline in pipelines:
        train = pipeline.train
        found.setdefault((train.trainer, train.model, train.min_days_left), []).append(pipeline)
    return found.values()


@dataclass(frozen=True, slots=True)
class _Horizon:
    accounts: Mapping[str, TrainerAccount]
    models_seen: ModelsSeen


@dataclass(frozen=True, slots=True)
class _JustSeen:
    """What trainers said just now, where there is no database yet; nothing is noted."""

    listed: Listed

    def note(self, trainer: str, model: str, found: RemoteModel | None, *, now: datetime) -> None:
        """See ``ModelsSeen``."""

    def find(self, trainer: str, model: str) -> SeenModel | None:
        """See ``ModelsSeen``."""
        found = self.listed.get(trainer, {}).get(model)
        return None if found is None else SeenModel(trainer, model, found.shutdown_on, known=True, at=now())


def _remembers(deps: Deps) -> bool:
    if deps.settings.database_url is None and not (deps.settings.data_folder / "tuneloop.db").exists():
        return False
    try:
        deps.models_seen.find("", "")
    except sa.exc.SQLAlchemyError:
        return False  # which has its own line
    return True


def _model(alike: Sequence[Pipeline], horizon: _Horizon) -> Checked:
    pipeline, names = alike[0], [pipeline.name for pipeline in alike]
    trainer, model, today = pipeline.train.trainer, pipeline.train.model, now().date()
    sunset, least = sunset_of(trainer, model, horizon), pipeline.train.min_days_left
    reasons = sunset_reasons(sunset, model=model, trainer=trainer, min_days_left=least, today=today)
    asked = "" if horizon.models_seen.find(trainer, model) else "; the trainer was not asked yet"
    return Checked(
        f"{', '.join(names)} model",
        ok=not reasons,
        text="; ".join(reason.text for reason in reasons) or f"{model} at {trainer} {_ends(sunset)}{asked}",
        remedy=_REMEDY.format("NAME" if names[1:] else names[0]) if reasons else "",
        is_note=not reasons and _is_near(sunset),
    )


def _champion(pipeline: Pipeline, deps: Deps, listed: Listed) -> Iterator[Checked]:
    champion = deps.evaluations.champion(pipeline.name)
    if champion is None:
        return
    if champion["gone_since"]:
        yield _gone(champion, "does not answer any more")
        return
    yield from _name(champion, deps, listed)
    if _is_lost(champion, deps, listed):
        yield _gone(champion, "is not there any more")
        return
    sunset, today = champion_sunset(champion, deps), now().date()
    left, least = sunset.days_left(today), pipeline.train.min_days_left
    near = dying_champions({pipeline.name: pipeline}, deps, within_days=None, now=now())
    ok = left is None or left >= least
    yield Checked(
        f"{pipeline.name} champion",
        ok=ok,
        text=f"{champion['model']} at {champion['trainer']} {when(sunset.shutdown_on, today)}{sunset.source}",
        remedy=near[0].advice if near and not ok else "",
        is_note=ok and bool(near),
    )


def _gone(champion: Mapping[str, Any], how: str) -> Checked:
    return Checked(
        f"{champion['pipeline']} champion",
        ok=False,
        text=f"{champion['model']} at {champion['trainer']} {how}",
        remedy=f"tuneloop models rollback {champion['pipeline']}",
    )


def _is_lost(champion: Mapping[str, Any], deps: Deps, listed: Listed) -> bool:
    """Say whether its trainer has it no more, which is asked once more where its list lacks it."""
    trainer, model = champion["trainer"], champion["model"]
    is_listed = model in listed.get(trainer, {model: None})
    return not is_listed and has_lost(deps.accounts.get(trainer), model, deps.runs.get(champion["run_id"]))


def _name(champion: Mapping[str, Any], deps: Deps, listed: Listed) -> Iterator[Checked]:
    """Say whether the stable name means the champion, where its trainer has such names."""
    account = deps.accounts.get(champion["trainer"])
    if account is None or not account.dialect.aliases:
        return
    name, is_set = stable_name(champion["pipeline"]), champion["named_for"] == champion["position"]
    if is_set and account.dialect.model_list == "complete" and name not in listed.get(account.name, {name: None}):
        yield Checked(
            f"{champion['pipeline']} stable name",
            ok=False,
            text=f"{account.name} does not know {name}, which should mean {champion['model']}",
            remedy="It has lost it, and perhaps the model: restore the trainer's data, or train and promote again.",
        )
        return
    yield Checked(
        f"{champion['pipeline']} stable name",
        ok=True,
        text=f"{name} {'means' if is_set else 'does not mean yet'} {champion['model']}",
        is_note=not is_set,
    )


def _ends(sunset: Sunset) -> str:
    training = f"; nobody can train it from {sunset.training_ends} on" if sunset.training_ends else ""
    return f"{when(sunset.shutdown_on, now().date())}{sunset.source}{training}"


def _is_near(sunset: Sunset) -> bool:
    today = now().date()
    training = None if sunset.training_ends is None else (sunset.training_ends - today).days
    return any(threshold_of(days) is not None for days in (sunset.days_left(today), training))
