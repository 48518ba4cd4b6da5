"""``tuneloop labelbox gaps``: send work back to the labelers, and see what it changed."""

import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, labelbox, print_json
from service.cli.showing import visible
from service.config import load
from service.domain.errors import ConfigurationError
from service.domain.gap_outcomes import OUTCOMES
from service.domain.gaps import DEFAULT_MOST, GapRow
from service.domain.plurals import how_many
from service.logs import silence_logging
from service.usecases.report_gaps import report_gaps
from service.usecases.send_gaps import Draft, draft_gaps, give_up_gaps, send_gaps

_NO_STATES: Mapping[str, int] = {}


class Kind(StrEnum):
    """What a gap may be."""

    CONFLICT = "conflict"
    FAILURE = "failure"
    SLICE = "slice"
    STALE = "stale"


@labelbox.command()
def gaps(
    pipeline: Annotated[str, typer.Argument(help="Whose labelers.")],
    most: Annotated[int, typer.Option(min=1, help="So many rows may be with the labelers at once.")] = DEFAULT_MOST,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only this kind; may be given several times.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent, and why.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Say what was sent and what it changed.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Close a plan that could not be completed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the rows that would help most back to the labelers: new prompts as a batch, doubtful labels to rework."""
    silence_logging()
    if sum((dry_run, report, give_up)) > 1:
        raise ConfigurationError("--dry-run, --report and --give-up exclude each other", remedy="Give one of them.")
    parts = Deps(load(os.environ)).gap_parts
    if report:
        found = report_gaps(pipeline, parts)
        print_json(found) if as_json else say_report(found)
        return
    if give_up:
        plan = give_up_gaps(pipeline, parts)
        facts = {"pipeline": pipeline, "plan": plan.plan_id if plan else None}
        words = f"{pipeline}: plan {plan.plan_id} is given up" if plan else f"{pipeline}: no plan is unfinished"
        print_json(facts) if as_json else typer.echo(words)
        return
    kinds = [found.value for found in kind or ()]
    act = draft_gaps if dry_run else send_gaps
    draft = act(pipeline, parts, most=most, kinds=kinds)
    print_json(_facts(draft, dry_run=dry_run)) if as_json else _say(draft, dry_run=dry_run)


def _facts(draft: Draft, *, dry_run: bool) -> dict[str, Any]:
    plan = draft.plan
    return {
        "pipeline": plan.pipeline,
        "plan": plan.plan_id if plan.rows else None,
        "dry_run": dry_run,
        "resumed": draft.is_resumed,
        "out_before": draft.out,
        "notes": list(draft.notes),
        "rows": [_row_facts(row) for row in plan.rows],
    }


def _row_facts(row: GapRow) -> dict[str, Any]:
    sent = row.candidate
    return {
        "data_row_id": sent.data_row_id,
        "kind": sent.kind,
        "action": sent.action,
        "state": row.state,
        "reason": sent.reason,
        "target": sent.target,
        "label_id": sent.label_id,
    }


def _say(draft: Draft, *, dry_run: bool) -> None:
    plan = draft.plan
    for note in draft.notes:
        typer.echo(visible(f"note: {note}"))
    if not plan.rows:
        typer.echo(f"{plan.pipeline}: nothing to send")
        return
    watched = sum(row.is_control for row in plan.rows)
    sent = len(plan.rows) - watched
    head = "would send" if dry_run else "completed the unfinished plan" if draft.is_resumed else "sent"
    typer.echo(f"{plan.pipeline}: {head} {plan.plan_id}: {how_many(sent, 'row')}, and {watched} more only watched")
    for row in plan.rows:
        state = "watched" if row.is_control else "to send" if dry_run and row.state == "planned" else row.state
        item = row.candidate
        typer.echo(visible(f"  {state:<9} {item.kind:<8} {item.action:<8} {item.data_row_id}  {item.reason}"))


def say_report(found: dict[str, Any]) -> None:
    """Print a report; see ``report_gaps``."""
    plans, out = how_many(len(found["plans"]), "plan"), how_many(found["out"], "row")
    typer.echo(f"{found['pipeline']}: {plans}, {out} with the labelers")
    for plan in found["plans"]:
        if plan["rows"]:
            _say_outcomes(f"{plan['plan']} of {plan['at'][:10]}", plan["outcomes"], plan["rows"])
    for kind, facts in found["kinds"].items():
        if facts["sent"] or facts["control"]:
            _say_outcomes(f"{kind}, all plans", facts)
    scores = found["scores"]
    if scores["run"]:
        rows = how_many(scores["sent"], "row")
        typer.echo(f"  scores of the model of {scores['run']}, trained on {scores['taught']} of {rows} sent:")
    elif scores["sent"]:
        typer.echo("  scores: cannot tell yet: no model that was trained on the rows sent has been evaluated")
    _say_by_lot(f"  {scores['metric']} of the failed held-out prompts", scores["failures"])
    _say_by_lot(f"  {scores['metric']} of the weak slices, all plans", scores["weak"])
    for part in scores["slices"]:
        inside, others = _moved(part["inside"]), _moved(part["others"])
        typer.echo(visible(f"  {part['slice']}: {inside}, all others {others} (not by lot): {_effect(part)}"))
        _say_by_lot("    within it", part["by_lot"])


def _say_outcomes(name: str, facts: dict[str, Any], states: Mapping[str, int] = _NO_STATES) -> None:
    others = "".join(f", {number} {state}" for state, number in states.items() if state not in {"sent", "control"})
    typer.echo(f"  {name}: {facts['sent']} sent, {facts['control']} only watched{others}")
    for outcome in OUTCOMES:
        told = facts[outcome]
        counts = f"{told['sent']} of {facts['sent']} sent, {told['control']} of {facts['control']} watched"
        typer.echo(f"    {outcome}: {counts}: {_effect(told)}")


def _say_by_lot(name: str, facts: dict[str, Any]) -> None:
    sent, watched = facts["sent"], facts["control"]
    if sent["questions"] or watched["questions"]:
        places = f"{_moved(sent)} where rows were sent, {_moved(watched)} where only watched"
        typer.echo(f"{name}: {places}: {_effect(facts)}")


def _moved(facts: dict[str, Any]) -> str:
    moved = facts["moved"]
    if moved is None:
        return "not known"
    change = f"better by {moved:+.2f}" if round(moved, 2) else "unchanged"
    return f"{change} ({how_many(facts['questions'], 'question')})"


def _effect(told: dict[str, Any]) -> str:
    effect = told["effect"]
    numbers = f" ({effect['difference']:+.2f}, {effect['low']:+.2f} to {effect['high']:+.2f})" if effect else ""
    return f"{told['words']}{numbers}"
