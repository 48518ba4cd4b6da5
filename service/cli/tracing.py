"""What is behind a model, a job, a run, a file or a snapshot, for people and as JSON."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from service.bootstrap import Deps
from service.cli.app import print_json
from service.cli.showing import visible
from service.domain.plurals import how_many
from service.usecases.trace import Trace, facts_of, labels_of

IN_WORDS: Mapping[str, str] = {
    "taught": "taught",
    "measured": "measured while training",
    "asked": "asked, never taught",
}
_COLUMNS = ("split", "example_id", "version", "label_id", "snapshot_id", "forgotten")
_KINDS: Mapping[str, str] = {"trainer_file": "file at the trainer"}


def show_trace(name: str, found: Trace, deps: Deps, *, labels: bool, as_json: bool) -> None:
    """Print what a name leads to, or every label behind it."""
    if labels:
        for snapshot, line in labels_of(found, deps.snapshots):
            listed = [line.split, line.example_id, line.version, line.label_id]
            more = [snapshot.snapshot_id, line.example_id in snapshot.forgotten]
            whole = dict(zip(_COLUMNS, listed + more, strict=True))
            typer.echo(json.dumps(whole) if as_json else visible("  ".join(str(value or "-") for value in listed)))
        return
    facts = facts_of(found, deps.files)
    if as_json:
        print_json({"name": name, **facts})
        return
    for words in _told(name, facts):
        typer.echo(visible(words))


def model_of(run: Mapping[str, Any]) -> str:
    """Write what a run's model is called, and what it is deployed as if that is another name."""
    deployed = f" deployed as {run['answers_as']}" if run["answers_as"] != run["tuned_model"] else ""
    return f", model {run['tuned_model']}{deployed}" if run["tuned_model"] else ""


def _told(name: str, facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_KINDS.get(facts['kind'], facts['kind'])} {name}"
    for run in facts["runs"]:
        model = model_of(run)
        yield f"  run          {run['run_id']} of {run['pipeline']} ({run['state']}), from {run['model']}"
        yield f"               job {run['job_id'] or '-'} at trainer {run['trainer']}{model}"
        for fact in ("training_file", "validation_file"):
            if run[fact]:
                yield f"               {fact.replace('_', ' ')} {run[fact]}"
    for snapshot in facts["snapshots"]:
        yield f"  snapshot     {snapshot['snapshot_id']} of {snapshot['created_at']:%Y-%m-%d %H:%M:%S}"
        if snapshot["manifest"] is None:
            yield f"               its manifest is lost; see tuneloop datasets verify {snapshot['snapshot_id'][:16]}"
        if snapshot["forgotten"]:
            forgotten = how_many(snapshot["forgotten"], "example")
            yield f"               {forgotten} forgotten since, and taken out of the files"
        for split, file in snapshot["files"].items():
            examples = f"{how_many(file['examples'], 'example')}, " if file["examples"] is not None else ""
            yield f"    {split:<10} {examples}{how_many(file['lines'], 'line')} ({IN_WORDS[file['use']]})"
            yield f"               {file['place']}"
    yield "  every label  add --labels"
