"""The part of ``tuneloop check`` that asks each trainer, once: whether it answers to our key, and has the models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.bootstrap import Deps
from service.cli.check_labelbox import Checked
from service.config import TrainerSettings
from service.domain.deployments import deploys_by_hand
from service.domain.errors import ServiceError, TrainerBusy, TrainerUnreachable
from service.domain.metric_specs import JudgeSpec
from service.domain.model_names import closest, not_listed
from service.domain.pipelines import Pipeline
from service.ports import RemoteModel

_LIST = "If the trainer has it all the same, say model_list = 'partial' in [trainers.{}]."
_ADDRESS = "base_url in [trainers.{}]: it ends with the version, such as https://api.example.com/v1."


@dataclass(frozen=True, slots=True)
class Told:
    """What one trainer said; ``models`` by name, None where it said nothing of them."""

    checked: Checked
    models: Mapping[str, RemoteModel] | None = None


def ask_trainers(deps: Deps) -> dict[str, Told]:
    """Ask each trainer of the configuration for its models."""
    return {name: _ask(trainer, deps) for name, trainer in deps.settings.trainers.items()}


def check_trainers(deps: Deps, told: Mapping[str, Told]) -> Iterator[Checked]:
    """Say how each trainer answered, whether it has the models in use, and what a person will have to do there."""
    uses = _uses(deps.settings.pipelines)
    for name, trainer in deps.settings.trainers.items():
        yield told[name].checked
        for model, users in uses.get(name, {}).items():
            if told[name].models is not None:
                yield _model(trainer, model, users, told[name].models or {})
        if trainer.deployment.by_hand and any(one.train.trainer == name for one in deps.settings.pipelines.values()):
            yield Checked(f"trainer {name} deploy", ok=True, text=deploys_by_hand(name), is_note=True)


def _ask(trainer: TrainerSettings, deps: Deps) -> Told:
    name = f"trainer {trainer.name}"
    if trainer.api_key_env and trainer.api_key is None:
        return Told(Checked(name, ok=True, text=f"not asked: {trainer.api_key_env} is not set", is_note=True))
    try:
        found = deps.accounts[trainer.name].connect().models()
    except TrainerBusy as error:
        return Told(Checked(name, ok=True, text=f"it is busy: {error}", is_note=True))
    except ServiceError as error:
        return Told(Checked(name, ok=False, text=f"{trainer.base_url}: {error}", remedy=_remedy(trainer, error)))
    if found is not None:
        return Told(
            Checked(name, ok=True, text=f"{trainer.base_url} answers, with {len(found)} models"),
            {model.model_id: model for model in found},
        )
    is_usual = trainer.manners.model_list == "maybe"
    return Told(
        Checked(
            name,
            ok=is_usual,
            text=f"{trainer.base_url} answers, and has no list of models" + ("; its key was not tried" * is_usual),
            remedy="" if is_usual else f"Correct {_ADDRESS.format(trainer.name)}",
            is_note=is_usual,
        )
    )


def _remedy(trainer: TrainerSettings, error: ServiceError) -> str:
    if isinstance(error, TrainerUnreachable):
        return f"Start it, or correct {_ADDRESS.format(trainer.name)}"
    key = f"its key is that of {trainer.api_key_env}" if trainer.api_key_env else "it is asked without a key"
    return f"{error.remedy} In [trainers.{trainer.name}] {key}."


def _model(
    trainer: TrainerSettings, model: str, users: Mapping[str, str], models: Mapping[str, RemoteModel]
) -> Checked:
    name, whom = f"trainer {trainer.name}, {model}", ", ".join(users)
    if model in models:
        return Checked(name, ok=True, text=f"in its list, for {whom}")
    if trainer.manners.model_list == "complete" and models:
        text = not_listed(model, trainer=trainer.name, others=models).text
        remedy = f"Correct model in {', '.join(users.values())}. {_LIST.format(trainer.name)}"
        return Checked(name, ok=False, text=f"{text} (for {whom})", remedy=remedy)
    near = ", ".join(closest(model, models))
    text = f"not listed, which need not mean that it is not there; for {whom}" + (near and f"; close to it: {near}")
    return Checked(name, ok=True, text=text, is_note=True)


def _uses(pipelines: Mapping[str, Pipeline]) -> dict[str, dict[str, dict[str, str]]]:
    """Give what each model of each trainer is used for, each with the table that names it."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, pipeline in pipelines.items():
        users = found.setdefault(pipeline.train.trainer, {}).setdefault(pipeline.train.model, {})
        users[name] = f"[pipelines.{name}.train]"
        for metric, spec in pipeline.metrics.items():
            if isinstance(spec, JudgeSpec):
                users = found.setdefault(spec.trainer, {}).setdefault(spec.model, {})
                users[f"the judge of {name}'s {metric}"] = f"[pipelines.{name}.metrics.{metric}]"
    return found
