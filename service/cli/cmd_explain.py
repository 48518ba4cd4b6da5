"""``tuneloop explain``: the whole story of a label or a data row, or what is behind a model, a file or a snapshot."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, app, print_json
from service.cli.showing import visible
from service.cli.tracing import IN_WORDS, model_of, show_trace
from service.config import load
from service.domain.errors import ConfigurationError, NotFound
from service.domain.reasons import in_words
from service.usecases.explain import explain as tell
from service.usecases.trace import trace


@app.command()
def explain(
    name: Annotated[
        str,
        typer.Argument(
            help="A label's, data row's or example's id, or a global key; or a snapshot, run, job, model or file."
        ),
    ],
    *,
    text: Annotated[bool, typer.Option("--text", help="Show the texts as well.")] = False,
    labels: Annotated[
        bool, typer.Option("--labels", help="List every label behind a snapshot, run, job, model or file, one a line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a label's whole story, down to the models that learned from it; or whose labels are behind a model."""
    deps = Deps(load(os.environ))
    try:
        found = tell(
            name, stories=deps.stories, snapshots=deps.snapshots, evaluations=deps.evaluations, files=deps.files
        )
    except NotFound:
        traced = trace(name, stories=deps.stories, snapshots=deps.snapshots)
        if traced is None:
            raise
        show_trace(name, traced, deps, labels=labels, as_json=as_json)
        return
    if labels:
        raise ConfigurationError(f"{name} is a data row's", remedy="Leave --labels out: the story names its labels.")
    if as_json:
        for standing in [item for row in found for item in row["pipelines"]]:
            standing["content"] = standing["content"] if text else None
        print_json(found)
        return
    for row in found:
        for line in lines_of_story(row, with_text=text):
            typer.echo(visible(line))


def lines_of_story(row: Mapping[str, Any], *, with_text: bool) -> Iterator[str]:
    """Write a story for people; texts only where they are asked for."""
    yield f"data row {row['data_row_id']}"
    if gone := row["forgotten"]:
        yield f"  forgotten      {_at(gone['at'])} on the word of {gone['asked_by'] or 'nobody'}: it stays away"
    yield f"  labels seen    {', '.join(row['label_ids']) or 'none'}"
    yield "  deliveries" if row["deliveries"] else "  deliveries     none: what is known was found by a reconcile"
    for item in row["deliveries"]:
        label = f" of label {item['label_id']}" if item["label_id"] else ""
        received, converted = _at(item["received_at"]), _at(item["converted_at"])
        yield f"    {received}  {item['topic']}{label}: {item['outcome']} at {converted}"
    for standing in row["pipelines"]:
        yield from _standing(standing, with_text=with_text)


def _standing(standing: Mapping[str, Any], *, with_text: bool) -> Iterator[str]:
    yield f"  pipeline {standing['pipeline']}"
    yield f"    stands as    {standing['status']}{_why(standing)}"
    if standing["label_id"]:
        choice = standing["choice_in_words"] or "chosen before the reasons were noted"
        yield f"    label        {standing['label_id']}, {choice}"
    if standing["version"]:
        yield f"    example      {standing['example_id']}, version {standing['version']}, {standing['tokens']} tokens"
        near = f", near-duplicates {standing['cluster']}" if standing["cluster"] else ""
        yield f"    split        {standing['split'] or 'none'}, group {standing['group_key'][:16] or 'none'}{near}"
    for found in standing["findings"]:
        yield f"    found        {found['code']}: {found['in_words']}"
    if with_text:
        yield from (f"    {turn['role']:<12} {turn['content']}" for turn in standing["content"])
    yield "    changes"
    for change in standing["history"]:
        label = f", label {change['label_id']}" if change["label_id"] else ""
        yield (
            f"      {_at(change['at'])}  {change['status']}{_why(change)}{label}, version {change['version']}, "
            f"by the export of {_at(change['observed_at'])}{_task(change['export'])}"
        )
    for line in standing["snapshots"]:
        yield from _snapshot(line)
    for run in standing["runs"]:
        yield from _run(run)
    if standing["version"] and not standing["snapshots"]:
        yield "    snapshots    none yet"


def _snapshot(line: Mapping[str, Any]) -> Iterator[str]:
    name = f"    snapshot     {line['snapshot_id'][:16]} of {_at(line['created_at'])}"
    if line["split"] is None:
        yield f"{name}: its manifest is lost; see tuneloop datasets verify {line['snapshot_id'][:16]}"
        return
    yield f"{name}: version {line['version']} in {line['split']} ({IN_WORDS[line['use']]})"
    out = "its text was taken out; the others are in " if line["forgotten"] else ""
    yield f"                 {out}{line['place']}"


def _run(run: Mapping[str, Any]) -> Iterator[str]:
    model = model_of(run)
    which = "" if run["serves_as"] == run["answers_as"] else f" its checkpoint {run['serves_as']}"
    serves = f",{which} serves now" if run["is_champion"] else ""
    uses = "; ".join(IN_WORDS[use] for use in run["uses"])
    yield f"    run          {run['run_id']} ({run['state']}), job {run['job_id'] or '-'}{model}{serves}: {uses}"
    if run["may_have_learned"]:
        yield "                 the job may have learned from it before it ended"
    if run["asked_models"]:
        yield f"                 asked: {', '.join(dict.fromkeys(run['asked_models'].values()))}"
    for name in ("training_file", "validation_file"):
        if run[name]:
            yield f"                 {name.replace('_', ' ')} {run[name]} at trainer {run['trainer']}"
    for checkpoint in run["checkpoints"] or ():
        if checkpoint.get("model"):
            yield f"                 checkpoint {checkpoint['model']}"


def _task(export: Mapping[str, Any] | None) -> str:
    return f" ({export['kind']}, Labelbox task {export['task_id']})" if export else ""


def _why(standing: Mapping[str, Any]) -> str:
    return f", because {in_words(standing['reason'])}" if standing["reason"] else ""


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
