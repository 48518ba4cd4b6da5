"""Tell people in time: a budget is nearly spent, or a pipeline no longer starts runs by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from service.domain.notices import Notice
from service.domain.pipelines import Pipeline
from service.domain.spending import BudgetState
from service.domain.triggers import Reason, open_breaker
from service.ports import NoticeStore
from service.usecases.doors import Doorkeepers
from service.usecases.report_money import budget_states


class Watched(Doorkeepers, Protocol):
    """Everything that is looked at, and where notices go."""

    @property
    def notices(self) -> NoticeStore:
        """What people should hear of."""


def warn(pipelines: Mapping[str, Pipeline], watched: Watched, *, now: datetime) -> int:
    """Put every notice that is due; one of a kind and key is told once, so this may be done at any time.

    Returns:
        The number of notices that are new.
    """
    states = budget_states(pipelines, watched, watched.ledger.month(now=now))
    due = [_budget_near(state, warning, now) for state in states if (warning := state.warning)]
    for name, pipeline in pipelines.items():
        counts = watched.examples.counts(name)
        if reason := open_breaker(pipeline.trigger, counts):
            due.append(_breaker_open(name, counts.last_run, reason))
    return sum(watched.notices.put(notice, now=now) for notice in due)


def _budget_near(state: BudgetState, warning: Reason, now: datetime) -> Notice:
    return Notice(
        kind="budget_near",
        key=f"{state.budget.name} {now:%Y-%m}",
        title=f"Budget nearly spent: {state.budget.in_words}",
        text=f"{warning.text}. See by what: tuneloop money",
        pipeline=state.budget.pipeline,
        facts=warning.facts,
    )


def _breaker_open(pipeline: str, last_run: int, reason: Reason) -> Notice:
    return Notice(
        kind="breaker_open",
        # A run that is started by hand and fails as well is news.
        key=f"{pipeline} {last_run}",
        title=f"{pipeline} starts no more runs by itself",
        text=f"{reason.text}.",
        pipeline=pipeline,
        facts=reason.facts,
    )
