"""``tuneloop labelbox sync``: read the whole project now."""

import os
from typing import Annotated

import typer

from service.bootstrap import Deps
from service.cli.app import labelbox
from service.config import load
from service.domain.errors import NotFound
from service.domain.plurals import how_many


@labelbox.command()
def sync(pipeline: Annotated[str | None, typer.Option(help="Only this pipeline.")] = None) -> None:
    """Read the whole project now and mend every difference."""
    deps = Deps(load(os.environ))
    pipelines = deps.settings.pipelines
    if pipeline not in (None, *pipelines):
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(pipelines)}")
    refused: dict[str, str] = {}
    chosen = {name: found.labels.project for name, found in pipelines.items() if pipeline in (None, name)}
    for project in dict.fromkeys(chosen.values()):
        done = deps.reconcile.until_done(project, whole=True)
        for name, facts in done.facts.items():
            read, mended = how_many(facts["rows"], "row"), how_many(facts["healed"], "difference")
            typer.echo(f"{name}: {read} read, {mended} mended, {facts['left']} left")
        refused |= {name: words for name, words in done.refused.items() if name in chosen}
    for name, words in refused.items():
        typer.echo(f"{name}: not read: {words}", err=True)
    raise typer.Exit(1 if refused else 0)
