"""Whether a trainer has a model at all: found out before anything is paid, as far as its list can tell."""

from dataclasses import dataclass
from datetime import datetime

from service.domain.errors import ServiceError, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.model_names import not_listed
from service.domain.runs import Run
from service.domain.triggers import Reason
from service.ports import RemoteModel
from service.usecases.steps.parts import TrainerAccount
from service.usecases.sunset import Horizon


@dataclass(frozen=True, slots=True)
class Look:
    """What a trainer said of a model.

    Attributes:
        found: None where it does not know the model or tells nothing of models; at a trainer whose list is complete
            only where that list was read and does not have it.
        others: The models that such a list has instead.
    """

    found: RemoteModel | None
    others: tuple[str, ...] = ()


def look_at_model(account: TrainerAccount, model: str, horizon: Horizon) -> Look:
    """Ask a trainer about a model; errors are the trainer's.

    Args:
        account: The trainer.
        model: Its name there.
        horizon: What was said of it before, for a day that the trainer does not repeat.
    """
    trainer = account.connect()
    found = trainer.model(model)
    if found is not None or account.dialect.model_list != "complete":
        return Look(found)
    try:
        listed = {other.model_id: other for other in trainer.models() or ()}
    except TrainerRefused:
        listed = {}  # a key that may train need not be allowed to look at models
    if listed and model not in listed:
        return Look(None, tuple(listed))
    seen = horizon.models_seen.find(account.name, model)
    return Look(listed.get(model) or RemoteModel(model, seen.shutdown_on if seen else None))


def has_lost(account: TrainerAccount | None, model: str, run: Run) -> bool:
    """Ask a trainer whether a tuned model is gone; False where that cannot be known, or not now.

    Args:
        account: The trainer; None where it left the configuration.
        model: The run's model, or a checkpoint of it, by the name that it serves under.
        run: Its run: the name of a deployment need not be in a list of models.
    """
    if account is None or account.dialect.model_list != "complete" or model == run.fact("inference_model"):
        return False
    try:
        trainer = account.connect()
        # The list first: it is given after a few seconds, or not at all.
        listed = {other.model_id for other in trainer.models() or ()}
        return bool(listed) and model not in listed and trainer.model(model) is None
    except ServiceError:
        return False


def list_door(trainer: str, model: str, horizon: Horizon, *, others: tuple[str, ...] = ()) -> tuple[Reason, ...]:
    """Give what speaks against training a model that its trainer did not have when it was last asked.

    Args:
        trainer: Where.
        model: Its name there.
        horizon: What was said of it; nobody is asked.
        others: The models that the trainer has, where that is known.
    """
    account, seen = horizon.accounts.get(trainer), horizon.models_seen.find(trainer, model)
    if account is None or account.dialect.model_list != "complete" or seen is None or seen.known:
        return ()
    return (not_listed(model, trainer=trainer, others=others),)


def ask_list_door(trainer: str, model: str, horizon: Horizon, *, now: datetime) -> tuple[Reason, ...]:
    """Give the same after asking the trainer, or why it cannot be asked: a run would get no further.

    A trainer that is busy is taken to be as it was last seen.
    """
    account = horizon.accounts.get(trainer)
    if account is None:
        return ()
    try:
        look = look_at_model(account, model, horizon)
    except TrainerBusy:
        return list_door(trainer, model, horizon)
    except ServiceError as error:
        return (_silent(trainer, error),)
    horizon.models_seen.note(trainer, model, look.found, now=now)
    return list_door(trainer, model, horizon, others=look.others)


def _silent(trainer: str, error: ServiceError) -> Reason:
    name, table = type(error).__name__, f"[trainers.{trainer}]"
    unreachable = isinstance(error, TrainerUnreachable)
    remedy = f"start it, or correct base_url in {table}" if unreachable else f"{error.remedy.rstrip('.')} ({table})"
    facts = {"trainer": trainer, "error": name, "remedy": remedy}
    return Reason("trainer_silent", f"{trainer} cannot be asked: {name}: {error}", facts)
