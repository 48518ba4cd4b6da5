"""``tuneloop validate``: what a trainer would refuse in a file, what one may regret, and what it would cost."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.app import AsJson, app, print_json
from service.cli.validation import Examined, compare, examine
from service.config import load
from service.config.prices import OPENAI_PRICES
from service.domain.base_models import encoding_of, line_limit_of
from service.domain.budgets import Price, estimate_cost, price_of
from service.domain.contents import Form
from service.domain.errors import ConfigurationError
from service.domain.line_rules import severity_of, words_of


@app.command()
def validate(  # noqa: PLR0917 - typer reads options from the signature
    file: Annotated[Path, typer.Argument(help="JSONL file of training lines, or - for standard input.")],
    validation: Annotated[Path | None, typer.Option(help="The validation file, which must share nothing.")] = None,
    model: Annotated[str, typer.Option(help="The model to be trained: its limit, its tokens, its price.")] = "",
    epochs: Annotated[int | None, typer.Option(min=1, max=50, help="By default as many as OpenAI chooses.")] = None,
    form: Annotated[Form | None, typer.Option("--format", help="By default what most lines are.")] = None,
    show: Annotated[int, typer.Option(min=1, help="How many line numbers to show for each finding.")] = 5,
    *,
    as_json: AsJson = False,
) -> None:
    """Check a training file as a trainer does, before it is paid for; needs no server and no configuration."""
    if str(file) == str(validation) == "-":
        raise ConfigurationError("both files are standard input", remedy="Name one of them.")
    with ExitStack() as stack:
        training = stack.enter_context(examine(file, model=model, form=form, shown=show))
        files = {str(file): training}
        if validation is not None:
            wanted = form or training.form
            other = stack.enter_context(examine(validation, model=model, form=wanted, fewest=1, shown=show))
            files[str(validation)] = other
            compare(training, other)
        facts: dict[str, Any] = {
            "files": [_facts(name, found) for name, found in files.items()],
            "cost": _cost(training, model, epochs or "auto"),
        }
    refused = any(finding["severity"] == "error" for told in facts["files"] for finding in told["findings"])
    if as_json:
        print_json({"ok": not refused, **facts})
    else:
        for line in _report(facts):
            typer.echo(line)
    raise typer.Exit(1 if refused else 0)


def _facts(name: str, found: Examined) -> dict[str, Any]:
    ordered = sorted(found.findings, key=lambda code: (severity_of(code), -found.findings[code].count, code))
    return {
        "file": name,
        "form": found.form,
        "lines": found.lines,
        "bytes": found.file_bytes,
        "tokens": found.tokens,
        "findings": [_finding(code, found) for code in ordered],
    }


def _finding(code: str, found: Examined) -> dict[str, Any]:
    words, remedy = words_of(code)
    tally = found.findings[code]
    return {
        "code": code,
        "severity": severity_of(code),
        "lines": tally.count,
        "first_lines": tally.first,
        "words": words,
        "remedy": remedy,
    }


def _cost(training: Examined, model: str, epochs: int | str) -> dict[str, Any]:
    price = price_of(model, _prices())
    estimate = estimate_cost(training.tokens, lines=training.lines, n_epochs=epochs, price=price)
    return {
        "model": model or None,
        "encoding": encoding_of(model),
        "line_limit": line_limit_of(model),
        "tokens": estimate.tokens,
        "epochs": estimate.epochs,
        "usd": estimate.usd,
        "usd_per_million_tokens": price.train_usd_per_million if price else None,
        "price_as_of": price.as_of if price else None,
    }


def _prices() -> Mapping[str, Price]:
    """Give the built-in prices, and those of a configuration if there is one."""
    if not (os.environ.get("TUNELOOP_CONFIG") or Path("tuneloop.toml").exists()):
        return OPENAI_PRICES
    try:
        trainers = load(os.environ).trainers.values()
    except ConfigurationError as error:
        typer.echo(f"note: its prices are not used, because it cannot be read: {error}", err=True)
        return OPENAI_PRICES
    return {**OPENAI_PRICES, **{model: price for trainer in trainers for model, price in trainer.prices.items()}}


def _report(facts: Mapping[str, Any]) -> Iterator[str]:
    cost = facts["cost"]
    for told in facts["files"]:
        form = f"{told['form']} " if told["form"] else ""
        yield f"{told['file']}: {told['lines']:,} {form}lines, {told['tokens']:,} tokens by {cost['encoding']}"
        for finding in told["findings"]:
            yield from _row(finding)
        if not told["findings"]:
            yield "ok       nothing found"
    yield _cost_in_words(cost)


def _row(finding: Mapping[str, Any]) -> Iterator[str]:
    listed = ", ".join(map(str, finding["first_lines"]))
    more = ", ..." if finding["lines"] > len(finding["first_lines"]) > 0 else ""
    where = f"{finding['lines']:>8,}  line {listed}{more}" if listed else "    file"
    yield f"{finding['severity']:<8} {finding['code']:<26}{where}"
    yield f"         {finding['words']}. {finding['remedy']}"


def _cost_in_words(cost: Mapping[str, Any]) -> str:
    billed = f"{cost['tokens']:,} tokens x {cost['epochs']} epochs"
    if cost["model"] is None:
        return f"cost     {billed}; --model M tells the price"
    if cost["usd"] is None:
        return f"cost     {billed}; no price known for {cost['model']}"
    return (
        f"cost     {billed} x {cost['usd_per_million_tokens']:g} USD per million = {cost['usd']:.2f} USD with "
        f"{cost['model']}, price of {cost['price_as_of']}"
    )
