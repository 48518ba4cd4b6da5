"""``tuneloop models compare`` and ``tuneloop runs judge``: is an earlier checkpoint better than the run's own model?"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, models, print_json, runs
from service.cli.evaluation_lines import in_words, lines_of_evaluation
from service.cli.showing import visible
from service.config import load
from service.domain.plurals import how_many
from service.usecases.ask_patiently import Patience
from service.usecases.compare_checkpoints import CheckpointComparison, Compared, compare_checkpoints
from service.usecases.judge_checkpoint import judge_checkpoint

RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id or the beginning of it.")]


@models.command()
def compare(
    run_id: RunId,
    *,
    checkpoints: Annotated[  # noqa: ARG001 - nothing else of one run can be compared
        bool, typer.Option("--checkpoints", help="Its checkpoints; so also without.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Compare the checkpoints of a run on its validation examples, and say which one to judge.

    Asks what they have not answered yet, and pays for it. The held-out examples are not looked at.
    """
    found = compare_checkpoints(run_id, Deps(load(os.environ)).parts_by_hand, _patience())
    if as_json:
        print_json(asdict(found))
        return
    for line in _lines_of_comparison(found):
        typer.echo(visible(line))


@runs.command()
def judge(
    run_id: RunId,
    *,
    checkpoint: Annotated[int, typer.Option(metavar="STEP", help="An earlier checkpoint's step.")],
    as_json: AsJson = False,
) -> None:
    """Judge an earlier checkpoint of a judged run on the held-out examples, against champion and base.

    It is a look of its own, which makes the next one harder, and is taken once. Nothing is promoted by it.
    """
    found = judge_checkpoint(run_id, checkpoint, Deps(load(os.environ)).parts_by_hand, _patience())
    if as_json:
        print_json(asdict(found))
        return
    for line in (
        f"{found.model}, step {checkpoint} of {found.run_id}" + ("" if found.is_new else ", judged before"),
        *lines_of_evaluation(found.evaluation),
        f"to let it serve: tuneloop models promote {found.run_id} --checkpoint {checkpoint}",
    ):
        typer.echo(visible(line))


def _lines_of_comparison(found: CheckpointComparison) -> Iterator[str]:
    yield f"{found.run_id}  {found.pipeline}, {found.validation} validation examples"
    for model in found.models:
        yield from _lines_of_model(model, is_recommended=not model.is_final and model.step == found.recommended)
    if found.recommended is None:
        yield f"recommended: the run's own model; no earlier checkpoint is better by {found.ranked_by}, guards held"
        return
    if any(model.is_final and model.gone is not None for model in found.models):
        yield f"recommended: step {found.recommended}, of those that answer; the run's own model does not"
    else:
        yield _recommendation(found)
    yield f"held-out examples decide: tuneloop runs judge {found.run_id} --checkpoint {found.recommended}"


def _recommendation(found: CheckpointComparison) -> str:
    sure = "better than the run's own model" if found.is_proven else "not surely better than the run's own model"
    return f"recommended: step {found.recommended}, {sure} by {found.ranked_by}"


def _lines_of_model(model: Compared, *, is_recommended: bool) -> Iterator[str]:
    step = "the end" if model.step is None else f"step {model.step}"
    notes = ["the run's own"] if model.is_final else []
    notes += [f"judged: {model.outcome}"] if model.outcome else []
    notes += ["recommended"] if is_recommended else []
    yield f"  {step:<10} {model.model}" + (f"  ({', '.join(notes)})" if notes else "")
    if model.gone is not None:
        yield f"             gone: {model.gone}"
    if model.unfinished:
        yield f"             cut or refused, and counted as the worst: {how_many(model.unfinished, 'answer')}"
    for metric, interval in model.intervals.items():
        against = model.against_final.get(metric)
        yield f"             {metric}: {in_words(interval)}" + (_difference(against) if against else "")


def _difference(against: Mapping[str, Any]) -> str:
    size, better = abs(against["difference"]), against["difference"] > 0
    if not size:
        return ", as the run's own"
    return f", {size:.3g} {'better' if better else 'worse'} than the run's own, p = {against['p']:.3g}"


def _patience() -> Patience:
    return Patience(time.sleep, partial(typer.echo, err=True))
