"""The demo's report on the terminal."""

import textwrap
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.domain.metrics import metric_named

CHAT_LINES = 6


def print_report(facts: Mapping[str, Any], console: Console) -> None:
    """Print what happened, for a person who has not read anything else."""
    console.rule("[bold]What was received")
    _received(facts, console)
    for number, run in enumerate(facts["runs"], start=1):
        console.rule(f"[bold]Run {number}: {run['state']}")
        _run(run, console)
    if facts["side_by_side"]:
        console.rule("[bold]Three held-out chats, base against tuned")
        for item in facts["side_by_side"]:
            _side_by_side(item, console)
    console.rule("[bold]The result")
    _result(facts, console)


def _received(facts: Mapping[str, Any], console: Console) -> None:
    labelbox, received, labels = facts["received"]["labelbox"], facts["received"], facts["labels"]
    table = _plain()
    table.add_row("due from Labelbox", str(labelbox["made"]), "webhook deliveries")
    table.add_row("sent twice", str(labelbox["doubled"]), "stored once each")
    table.add_row("lost on the way", str(labelbox["lost"]), "never arrived")
    table.add_row("late or out of order", str(labelbox["delayed"] + labelbox["reordered"]), "order does not matter")
    table.add_row("stored and converted", str(received["stored_once"]), "signed, durable before they were answered")
    looks = f"examples, seen without a delivery or before it, in {received['reconciles']} looks"
    table.add_row("healed by reconcile", str(received["healed_by_reconcile"]), looks)
    same = "the same rows, the same texts" if labels["equal"] else "[red]NOT the same[/]"
    table.add_row("approved in Labelbox", str(labels["approved_in_labelbox"]), "")
    table.add_row("examples here", str(labels["examples_here"]), same)
    console.print(table)


def _run(run: Mapping[str, Any], console: Console) -> None:
    table = _plain()
    snapshot, cost, evaluation = run["snapshot"], run["cost"], run["evaluation"]
    if snapshot:
        lines = snapshot["lines"]
        words = f"{lines['train']} train, {lines['validation']} validation, {lines['held_out']} held out"
        table.add_row("snapshot", snapshot["snapshot_id"][:16], words)
        usd = f"{cost['usd']:.2f} USD"
        table.add_row(
            "would have cost", usd, f"{cost['model']}, {cost['epochs']} epochs, price of {cost['price_as_of']}"
        )
    if run["steps"]:
        words = f"loss {run['first_loss']:.3f} to {run['last_loss']:.3f} in {run['steps']} steps"
        table.add_row("training job", run["job_id"], words)
    if run["error"]:
        table.add_row("error", "", escape(str(run["error"])))
    console.print(table)
    if evaluation:
        _evaluation(evaluation, console)


def _evaluation(evaluation: Mapping[str, Any], console: Console) -> None:
    roles = list(evaluation["models"])
    table = Table("", *roles, box=None, padding=(0, 2), header_style="bold")
    for name, by_role in evaluation["intervals"].items():
        metric = metric_named(name)
        arrow = "higher is better" if metric.higher_is_better else "lower is better"
        cells = [_interval(by_role[role], percent=metric.high == 1) for role in roles]
        table.add_row(f"{name} [dim]({arrow})[/]", *cells)
    console.print(table)
    console.print(f"  [dim]on {evaluation['held_out']} held-out examples; in brackets 95 % intervals[/]")
    console.print(f"  verdict: [bold]{evaluation['outcome']}[/]. {escape(evaluation['sentence'])}\n")


def _interval(found: Mapping[str, Any], *, percent: bool) -> str:
    if found["mean"] is None:
        return "-"
    mean, low, high = (found[name] * (100 if percent else 1) for name in ("mean", "low", "high"))
    return f"{mean:.0f} % \\[{low:.0f}, {high:.0f}]" if percent else f"{mean:.1f} \\[{low:.1f}, {high:.1f}]"


def _side_by_side(item: Mapping[str, str], console: Console) -> None:
    lines = item["chat"].splitlines()
    shown = lines[:CHAT_LINES] + ([f"... {len(lines) - CHAT_LINES} more turns"] if len(lines) > CHAT_LINES else [])
    table = _plain()
    table.add_row("[dim]chat[/]", "\n".join(f"[dim]{escape(textwrap.shorten(line, 110))}[/]" for line in shown))
    for name in ("human", "base", "tuned"):
        table.add_row(name, escape(textwrap.shorten(item[name], 330)))
    console.print(table)
    console.print()


def _result(facts: Mapping[str, Any], console: Console) -> None:
    champion = facts["champion"]
    rows = {"champion": champion["model"] if champion else "none", **facts["paths"]}
    for name, value in rows.items():
        # No table: it would cut the paths where the terminal is narrow.
        console.print(f"  {name:<15} {escape(value)}", soft_wrap=True)
    if facts["closed"]:
        console.print(f"\n[bold green]The loop closed[/] in {facts['seconds']:.0f} s.")
    else:
        console.print("\n[bold red]The loop did not close:[/] " + "; ".join(facts["gaps"]))


def _plain() -> Table:
    return Table(box=None, show_header=False, padding=(0, 2))
