"""The API: every read, in one table."""

from collections.abc import Mapping
from itertools import starmap
from typing import Any, TypeVar

import msgspec

from service.bootstrap import Deps, now
from service.config import TrainerSettings
from service.domain.errors import NotFound
from service.domain.pipelines import Pipeline
from service.domain.reports import WORST, EvaluationReport
from service.domain.runs import Run
from service.domain.stable_names import stable_name
from service.usecases.report_evaluation import NoEvaluation, Wanted, report_evaluation
from service.usecases.report_money import Money, report_money
from service.usecases.report_run import report_run, series_of
from service.usecases.report_status import Status, report_status
from service.usecases.sunset import champion_sunset
from service.usecases.take_stock import take_stock
from service.web.answers import (
    Champion,
    DeadLetter,
    DeadLetterList,
    Evaluation,
    Evidence,
    ExampleCounts,
    PipelineDetail,
    PipelineList,
    PipelineSummary,
    RunDetail,
    RunList,
    Serving,
    Transition,
    summarize_run,
)
from service.web.openapi import describe_api
from service.web.operations import Operation, name_parameter, number_parameter
from service.web.report_answers import EventList, Series, event_answer, report_answer

MOST_ROWS = 500
MOST_EVENTS = 999_999_999
MOST_EXAMPLES = 10_000
MOST_STEPS = 999_999_999
Answer = TypeVar("Answer")


def _status(deps: Deps) -> Status:
    return report_status(deps.settings.pipelines, deps, clock=now)


def _money(deps: Deps) -> Money:
    return report_money(deps.settings.pipelines, deps, now=now())


def _pipelines(deps: Deps) -> PipelineList:
    return PipelineList(tuple(PipelineSummary(**_named(pipeline)) for pipeline in deps.settings.pipelines.values()))


def _pipeline(deps: Deps, *, name: str) -> PipelineDetail:
    pipeline = deps.settings.pipelines.get(name)
    if pipeline is None:
        raise NotFound(f"no pipeline {name!r}")
    stock = take_stock(pipeline, deps, now=now())
    counts = stock.counts
    return PipelineDetail(
        **_named(pipeline),
        examples=ExampleCounts(
            train=counts.train,
            validation=counts.validation,
            held_out=counts.held_out,
            new=counts.new,
            held=counts.held,
            threshold=pipeline.trigger.threshold,
            first_new_at=counts.first_new_at,
            last_new_at=counts.last_new_at,
        ),
        decision=stock.decision,
        reconciled_at=stock.reconciled.at if stock.reconciled else None,
        drift=stock.reconciled.drift if stock.reconciled else None,
        champion=_read(Champion, stock.champion) if stock.champion else None,
        last_run=summarize_run(stock.newest) if stock.newest else None,
    )


def _serving(deps: Deps, *, name: str) -> Serving:
    champion = deps.evaluations.champion(name)
    if champion is None:
        known = name in deps.settings.pipelines
        raise NotFound(f"pipeline {name!r} has no champion yet" if known else f"no pipeline {name!r}")
    trainer, evidence = deps.settings.trainers.get(champion["trainer"]), champion["evidence"] or {}
    return Serving(
        pipeline=name,
        model=champion["model"],
        trainer=champion["trainer"],
        base_url=trainer.base_url if trainer else None,
        stable_name=_stable_name(champion, trainer),
        system=evidence.get("system"),
        since=champion["promoted_at"],
        run_id=champion["run_id"],
        snapshot_id=evidence.get("snapshot_id"),
        decided=champion["decided"],
        evidence=_read(Evidence, evidence) if evidence.get("run_id") else None,
        shutdown_on=champion_sunset(champion, deps).shutdown_on,
        gone=champion["gone_since"] is not None,
        gone_since=champion["gone_since"],
    )


def _stable_name(champion: Mapping[str, Any], trainer: TrainerSettings | None) -> str | None:
    """Give the name that means this champion for sure."""
    is_set = trainer is not None and trainer.manners.aliases and champion["named_for"] == champion["position"]
    return stable_name(champion["pipeline"]) if is_set else None


def _dead_letters(deps: Deps, *, limit: int) -> DeadLetterList:
    return DeadLetterList(deps.letters.count(), tuple(_read(DeadLetter, row) for row in deps.letters.open(limit)))


