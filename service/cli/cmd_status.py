"""Where things stand: status and why."""

import os

import msgspec
import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, app, print_json
from service.config import load
from service.domain.errors import NotFound
from service.domain.plurals import how_many
from service.domain.triggers import Decision
from service.usecases.doors import weigh
from service.usecases.report_status import PipelineStatus, report_status
from service.usecases.take_stock import Drift


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Show every pipeline: examples, runs, champion, what waits."""
    deps = Deps(load(os.environ))
    found = report_status(deps.settings.pipelines, deps, clock=now)
    if as_json:
        # Moments as the API writes them.
        print_json(msgspec.to_builtins(found))
        return
    typer.echo(f"inbox: {found.inbox} waiting, {how_many(found.dead_letters, 'dead letter')}")
    for name, line in found.pipelines.items():
        typer.echo(f"\n{name}")
        _say(line)


@app.command()
def why(pipeline: str, *, as_json: AsJson = False) -> None:
    """Say why no run has started yet, every reason with its number, and what the next one would cost."""
    deps = Deps(load(os.environ))
    decision = _decision(deps, pipeline)
    if as_json:
        print_json(msgspec.to_builtins(decision))
        return
    for reason in decision.reasons:
        typer.echo(f"{reason.code}: {reason.text}")
    if decision.due:
        typer.echo("A run is due now.")
    for note in decision.notes:
        typer.echo(f"note {note.code}: {note.text}")


def _say(line: PipelineStatus) -> None:
    typer.echo(
        f"  examples   {line.train} train, {line.validation} validation, {line.held_out} held out; "
        f"{line.new} new since the last run"
    )
    if line.kept_out:
        told = ", ".join(f"{number} {reason}" for reason, number in sorted(line.kept_out.items()))
        held = how_many(line.held, "waits", "wait")
        waiting = f"; {held} for a decision: tuneloop datasets held" if line.held else ""
        typer.echo(f"  kept out   {told}{waiting}")
    typer.echo(f"  reconciled {line.reconciled or 'never'}")
    if line.drift is not None:
        typer.echo(f"  drift      {_drift(line.drift)}")
    typer.echo(f"  last run   {line.last_run or 'none'}")
    gone = f", GONE since {line.champion_gone_since:%Y-%m-%d %H:%M} UTC" if line.champion_gone_since else ""
    ends = f", shuts down on {line.champion_shutdown_on}" if line.champion_shutdown_on and not gone else ""
    typer.echo(f"  champion   {line.champion or 'none yet'}{ends}{gone}")
    typer.echo(f"  next run   {'due now' if line.due else '; '.join(line.waits_for)}")
    for note in line.notes:
        typer.echo(f"  note       {note}")


def _drift(drift: Drift) -> str:
    left = f", {drift.left} could not be mended" if drift.left else ""
    counted = ""
    if drift.whole_at and drift.labels_there is not None:
        # What only a look at the whole project can count is as old as that.
        there, here = how_many(drift.labels_there, "accepted label"), how_many(drift.labels_here or 0, "example")
        read = f"whole project {drift.whole_at:%Y-%m-%d %H:%M} UTC"
        counted = f"; {read}: {there} in Labelbox, {here} here before the mending"
    return f"{how_many(drift.rows, 'row')} differed when last read, {drift.at:%Y-%m-%d %H:%M:%S} UTC{left}{counted}"


def _decision(deps: Deps, name: str) -> Decision:
    pipeline = deps.settings.pipelines.get(name)
    if pipeline is None:
        raise NotFound(f"no pipeline {name!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")
    return weigh(pipeline, deps, now=now())[1]
