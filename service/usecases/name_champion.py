"""Let a pipeline's stable name mean its champion, at trainers that have such names."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from service.domain.errors import ServiceError
from service.domain.stable_names import pipeline_named, stable_name
from service.usecases.model_lists import has_lost
from service.usecases.steps.parts import Parts


def champions_to_name(parts: Parts) -> list[str]:
    """Give the pipelines whose stable name does not mean their champion yet, or still means one somewhere else."""
    return [
        champion["pipeline"]
        for champion in parts.evaluations.to_be_named()
        if champion["named_for"] is not None or _has_names(champion["trainer"], parts)
    ]


def name_champion(pipeline: str, parts: Parts) -> bool:
    """Set the name and write it down; a promotion is long over by then, and never fails by this.

    Returns:
        Whether the name means the champion now; if not, there is none, its trainer has no such names, or another took
        its place meanwhile.

    Raises:
        ServiceError: The trainer did not do it; the sweep comes again.
    """
    champion = parts.evaluations.champion(pipeline)
    if champion is None:
        return False
    has_names = _has_names(champion["trainer"], parts)
    if has_names:
        connected = parts.account(champion["trainer"]).connect()
        try:
            connected.set_alias(stable_name(pipeline), champion["model"])
        except ServiceError:
            run = parts.runs.get(champion["run_id"])
            if has_lost(parts.account(champion["trainer"]), champion["model"], run):
                parts.evaluations.note_gone(champion, since=parts.clock(), now=parts.clock())
            raise
    elif champion["named_for"] is None:
        return False
    for trainer in _former_trainers(champion, parts):
        # One that is not reached must not keep the name from being known to be right here.
        with suppress(ServiceError):
            forget_names(trainer, parts)
    # Where there is no name it means nobody: the trainer may get such names later, and has to be asked then.
    return parts.evaluations.note_named(champion if has_names else {**champion, "position": None})


def name_at_once(pipeline: str, parts: Parts) -> None:
    """Set the name right after a change, if that can be done; the sweep comes where it cannot."""
    with suppress(ServiceError):
        name_champion(pipeline, parts)


def forget_names(trainer: str, parts: Parts) -> list[str]:
    """Remove the stable names at a trainer that still mean a former champion, though today's is at another one.

    A name that means a model of somebody else is left alone, and so is one that means the champion: two tables of the
    configuration may lead to one server.

    Returns:
        The names.

    Raises:
        ServiceError: The trainer did not do it; the next comparison comes again.
    """
    if not _has_names(trainer, parts):
        return []
    connected, forgotten = parts.account(trainer).connect(), []
    for name, model in connected.aliases().items():
        pipeline = pipeline_named(name)
        if pipeline is not None and _is_left_behind(pipeline, trainer, model, parts):
            connected.remove_alias(name, model)
            forgotten.append(name)
    return forgotten


def _has_names(trainer: str, parts: Parts) -> bool:
    return trainer in parts.accounts and parts.accounts[trainer].dialect.aliases


def _former_trainers(champion: Mapping[str, Any], parts: Parts) -> set[str]:
    history = parts.evaluations.champion_history(champion["pipeline"])
    return {row["trainer"] for row in history} - {champion["trainer"], None}


def _is_left_behind(pipeline: str, trainer: str, model: str, parts: Parts) -> bool:
    champion = parts.evaluations.champion(pipeline)
    if champion is None or champion["trainer"] == trainer or champion["model"] == model:
        return False
    history = parts.evaluations.champion_history(pipeline)
    return any((row["trainer"], row["model"]) == (trainer, model) for row in history)
