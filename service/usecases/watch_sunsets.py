"""Ask the trainers when the models in use end, and tell people early."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeGuard

from service.domain.errors import NotFound, ServiceError
from service.domain.notices import Notice
from service.domain.pipelines import Pipeline
from service.domain.sunsets import threshold_of, when
from service.ports import Clock, EvaluationStore, NoticeStore
from service.usecases.dying import dying_champions
from service.usecases.model_lists import look_at_model
from service.usecases.sunset import Past, sunset_of

ASKED_EVERY = timedelta(days=1)


class Watched(Past, Protocol):
    """What is watched, and who is told."""

    @property
    def evaluations(self) -> EvaluationStore:
        """The champions."""

    @property
    def notices(self) -> NoticeStore:
        """What people should hear of."""


def look_at_models(
    pipelines: Mapping[str, Pipeline],
    watched: Watched,
    *,
    clock: Clock,
    every: timedelta = ASKED_EVERY,
    trainers: Collection[str] | None = None,
) -> dict[str, ServiceError]:
    """Ask about each model in use, and each that would take the place of one, that nobody asked about lately.

    Args:
        pipelines: Whose models.
        watched: What is remembered.
        clock: The time.
        every: What was said for so long counts; zero asks about all.
        trainers: Only these, if any are named.

    Returns:
        By trainer, why one could not be asked.
    """
    failed: dict[str, ServiceError] = {}
    for trainer, model in dict.fromkeys((*_in_use(pipelines, watched), *_next(pipelines, watched, clock()))):
        seen = watched.models_seen.find(trainer, model)
        is_asked = trainers is None or trainer in trainers
        if not is_asked or trainer in failed or (seen and clock() < seen.at + every):
            continue
        try:
            if trainer not in watched.accounts:
                raise NotFound(f"trainer {trainer} is no longer configured", remedy="Put it back to know its dates.")
            found = look_at_model(watched.accounts[trainer], model, watched).found
        except ServiceError as error:
            failed[trainer] = error
        else:
            watched.models_seen.note(trainer, model, found, now=clock())
            # Of a server that never listed it, as one that tells nothing of models, its absence says nothing.
            if seen is not None and seen.known != (found is not None):
                _note_champion(trainer, model, pipelines, watched, now=clock(), is_there=found is not None)
    return failed


def warn_of_ends(pipelines: Mapping[str, Pipeline], watched: Watched, *, now: datetime) -> list[Notice]:
    """Put a notice for each end that has come near; one a model and threshold.

    Returns:
        Those that nobody has heard of yet.
    """
    notices = [*_of_champions(pipelines, watched, now), *_of_bases(pipelines, watched, now)]
    return [notice for notice in notices if watched.notices.put(notice, now=now)]


def _in_use(pipelines: Mapping[str, Pipeline], watched: Watched) -> Iterator[tuple[str, str]]:
    for name, pipeline in pipelines.items():
        yield pipeline.train.trainer, pipeline.train.model
        if champion := watched.evaluations.champion(name):
            yield champion["trainer"], champion["model"]
            yield champion["trainer"], watched.runs.get(champion["run_id"]).model


def _next(pipelines: Mapping[str, Pipeline], watched: Watched, now: datetime) -> Iterator[tuple[str, str]]:
    """Give what would be proposed in the place of a dying champion: a command that is refused helps nobody."""
    for dying in dying_champions(pipelines, watched, within_days=None, now=now):
        for other in dying.others:
            yield other.trainer, other.model


def _note_champion(
    trainer: str, model: str, pipelines: Mapping[str, Pipeline], watched: Watched, *, now: datetime, is_there: bool
) -> None:
    for name in pipelines:
        champion = watched.evaluations.champion(name)
        if champion and (champion["trainer"], champion["model"]) == (trainer, model):
            watched.evaluations.note_gone(champion, since=None if is_there else now, now=now)


def _of_champions(pipelines: Mapping[str, Pipeline], watched: Watched, now: datetime) -> Iterator[Notice]:
    for dying in dying_champions(pipelines, watched, within_days=None, now=now):
        text = f"It is the champion of {dying.pipeline}. {dying.advice}"
        yield _dies(dying.trainer, dying.model, dying.shutdown_on, now, text=text, pipelines=[dying.pipeline])


def _of_bases(pipelines: Mapping[str, Pipeline], watched: Watched, now: datetime) -> Iterator[Notice]:
    """Warn of what the next runs would train, once however many pipelines do."""
    training: dict[tuple[str, str], list[str]] = {}
    for name, pipeline in pipelines.items():
        training.setdefault((pipeline.train.trainer, pipeline.train.model), []).append(name)
    for (trainer, model), names in training.items():
        sunset = sunset_of(trainer, model, watched)
        tables = ", ".join(f"[pipelines.{name}.train]" for name in names)
        text = f"{', '.join(names)} would train it next: name another trainer or model in {tables}."
        if _is_near(sunset.shutdown_on, now):
            yield _dies(trainer, model, sunset.shutdown_on, now, text=text, pipelines=names)
        if _is_near(sunset.training_ends, now):
            title = f"Nobody can train {model} at {trainer} from {sunset.training_ends} on"
            facts = _facts(trainer, model, sunset.training_ends, now, names)
            yield _notice("training_ends", title, text, facts)


def _is_near(ends_on: date | None, now: datetime) -> TypeGuard[date]:
    return ends_on is not None and threshold_of((ends_on - now.date()).days) is not None


def _dies(trainer: str, model: str, ends_on: date, now: datetime, *, text: str, pipelines: list[str]) -> Notice:
    title = f"{model} at {trainer} {when(ends_on, now.date())}"
    return _notice("model_dying", title, text, _facts(trainer, model, ends_on, now, pipelines))


def _facts(trainer: str, model: str, ends_on: date, now: datetime, pipelines: list[str]) -> dict[str, Any]:
    left = (ends_on - now.date()).days
    return {"trainer": trainer, "model": model, "ends_on": f"{ends_on}", "days_left": left, "pipelines": pipelines}


def _notice(kind: str, title: str, text: str, facts: dict[str, Any]) -> Notice:
    # The day is part of the key: an end that was put off is told again when it comes near.
    key = f"{facts['trainer']}/{facts['model']} {facts['ends_on']} {threshold_of(facts['days_left'])}"
    pipelines = facts["pipelines"]
    return Notice(kind, key, title, text, pipelines[0] if len(pipelines) == 1 else None, facts)
