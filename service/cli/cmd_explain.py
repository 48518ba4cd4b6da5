"""``tuneloop explain``: the whole story of a label, a data row or a global key."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, app, print_json
from service.config import load
from service.domain.reasons import in_words
from service.usecases.explain import explain as tell


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="A label's, data row's or example's id, or a global key.")],
    *,
    text: Annotated[bool, typer.Option("--text", help="Show the texts as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a label's whole story: deliveries, exports, the choice, the example, snapshots, jobs and models."""
    deps = Deps(load(os.environ))
    found = tell(name, stories=deps.stories, snapshots=deps.snapshots, evaluations=deps.evaluations)
    if as_json:
        for standing in [item for row in found for item in row["pipelines"]]:
            standing["content"] = standing["content"] if text else None
        print_json(found)
        return
    for row in found:
        for line in lines_of_story(row, with_text=text):
            typer.echo(line)


def lines_of_story(row: Mapping[str, Any], *, with_text: bool) -> Iterator[str]:
    """Write a story for people; texts only where they are asked for."""
    yield f"data row {row['data_row_id']}"
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
        yield f"    example      {standing['example_id']}, version {standing['version']}"
        yield f"    split        {standing['split'] or 'none'}, group {standing['group_key'][:16] or 'none'}"
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
        use = "asked, never taught" if line["split"] == "held_out" else "taught"
        use = "measured while training" if line["split"] == "validation" else use
        yield (
            f"    snapshot     {line['snapshot_id'][:16]} of {_at(line['created_at'])}: version {line['version']} "
            f"in {line['split']} ({use})"
        )
    for run in standing["runs"]:
        model = f", model {run['tuned_model']}" if run["tuned_model"] else ""
        serves = ", serves now" if run["is_champion"] else ""
        yield f"    run          {run['run_id']} ({run['state']}), job {run['job_id'] or '-'}{model}{serves}"
    if standing["version"] and not standing["snapshots"]:
        yield "    snapshots    none yet"


def _task(export: Mapping[str, Any] | None) -> str:
    return f" ({export['kind']}, Labelbox task {export['task_id']})" if export else ""


def _why(standing: Mapping[str, Any]) -> str:
    return f", because {in_words(standing['reason'])}" if standing["reason"] else ""


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
