"""Champions on the command line: who serves and why, promote, roll back, take down."""

import getpass
import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, models, print_json
from service.cli.showing import visible
from service.config import load
from service.domain.errors import NotFound
from service.domain.runs import Run
from service.domain.stable_names import stable_name
from service.domain.sunsets import when
from service.usecases.sunset import champion_sunset

RunId = Annotated[str, typer.Argument(help="A run's id or the beginning of it.")]
Reason = Annotated[str | None, typer.Option(help="Why; it stands in the history.")]


@models.command("show")
def show_models(pipeline: str, *, as_json: AsJson = False) -> None:
    """Show a pipeline's champion and those before it, each with its evidence and who decided."""
    deps = _deps()
    champion, history = deps.evaluations.champion(pipeline), deps.evaluations.champion_history(pipeline)
    if not history:
        _require_pipeline(pipeline, deps)
    if as_json:
        print_json({"champion": champion, "history": history})
        return
    typer.echo(visible(f"champion: {champion['model'] if champion else 'none yet'}"))
    if champion:
        for line in _lines_of_champion(champion, deps):
            typer.echo(visible(f"  {line}"))
    for row in history:
        for line in _lines_of_change(row):
            typer.echo(visible(line))


@models.command()
def promote(
    run_id: RunId,
    reason: Reason = None,
    *,
    checkpoint: Annotated[int | None, typer.Option(metavar="STEP", help="An earlier checkpoint, judged.")] = None,
    despite_sunset: Annotated[bool, typer.Option(help="Although the model is gone or about to shut down.")] = False,
) -> None:
    """Make a judged run's model, or its judged checkpoint, the champion: after a manual verdict, or against one."""
    from service.usecases.promote_run import promote_run

    deps, who = _deps(), _who()
    run = promote_run(run_id, deps.parts, checkpoint=checkpoint, by=who, reason=reason, despite_sunset=despite_sunset)
    _say_who_serves(run, deps)


@models.command()
def rollback(
    pipeline: str,
    to: Annotated[str | None, typer.Option(help="A run that served before; the previous champion's.")] = None,
    reason: Reason = None,
    *,
    despite_sunset: Annotated[bool, typer.Option(help="Although its model shuts down sooner, and soon.")] = False,
) -> None:
    """Let the previous champion serve again, at once; the next rollback goes further back."""
    from service.usecases.roll_back import roll_back

    deps = _deps()
    if not deps.evaluations.champion_history(pipeline):
        _require_pipeline(pipeline, deps)
    run = roll_back(pipeline, deps.parts, to=to, by=_who(), reason=reason, despite_sunset=despite_sunset)
    _say_who_serves(run, deps)


@models.command()
def undeploy(run_id: RunId) -> None:
    """Take down the model of an ended run that is not the champion, by the trainer's undeploy command."""
    from service.usecases.undeploy_run import undeploy_run

    run = undeploy_run(run_id, _deps().parts)
    typer.echo(f"{run.answers_as} is taken down.")


def _lines_of_champion(champion: Mapping[str, Any], deps: Deps) -> Iterator[str]:
    if champion["gone_since"]:
        yield f"GONE: it has not answered since {champion['gone_since']:%Y-%m-%d %H:%M:%S}"
        yield f"what to do: tuneloop models rollback {champion['pipeline']}"
    today = now().date()
    if shutdown_on := champion_sunset(champion, deps).shutdown_on:
        yield f"{champion['trainer']}: it {when(shutdown_on, today)}"


def _lines_of_change(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {row['promoted_at']:%Y-%m-%d %H:%M:%S}  {row['model']}  ({row['run_id']})  {row['cause']}"
    if row["decided_by"] or row["reason"]:
        yield f"      {row['decided_by'] or 'somebody'}: {row['reason'] or 'no reason given'}"
    evidence = row["evidence"] or {}
    if "checkpoint" in evidence:
        yield f"      the checkpoint of step {evidence['checkpoint']}"
    if evidence.get("outcome"):
        yield f"      {evidence['outcome']} on {evidence['held_out']} held-out examples: {evidence['sentence']}"


def _require_pipeline(pipeline: str, deps: Deps) -> None:
    if pipeline not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")


def _say_who_serves(run: Run, deps: Deps) -> None:
    from service.usecases.name_champion import champions_to_name

    typer.echo(f"{run.answers_as} is the champion of {run.pipeline}.")
    if run.pipeline in champions_to_name(deps.parts):
        typer.echo(f"{run.trainer} did not take the name {stable_name(run.pipeline)} yet; the schedule tries again.")


def _who() -> str | None:
    """Give the name of whoever typed the command; a container's user may have none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def _deps() -> Deps:
    return Deps(load(os.environ))