def _runs(deps: Deps, *, pipeline: str | None, limit: int) -> RunList:
    found = deps.runs.recent(pipeline, limit)
    # A pipeline that was taken out of the configuration keeps its runs.
    if pipeline is not None and not found and pipeline not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {pipeline!r}")
    return RunList(tuple(map(summarize_run, found)))


def _run(deps: Deps, *, run_id: str) -> RunDetail:
    run = _known(deps, run_id)
    evaluation = deps.evaluations.evaluation(run_id)
    return RunDetail(
        run=summarize_run(run),
        report=report_run(run, deps),
        history=tuple(_read(Transition, row) for row in deps.runs.history(run_id)),
        evaluation=_read(Evaluation, evaluation) if evaluation else None,
        ledger=tuple(deps.ledger.entries_of(run_id)),
    )


def _events(deps: Deps, *, run_id: str, limit: int, before: int | None) -> EventList:
    found = deps.reports.newest_events(_known(deps, run_id).run_id, limit=limit, before=before)
    return EventList(deps.reports.count_events(run_id), tuple(starmap(event_answer, found)))


def _series(deps: Deps, *, run_id: str) -> Series:
    return Series(tuple(series_of(_known(deps, run_id), deps)))


def _report(deps: Deps, *, run_id: str, worst: int, checkpoint: int | None) -> msgspec.Raw:
    try:
        wanted = Wanted(worst=worst, checkpoint=checkpoint)
        return report_answer(report_evaluation(_known(deps, run_id).run_id, deps, wanted))
    except NoEvaluation as error:
        raise NotFound(str(error)) from error


def _known(deps: Deps, run_id: str) -> Run:
    run = deps.runs.get(run_id)
    if run.run_id != run_id:
        # People may shorten an id, a program must not: today's only match is not tomorrow's.
        raise NotFound(f"no run {run_id!r}")
    return run


def _document(_deps: Deps) -> Mapping[str, Any]:
    return describe_api(OPERATIONS)


def _named(pipeline: Pipeline) -> dict[str, str]:
    return {
        "name": pipeline.name,
        "project": pipeline.labels.project,
        "trainer": pipeline.train.trainer,
        "model": pipeline.train.model,
    }


def _read(kind: type[Answer], row: Mapping[str, Any]) -> Answer:
    """Choose from a row what an answer shows."""
    # A database row's keys are SQLAlchemy's own kind of str, which msgspec does not take for one.
    return msgspec.convert({str(key): value for key, value in row.items()}, kind)


_PIPELINE = name_parameter("Only runs of this pipeline.")
_LIMIT = number_parameter(default=50, most=MOST_ROWS, description="How many at most.")
_BEFORE = number_parameter(default=None, most=MOST_EVENTS, description="Only events with a smaller number than this.")
_WORST = number_parameter(default=WORST, most=MOST_EXAMPLES, description="How many examples at most, the worst first.")
_STEP = number_parameter(default=None, most=MOST_STEPS, description="The judged checkpoint of this step instead.")
_PAGE = {"limit": _LIMIT, "before": _BEFORE}
OPERATIONS = (
    Operation("/status", "Where everything stands, as `tuneloop status --json` tells it", Status, _status),
    Operation("/pipelines", "The pipelines of the configuration", PipelineList, _pipelines),
    Operation("/pipelines/{name}", "Where one pipeline stands", PipelineDetail, _pipeline, may_miss=True),
    Operation("/pipelines/{name}/champion", "Which model to ask", Serving, _serving, may_miss=True, has_tag=True),
    Operation("/money", "The month's money, as `tuneloop money --json` tells it", Money, _money),
    Operation("/dead-letters", "Work set aside", DeadLetterList, _dead_letters, {"limit": _LIMIT}),
    Operation("/runs", "Runs", RunList, _runs, {"pipeline": _PIPELINE, "limit": _LIMIT}, may_miss=True),
    Operation("/runs/{run_id}", "One run", RunDetail, _run, may_miss=True),
    Operation("/runs/{run_id}/events", "What the trainer said of its job", EventList, _events, _PAGE, may_miss=True),
    Operation("/runs/{run_id}/series", "What its job measured, by step", Series, _series, may_miss=True),
    Operation(
        "/runs/{run_id}/report",
        "Its evaluation told whole, as `tuneloop report RUN --json` tells it, label texts and answers included",
        EvaluationReport,
        _report,
        {"worst": _WORST, "checkpoint": _STEP},
        may_miss=True,
        has_texts=True,
    ),
    Operation("/openapi.json", "This document", dict[str, Any], _document),
)
