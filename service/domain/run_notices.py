"""What of a run is worth telling, and in which words."""

from collections.abc import Mapping
from typing import Any

from service.domain import errors
from service.domain.deployments import is_model_name
from service.domain.errors import ServiceError
from service.domain.notices import Notice
from service.domain.runs import Run, RunState

_KINDS: Mapping[RunState, str] = {
    RunState.CLAIMED: "started",
    RunState.AWAITING_APPROVAL: "awaiting_approval",
    RunState.NEEDS_ATTENTION: "needs_attention",
    RunState.PROMOTED: "promoted",
    RunState.KEPT: "kept",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
}
_TITLES = {
    "started": "started",
    "awaiting_approval": "waits for approval",
    "needs_attention": "needs a person",
    "promoted": "promoted: its model serves now",
    "kept": "finished, the model is not promoted",
    "failed": "failed",
    "cancelled": "cancelled",
}
_COMMANDS = {
    "awaiting_approval": "tuneloop runs approve {run} | tuneloop runs cancel {run}",
    "promoted": "tuneloop models show {pipeline}",
    "kept": "tuneloop runs show {run} | tuneloop models promote {run} to let it serve all the same",
}
# The verdict is "better", and [verdict] promote is "manual".
_WAITS = "is better and waits for a person to promote it"
_LET_SERVE = 'tuneloop models promote {run} --reason "..." | tuneloop runs show {run}'
_COMMAND = "tuneloop runs show {run}"
_NAMES = frozenset(name for name, value in vars(errors).items() if isinstance(value, type))
# The words of every other error may be a trainer's, which quotes the lines it refuses; its answer to a request that
# nobody knows the end of is one.
_OUR_WORDS = frozenset(
    {
        "CommandFailed",
        "ModelEnds",
        "ModelNotListed",
        "NotDeployed",
        "OverBudget",
        "ServiceError",
        "StoreFailed",
        "TooFewExamples",
        "TrainedAlready",
        "WorkersDie",
    }
)


def told(error: ServiceError) -> dict[str, str]:
    """Give the facts of an error that ended a step: its words, and apart from them its name.

    By the name alone a notice knows whose words they are: a trainer's may begin as ours do.
    """
    name = type(error).__name__
    return {"error": f"{name}: {error}", "error_name": name}


def notice_of_transition(run: Run, *, cause: str, facts: Mapping[str, Any], number: int) -> Notice | None:
    """Say what to tell of a run that has just come into its state; None where nobody need know.

    Args:
        run: As it stands now.
        cause: Why, as the history has it; told only where the words are ours.
        facts: What this step found out, not those before it.
        number: The transition's, so that a state reached twice is told twice and each transition once.
    """
    kind = _KINDS.get(run.state)
    if kind is None:
        return None
    happened = _happened(kind, run, cause, facts)
    waits = kind == "kept" and facts.get("waits_for_promotion")
    # What was taken down cannot be promoted.
    usual = _COMMAND if run.fact("taken_down") else _COMMANDS.get(kind, _COMMAND)
    title, command = (_WAITS, _LET_SERVE) if waits else (_TITLES[kind], usual)
    command = command.format(run=run.run_id, pipeline=run.pipeline)
    return Notice(
        kind,
        f"{run.run_id} {number}",
        f"{run.pipeline}: run {run.ordinal} {title}",
        "\n".join(line for line in (happened, _remedy(kind, facts), command) if line),
        pipeline=run.pipeline,
        facts=run_facts(run) | _error_facts(facts),
    )


def notice_of_champion(run: Run, *, before: str | None, cause: str, number: int) -> Notice:
    """Tell that another model serves, whoever decided so.

    Args:
        run: Whose model it is.
        before: What the model that served until now is asked as, None where there was none.
        cause: ``by hand``, or the verdict's sentence.
        number: The change's.
    """
    instead = f" instead of {as_name(before) or 'another'}" if before else ""
    return Notice(
        "champion_changed",
        f"{run.pipeline} {number}",
        f"{run.pipeline}: another model is the champion",
        f"{as_name(run.answers_as) or 'The model'} of run {run.ordinal} at {run.trainer} serves now{instead}; {cause}\n"
        f"tuneloop models show {run.pipeline}",
        pipeline=run.pipeline,
        facts={**run_facts(run), "before": as_name(before)},
    )


def notice_of_gone(pipeline: str, model: str, trainer: str, *, number: int) -> Notice:
    """Tell that who serves does not answer any more.

    Args:
        pipeline: Whose champion.
        model: Its name.
        trainer: Where it was.
        number: That of the change which made it the champion, so that each reign's end is told once.
    """
    return Notice(
        "champion_gone",
        f"{pipeline} {number}",
        f"{pipeline}: the champion does not answer any more",
        f"{as_name(model) or 'Its model'} at {trainer} is gone.\n"
        f"tuneloop models rollback {pipeline} | tuneloop runs start {pipeline}",
        pipeline=pipeline,
        facts={"model": as_name(model), "trainer": trainer},
    )


def run_facts(run: Run) -> dict[str, Any]:
    """Give what programs may know of a run."""
    estimate = run.fact("estimate") or {}
    return {
        "run_id": run.run_id,
        "ordinal": run.ordinal,
        "state": str(run.state),
        "trainer": run.trainer,
        "model": run.model,
        "snapshot_id": run.snapshot_id,
        "job_id": as_name(run.job_id),
        "tuned_model": as_name(run.tuned_model),
        "answers_as": as_name(run.answers_as),
        "estimated_usd": estimate.get("usd"),
    }


def as_name(text: str | None) -> str | None:
    """Give what a trainer calls a thing; None where that is no name, and so perhaps a sentence with a label in it."""
    return text if text and is_model_name(text) else None


def _happened(kind: str, run: Run, cause: str, facts: Mapping[str, Any]) -> str:
    if kind == "started":
        new = run.fact("new_examples")
        count = f"{new} new or changed examples; " if new else ""
        return f"{count}{run.model} at {run.trainer}, {cause}."
    if kind in {"failed", "needs_attention"}:
        return _error_in_words(run, cause, facts)
    return f"{cause}{'' if cause.endswith('.') else '.'}"


def _error_in_words(run: Run, cause: str, facts: Mapping[str, Any]) -> str:
    if facts.get("error") is None:
        # Only where a step ended without an error, the cause was written by ourselves.
        return f"{cause}."
    name = _error_name(facts)
    words = str(facts["error"]) if name in _OUR_WORDS else name or "The training job failed"
    job_id = as_name(run.job_id)
    return f"{words}. {run.model} at {run.trainer}{f', job {job_id}' if job_id else ''}."


def _error_name(facts: Mapping[str, Any]) -> str | None:
    name = facts.get("error_name")
    return name if name in _NAMES else None


def _error_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": _error_name(facts)} if facts.get("error") is not None else {}


def _remedy(kind: str, facts: Mapping[str, Any]) -> str:
    remedy = facts.get("remedy")
    return f"What to do: {remedy}" if remedy and kind in {"failed", "needs_attention"} else ""
