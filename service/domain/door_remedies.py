"""What to do about each thing that stands in the way of a run that a person starts."""

from collections.abc import Iterable

from service.domain.triggers import Reason

_CHANGE = "name another trainer or model"
_LABEL_MORE = "label more, or lower its minimum in [pipelines.{pipeline}.dataset]"
# By code, with the facts of the reason in braces.
_REMEDIES = {
    "run_open": "wait for it, or: tuneloop runs cancel {run}",
    "awaiting_approval": "approve it, or: tuneloop runs cancel {run}",
    "prompts_only": "use a project with answers in [pipelines.{pipeline}.labels]",
    "too_few_training": _LABEL_MORE,
    "too_few_validation": _LABEL_MORE,
    "too_few_held_out": _LABEL_MORE,
    "over_run_budget": "raise run_usd of the budget {budget} (docs/money.md), or train on less",
    "over_month_budget": "raise month_usd of the budget {budget} (docs/money.md), or wait for the next month",
    "model_shuts_down": f"{_CHANGE}; to train it all the same: --despite-sunset",
    "training_ends": f"{_CHANGE}; to train it all the same: --despite-sunset",
    "model_not_listed": "correct the model; if {trainer} trains it although its list does not have it: --despite-list",
    "trainer_silent": "{remedy}; to have it tried again later: --despite-list, which asks nobody",
}


def remedies_of(reasons: Iterable[Reason], pipeline: str) -> str:
    """Write what to do about all of them, each remedy once.

    Args:
        reasons: What stands in the way.
        pipeline: Whose run it is.
    """
    told = [_REMEDIES[reason.code].format_map({"pipeline": pipeline, **reason.facts}) for reason in reasons]
    text = "; ".join(dict.fromkeys(told))
    return f"{text[:1].upper()}{text[1:]}."
