"""Snapshots and Labelbox on the command line."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, datasets, labelbox, print_json
from service.config import load
from service.domain.errors import NotFound
from service.domain.snapshots import SPLITS, Snapshot


@datasets.command("list")
def list_datasets(
    pipeline: Annotated[str | None, typer.Option()] = None, limit: int = 20, *, as_json: AsJson = False
) -> None:
    """List the newest snapshots first."""
    found = _deps().snapshots.recent(pipeline, limit)
    if as_json:
        print_json([_facts(snapshot) for snapshot in found])
        return
    for snapshot in found:
        sizes = ", ".join(f"{snapshot.files[split].lines} {split}" for split in SPLITS)
        typer.echo(
            f"{snapshot.snapshot_id[:16]}  {snapshot.created_at:%Y-%m-%d %H:%M:%S}  {snapshot.pipeline}  {sizes}"
        )
    if not found:
        typer.echo("No snapshot yet.")


@datasets.command("show")
def show_dataset(snapshot_id: str, *, as_json: AsJson = True) -> None:  # noqa: ARG001 - it is always JSON
    """Show a snapshot's files and counts, as JSON."""
    print_json(_facts(_deps().snapshots.get(snapshot_id)))


@datasets.command("export")
def export_dataset(snapshot_id: str, out: Annotated[Path, typer.Option(help="Folder to write to.")]) -> None:
    """Write a snapshot's files into a folder: train.jsonl, validation.jsonl, held_out.jsonl, manifest.json."""
    deps = _deps()
    export_snapshot(deps, deps.snapshots.get(snapshot_id), out)
    typer.echo(f"Written to {out}.")


def export_snapshot(deps: Deps, snapshot: Snapshot, folder: Path) -> None:
    """Copy a snapshot's files, checked by their hashes, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        with deps.files.open(snapshot.files[split].sha256) as source, (folder / f"{split}.jsonl").open("wb") as target:
            shutil.copyfileobj(source, target)
    manifest = {"snapshot_id": snapshot.snapshot_id, **snapshot.manifest}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


@datasets.command("prompts")
def list_prompts(pipeline: str) -> None:
    """Print a pipeline's prompt set, a line of JSON each, as tuneloop labelbox setup --rows takes it."""
    deps = _deps()
    if pipeline not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")
    for row_id, global_key, prompt in deps.examples.prompts(pipeline):
        # Not the row's own key, which belongs to the row that the labeler wrote it on.
        row = {"row_data": prompt.content, "global_key": f"prompt-{global_key or row_id}"}
        typer.echo(json.dumps(row, ensure_ascii=False))


@labelbox.command()
def sync(pipeline: Annotated[str | None, typer.Option(help="Only this pipeline.")] = None) -> None:
    """Read the whole project now and mend every difference."""
    deps = _deps()
    pipelines = deps.settings.pipelines
    if pipeline not in (None, *pipelines):
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(pipelines)}")
    refused: dict[str, str] = {}
    chosen = {name: found.labels.project for name, found in pipelines.items() if pipeline in (None, name)}
    for project in dict.fromkeys(chosen.values()):
        done = deps.reconcile.until_done(project, whole=True)
        for name, facts in done.facts.items():
            typer.echo(f"{name}: {facts['rows']} rows read, {facts['healed']} differences mended, {facts['left']} left")
        refused |= {name: words for name, words in done.refused.items() if name in chosen}
    for name, words in refused.items():
        typer.echo(f"{name}: not read: {words}", err=True)
    raise typer.Exit(1 if refused else 0)


def _facts(snapshot: Snapshot) -> dict[str, object]:
    files = {split: asdict(snapshot.files[split]) for split in SPLITS}
    return {
        "snapshot_id": snapshot.snapshot_id,
        "pipeline": snapshot.pipeline,
        "created_at": snapshot.created_at,
        "watermark": snapshot.watermark,
        "files": files,
    }


def _deps() -> Deps:
    return Deps(load(os.environ))
