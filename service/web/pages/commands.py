"""What a person may do, as the exact command: the page itself changes nothing."""

from typing import NamedTuple

from service.domain.remedies import start_command
from service.domain.runs import RETRAINING, TERMINAL, Run, RunState


class Command(NamedTuple):
    """A line for the terminal, and what it does."""

    line: str
    words: str


def commands_for(run: Run) -> tuple[Command, ...]:
    """Give what may be done to a run as it stands."""
    show = Command(f"tuneloop runs show {run.run_id}", "tells everything that is known")
    approve = f"tuneloop runs approve {run.run_id}"
    cancel = Command(f"tuneloop runs cancel {run.run_id}", "stops it, and its job")
    match run.state:
        case RunState.AWAITING_APPROVAL:
            return Command(approve, "lets it go on"), cancel
        case RunState.NEEDS_ATTENTION:
            return show, Command(approve, "goes on, once that is done"), cancel
        case RunState.KEPT if not run.fact("taken_down"):
            promote = f"tuneloop models promote {run.run_id}"
            waits = run.fact("waits_for_promotion")
            words = "lets it serve: it is better" if waits else "makes its model the champion all the same"
            return (Command(promote, words),)
    return () if run.state in TERMINAL else (cancel,)


def command_to_start_again(run: Run) -> Command:
    """Give what starts another run in the place of one that came to nothing."""
    words = "trains the same examples there" if run.cause == RETRAINING else "starts another run"
    return Command(start_command(run), words)


def commands_for_letter(kind: str, letter_id: str, subject: str) -> tuple[Command, ...]:
    """Give what may be done about work that was set aside, the last of it for every kind."""
    dismiss = Command(f"tuneloop dead-letters dismiss {letter_id}", "puts it away, where nothing is to be done")
    return _command_for(kind, letter_id, subject), dismiss


def _command_for(kind: str, letter_id: str, subject: str) -> Command:
    match kind:
        case "delivery":
            return Command(f"tuneloop dead-letters replay {letter_id}", "puts it back, once that is done")
        case "notice":
            return Command(f"tuneloop dead-letters replay {letter_id}", "sends it again, once that is done")
        case "run" | "aftermath":
            return Command(f"tuneloop runs show {subject}", "tells what the run came to")
        case "deployment":
            return Command(f"tuneloop models undeploy {subject}", "takes the model down, once that is done")
        case "orphan":
            return Command("tuneloop runs orphans", "tells what stands at the trainers, and what becomes of it")
    return Command(f"tuneloop dead-letters show {letter_id}", "tells what is known")
