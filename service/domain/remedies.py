"""Remedies of a run's errors, with the run's own names in them: their commands can be pasted as they stand."""

import re
from dataclasses import replace

from service.domain.runs import RETRAINING, Run

_AGAIN = "start the run again"
_OTHER_MODEL = "name another model"
_PLACES = re.compile(rf"\b(?:RUN|PIPELINE|SNAPSHOT)\b|\[(?:pipelines|trainers)\.NAME|{_AGAIN}|{_OTHER_MODEL}")


def remedy_for(run: Run, remedy: str, *, ended: bool) -> str:
    """Put the names of a run in the place of the words that stand for them.

    Args:
        run: Whose error it is.
        remedy: What to do, with ``RUN``, ``PIPELINE``, ``SNAPSHOT``, ``[pipelines.NAME``, ``[trainers.NAME``, "start
            the run again" and "name another model".
        ended: Whether the run is over: another is then started, and otherwise this one goes on.
    """
    again = f"start another: {start_command(run)}" if ended else f"let it go on: tuneloop runs approve {run.run_id}"
    names = {
        "RUN": run.run_id,
        "PIPELINE": run.pipeline,
        "SNAPSHOT": (run.snapshot_id or "SNAPSHOT")[:16],
        "[pipelines.NAME": f"[pipelines.{run.pipeline}",
        "[trainers.NAME": f"[trainers.{run.trainer}",
        _AGAIN: again,
        _OTHER_MODEL: _with_other_model(run),
    }
    return _PLACES.sub(lambda found: names[found[0]], remedy)


def _with_other_model(run: Run) -> str:
    if run.cause == RETRAINING:
        # That of the run would be refused again.
        return f"put such a model in the place of MODEL: {start_command(replace(run, model='MODEL'))}"
    return f"correct model in [pipelines.{run.pipeline}.train], and start another: {start_command(run)}"


def start_command(run: Run) -> str:
    """Write the command that starts what this run was meant to be, past the doors that would stop it."""
    what = run.pipeline if run.cause != RETRAINING else f"--snapshot {(run.snapshot_id or 'SNAPSHOT')[:16]}"
    where = f" --trainer {run.trainer} --model {run.model}" if run.cause == RETRAINING else ""
    again = " --again" if is_again(run) else ""
    despite_sunset = " --despite-sunset" if run.fact("despite_sunset") else ""
    despite_list = " --despite-list" if run.fact("despite_list") else ""
    return f"tuneloop runs start {what}{where}{again}{despite_sunset}{despite_list}"


def is_again(run: Run) -> bool:
    """Say whether another run of the same is one more: this one's model was paid for, or it was one more itself."""
    return run.tuned_model is not None or bool(run.fact("again"))
