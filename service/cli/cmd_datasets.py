"""Snapshots on the command line: what there is, what is in one, and a file or folder of it."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, AtMost, datasets, print_json
from service.cli.exporting import Layout, export_snapshot
from service.cli.showing import visible
from service.config import load
from service.domain.errors import ConfigurationError, CorruptFile, NotFound
from service.domain.plurals import how_many
from service.domain.snapshots import SPLITS, FileEntry, Snapshot

SnapshotId = Annotated[str, typer.Argument(help="A snapshot's id or the beginning of it.")]
_SHOWN_SYSTEM = 100


class SplitName(StrEnum):
    """One file of a snapshot."""

    TRAIN = "train"
    VALIDATION = "validation"
    HELD_OUT = "held_out"


@datasets.command("list")
def list_datasets(
    pipeline: Annotated[str | None, typer.Option()] = None, limit: AtMost = 20, *, as_json: AsJson = False
) -> None:
    """List the newest snapshots first."""
    found = deps_now().snapshots.recent(pipeline, limit)
    if as_json:
        print_json([_facts(snapshot) for snapshot in found])
        return
    for snapshot in found:
        sizes = ", ".join(f"{_size(snapshot.files[split])} {split}" for split in SPLITS)
        typer.echo(
            f"{snapshot.snapshot_id[:16]}  {snapshot.created_at:%Y-%m-%d %H:%M:%S}  {snapshot.pipeline}  {sizes}"
        )
    if not found:
        typer.echo("No snapshot yet.")


@datasets.command("show")
def show_dataset(snapshot_id: SnapshotId, *, as_json: AsJson = False) -> None:
    """Show what a snapshot holds, what was left out, what shaped it, and where its files are."""
    deps = deps_now()
    try:
        snapshot = deps.snapshots.get(snapshot_id)
    except CorruptFile as error:
        # What SQL knows of it is told all the same: the data files may be whole.
        snapshot = deps.snapshots.find(snapshot_id)
        typer.echo(f"The manifest cannot be read: {error}. What to do: {error.remedy}", err=True)
    places: dict[str, str] = {split: deps.files.location(snapshot.files[split].sha256) for split in SPLITS}
    places["manifest"] = deps.files.location(snapshot.snapshot_id)
    if as_json:
        print_json(_facts(snapshot) | {"head": snapshot.head, "places": places})
        return
    for line in _told(snapshot):
        typer.echo(visible(line))
    typer.echo("  files")
    for name, place in places.items():
        typer.echo(f"    {name:<12} {place}")


@datasets.command("export")
def export_dataset(
    snapshot_id: SnapshotId,
    out: Annotated[str, typer.Option(help="Folder to write to, or - for one file on standard output.")],
    layout: Annotated[
        Layout, typer.Option(help="The snapshot's own files, or a folder that datasets.load_dataset reads.")
    ] = Layout.FILES,
    split: Annotated[SplitName | None, typer.Option(help="Which file goes to standard output; train if none.")] = None,
) -> None:
    """Write a snapshot into a folder: train.jsonl, validation.jsonl, held_out.jsonl, manifest.json."""
    if (out == "-" and layout is not Layout.FILES) or (out != "-" and split):
        raise ConfigurationError("a folder gets all files, and standard output one", remedy="Leave one option out.")
    deps = deps_now()
    snapshot = deps.snapshots.get(snapshot_id)
    if out == "-":
        with deps.files.open(snapshot.files[(split or SplitName.TRAIN).value].sha256) as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    export_snapshot(deps.files, snapshot, Path(out), layout)
    if snapshot.forgotten:
        typer.echo(
            f"{how_many(len(snapshot.forgotten), 'example')} that the manifest lists: forgotten, and in no file."
        )
    typer.echo(f"Written to {out}.")


@datasets.command("prompts")
def list_prompts(pipeline: str) -> None:
    """Print a pipeline's prompt set, a line of JSON each, as tuneloop labelbox setup --rows takes it."""
    deps = deps_now()
    if pipeline not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")
    for row_id, global_key, prompt in deps.examples.prompts(pipeline):
        # Not the row's own key, which belongs to the row that the labeler wrote it on.
        row = {"row_data": prompt.content, "global_key": f"prompt-{global_key or row_id}"}
        typer.echo(visible(json.dumps(row, ensure_ascii=False)))


def deps_now() -> Deps:
    """Build the parts from the environment."""
    return Deps(load(os.environ))


def _size(entry: FileEntry) -> str:
    if entry.examples in {None, entry.lines}:
        return str(entry.lines)
    return f"{entry.examples} ({how_many(entry.lines, 'line')})"


def _told(snapshot: Snapshot) -> Iterator[str]:
    head = snapshot.head
    yield snapshot.snapshot_id
    yield f"  pipeline       {snapshot.pipeline}"
    yield f"  frozen         {snapshot.created_at:%Y-%m-%d %H:%M:%S} UTC, after change {snapshot.watermark}"
    if head:
        yield f"  form           {head['form']}"
        yield f"  system         {_short(head['system'])}"
    yield f"  {'':<14}{'examples':>9} {'lines':>9} {'tokens':>11} {'bytes':>13}"
    for split in SPLITS:
        entry = snapshot.files[split]
        examples = "-" if entry.examples is None else entry.examples
        yield f"    {split:<12}{examples:>9} {entry.lines:>9} {entry.tokens:>11} {entry.file_bytes:>13}"
    if snapshot.forgotten:
        examples = how_many(len(snapshot.forgotten), "example")
        yield f"  forgotten      {examples} that the manifest lists: taken out of the files"
    if not head:
        return
    yield "  left out or noted" + ("" if head.get("reasons") else "   nothing")
    for reason, number in head.get("reasons", {}).items():
        yield f"    {number:>8}  {reason}"
    yield "  what shaped it" + ("" if "configuration" in head else "      not recorded (format 1)")
    for table, values in head.get("configuration", {}).items():
        for key, value in values.items() if isinstance(values, dict) else [("", values)]:
            yield f"    {table}{'.' if key else ''}{key} = {json.dumps(value, ensure_ascii=False)}"


def _short(system: str | None) -> str:
    if system is None:
        return "none"
    text = json.dumps(system, ensure_ascii=False)
    return text if len(text) <= _SHOWN_SYSTEM else text[:_SHOWN_SYSTEM] + '..."'


def _facts(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "pipeline": snapshot.pipeline,
        "created_at": snapshot.created_at,
        "watermark": snapshot.watermark,
        "forgotten": len(snapshot.forgotten),
        "files": {split: asdict(snapshot.files[split]) for split in SPLITS},
    }
