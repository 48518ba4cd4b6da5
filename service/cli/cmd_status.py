"""Where things stand: status and why."""

import os
from dataclasses import asdict
from typing import Any

import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, app, print_json
from service.config import load
from service.domain.errors import NotFound
from service.domain.triggers import Decision, decide


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Show every pipeline: examples, runs, champion, what waits."""
    deps = Deps(load(os.environ))
    facts = status_of(deps)
    if as_json:
        print_json(facts)
        return
    typer.echo(f"inbox: {facts['inbox']} waiting, {facts['dead_letters']} dead letters")
    for name, found in facts["pipelines"].items():
        typer.echo(f"\n{name}")
        typer.echo(
            f"  examples   {found['train']} train, {found['validation']} validation, {found['held_out']} held out; "
            f"{found['new']} new since the last run"
        )
        typer.echo(f"  reconciled {found['reconciled'] or 'never'}")
        typer.echo(f"  last run   {found['last_run'] or 'none'}")
        typer.echo(f"  champion   {found['champion'] or 'none yet'}")
        typer.echo(f"  next run   {'due now' if found['due'] else '; '.join(found['waits_for'])}")


@app.command()
def why(pipeline: str, *, as_json: AsJson = False) -> None:
    """Say why no run has started yet, every reason with its number."""
    deps = Deps(load(os.environ))
    decision = _decision(deps, pipeline)
    if as_json:
        print_json(asdict(decision))
        return
    for reason in decision.reasons:
        typer.echo(f"{reason.code}: {reason.text}")
    if decision.due:
        typer.echo("A run is due now.")


def status_of(deps: Deps) -> dict[str, Any]:
    """Gather what ``status`` shows."""
    return {
        "inbox": deps.inbox.depth(),
        "dead_letters": deps.letters.count(),
        "pipelines": {name: _pipeline(deps, name) for name in deps.settings.pipelines},
    }


def _pipeline(deps: Deps, name: str) -> dict[str, Any]:
    counts = deps.examples.counts(name)
    decision = _decision(deps, name)
    newest = deps.runs.recent(name, 1)
    champion = deps.evaluations.champion(name)
    latest = deps.reconciles.latest(name)
    return {
        "train": counts.train,
        "validation": counts.validation,
        "held_out": counts.held_out,
        "new": counts.new,
        "reconciled": f"{latest['at']:%Y-%m-%d %H:%M:%S} UTC, {latest['healed']} mended" if latest else None,
        "last_run": f"{newest[0].run_id} {newest[0].state}" if newest else None,
        "champion": champion["model"] if champion else None,
        "due": decision.due,
        "waits_for": [reason.text for reason in decision.reasons],
    }


def _decision(deps: Deps, name: str) -> Decision:
    pipeline = deps.settings.pipelines.get(name)
    if pipeline is None:
        raise NotFound(f"no pipeline {name!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")
    return decide(pipeline.trigger, pipeline.dataset, deps.examples.counts(name), now=now())
