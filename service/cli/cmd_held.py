"""What a check has held back, and what a person decides of it."""

from enum import StrEnum
from typing import Annotated

import typer

from service.cli.app import AsJson, AtMost, datasets, print_json
from service.cli.cmd_datasets import deps_now
from service.cli.showing import visible
from service.config import Settings
from service.domain.checks import CHECKS
from service.domain.errors import ConfigurationError, NotFound
from service.domain.examples import Example, Verb
from service.domain.plurals import how_many
from service.usecases.decide_held import decide_all, decide_named, held_examples

Reason = Annotated[str | None, typer.Option(help="Only where this check found something, such as personal_email.")]
Only = Annotated[str | None, typer.Option(help="Only this pipeline.")]


class DecisionName(StrEnum):
    """What a person decides."""

    KEEP = "keep"
    DROP = "drop"


@datasets.command("held")
def list_held(
    pipeline: Only = None,
    reason: Reason = None,
    limit: AtMost = 50,
    *,
    text: Annotated[bool, typer.Option("--text", help="Show the texts as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the examples that wait for your decision."""
    deps = deps_now()
    found = held_examples(deps.examples, _chosen(deps.settings, pipeline), code=_known(reason), limit=limit)
    if as_json:
        print_json([_facts(example, with_text=text) for example in found])
        return
    for example in found:
        key = f"  ({example.global_key})" if example.global_key else ""
        typer.echo(visible(f"{example.data_row_id}  {example.pipeline}  {', '.join(example.findings)}{key}"))
        for turn in example.content if text else ():
            typer.echo(visible(f"    {turn.role:<10} {turn.content}"))
    if found:
        typer.echo("\nKeep or drop them: tuneloop datasets decide keep ID ..., or --reason CODE for all of a kind.")
    else:
        typer.echo("Nothing waits for a decision.")


@datasets.command("decide")
def decide_examples(
    decision: Annotated[DecisionName, typer.Argument(help="keep: train on it all the same; drop: leave it out.")],
    ids: Annotated[
        list[str] | None, typer.Argument(help="Ids of data rows, labels or examples, or global keys.")
    ] = None,
    pipeline: Only = None,
    reason: Reason = None,
) -> None:
    """Keep or drop what a check found something in; it lasts until content or findings change, or you decide anew.

    With --reason only examples that this check alone holds back are decided.
    """
    deps = deps_now()
    if not ids and not reason:
        raise ConfigurationError("nobody said what to decide", remedy="Give ids, or --reason for all of a kind.")
    code = _known(reason)
    verb: Verb = "keep" if decision is DecisionName.KEEP else "drop"
    pipelines = {name: deps.settings.pipelines[name] for name in _chosen(deps.settings, pipeline)}
    if ids:
        found = decide_named(verb, ids, code=code, examples=deps.examples, stories=deps.stories, pipelines=pipelines)
    else:
        found = decide_all(verb, code or "", examples=deps.examples, pipelines=pipelines)
    typer.echo(f"{how_many(found.number, 'example')} {'kept' if verb == 'keep' else 'dropped'}.")
    if found.passed_over:
        typer.echo(f"{found.passed_over} were passed over: other checks found something as well. Decide them by id.")


def _chosen(settings: Settings, pipeline: str | None) -> list[str]:
    if pipeline not in {None, *settings.pipelines}:
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(settings.pipelines)}")
    return [name for name in settings.pipelines if pipeline in {None, name}]


def _known(reason: str | None) -> str | None:
    if reason is not None and (reason not in CHECKS or "hold" not in CHECKS[reason].allowed):
        codes = ", ".join(code for code, check in CHECKS.items() if "hold" in check.allowed)
        raise ConfigurationError(f"{reason!r} holds nothing back", remedy=f"One of: {codes}.")
    return reason


def _facts(example: Example, *, with_text: bool) -> dict[str, object]:
    said = [{"role": turn.role, "content": turn.content, "rejected": list(turn.rejected)} for turn in example.content]
    return {
        "pipeline": example.pipeline,
        "data_row_id": example.data_row_id,
        "example_id": example.example_id,
        "global_key": example.global_key,
        "label_id": example.label_id,
        "reason": example.reason,
        "findings": list(example.findings),
        "observed_at": example.observed_at,
        "content": said if with_text else None,
    }
