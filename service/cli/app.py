"""The command line: names and options; what each command does stands in its own module."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from service.cli.showing import visible
from service.domain.errors import ConfigurationError, ServiceError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
labelbox = typer.Typer(no_args_is_help=True, help="Labelbox: set up, reconcile now.")
datasets = typer.Typer(no_args_is_help=True, help="Dataset snapshots.")
runs = typer.Typer(no_args_is_help=True, help="Fine-tuning runs.")
models = typer.Typer(no_args_is_help=True, help="Champions.")
dead_letters = typer.Typer(no_args_is_help=True, help="Work set aside.")
notify = typer.Typer(no_args_is_help=True, help="Telling people what happens.")
app.add_typer(labelbox, name="labelbox")
app.add_typer(datasets, name="datasets")
app.add_typer(runs, name="runs")
app.add_typer(models, name="models")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(notify, name="notify")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AtMost = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]


def run(arguments: Sequence[str]) -> int:
    """Run a command.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage or configuration.
    """
    import service.cli.commands  # noqa: F401 - registers the commands

    try:
        app(list(arguments), prog_name="tuneloop")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            # Whoever read our output went away, as `head` does; typer makes a failure of it.
            _leave_output()
            return 0
        # Typer's own endings: 2 for wrong usage, the code of typer.Exit otherwise.
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except ServiceError as error:
        typer.echo(visible(f"{type(error).__name__}: {error}"), err=True)
        if error.remedy:
            typer.echo(f"What to do: {error.remedy}", err=True)
        return 2 if isinstance(error, ConfigurationError) else 1
    except sa.exc.SQLAlchemyError as error:
        # Only its name: the message quotes what was asked for.
        typer.echo(f"The database does not answer or has no schema yet ({type(error).__name__}).", err=True)
        typer.echo("What to do: tuneloop migrate or tuneloop up; or correct TUNELOOP_DATABASE_URL.", err=True)
        return 1
    except OSError as error:
        typer.echo(f"{error.filename or 'input or output'}: {error.strerror}", err=True)
        return 1
    return 0


def _leave_output() -> None:
    """Let what is still to be written go nowhere: the interpreter tries once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON; moments in ISO form."""
    typer.echo(visible(json.dumps(value, indent=2, default=str, ensure_ascii=False)))
