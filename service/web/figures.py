"""What the database knows, as figures: a few indexed queries for each pipeline."""

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import product

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from service.adapters.sql_runs import followed_runs
from service.adapters.sql_tallies import tally_runs
from service.bootstrap import Deps, now
from service.domain.pipelines import Pipeline
from service.domain.runs import RunState
from service.usecases.doors import weigh
from service.usecases.report_money import budget_states
from service.usecases.report_run import looked_at
from service.usecases.sunset import champion_sunset
from service.usecases.take_stock import Drift, last_reconcile

# Name, words and the labels beside the pipeline's name.
_PIPELINE_FIGURES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "tuneloop_examples": ("Examples that stand now, by split.", ("split",)),
    "tuneloop_new_examples": ("Newly accepted or changed examples since the last run.", ()),
    "tuneloop_held_examples": ("Examples that wait for a person's decision.", ()),
    "tuneloop_run_due": ("Whether a run is due now: 1 or 0.", ()),
    "tuneloop_runs": ("Runs, by state.", ("state",)),
    "tuneloop_champion_days_left": ("Days until the model that serves shuts down, negative once it has.", ()),
    "tuneloop_job_look_age_seconds": ("Seconds since the open job at the trainer was last looked at.", ("trainer",)),
    "tuneloop_reconcile_age_seconds": ("Seconds since the project was last read.", ()),
    "tuneloop_drift_rows": ("Data rows that differed from Labelbox when the project was last read.", ()),
    "tuneloop_drift_left": ("Differences that could not be mended then.", ()),
    "tuneloop_labels": ("Labels when the project was last read, in Labelbox and here.", ("place",)),
}
Add = Callable[..., None]


def gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    """Make a gauge without samples."""
    return GaugeMetricFamily(name, words, labels=labels)


def database_figures(deps: Deps) -> list[Metric]:
    """Read everything; what was never measured has no figure."""
    families = {name: gauge(name, words, "pipeline", *labels) for name, (words, labels) in _PIPELINE_FIGURES.items()}

    def add(name: str, value: float | None, *labels: str) -> None:
        if value is not None:
            families[f"tuneloop_{name}"].add_metric(labels, value)

    moment = now()
    for pipeline in deps.settings.pipelines.values():
        _add_pipeline(deps, pipeline, add, moment)
    for (name, state), count in _runs(deps).items():
        add("runs", count, name, state)
    for run in followed_runs(deps.engine):
        add("job_look_age_seconds", (moment - looked_at(run)).total_seconds(), run.pipeline, run.trainer)
    letters = GaugeMetricFamily("tuneloop_dead_letters", "Work set aside.", deps.letters.count())
    return [
        letters,
        *_notices(deps),
        *_money(deps, moment),
        *(family for family in families.values() if family.samples),
    ]


def _add_pipeline(deps: Deps, pipeline: Pipeline, add: Add, moment: datetime) -> None:
    name = pipeline.name
    counts, decision = weigh(pipeline, deps, now=moment)
    for split in ("train", "validation", "held_out"):
        add("examples", getattr(counts, split), name, split)
    add("new_examples", counts.new, name)
    add("held_examples", counts.held, name)
    add("run_due", decision.due, name)
    if champion := deps.evaluations.champion(name):
        add("champion_days_left", champion_sunset(champion, deps).days_left(moment.date()), name)
    if reconciled := last_reconcile(name, deps.reconciles):
        add("reconcile_age_seconds", (moment - reconciled.at).total_seconds(), name)
        if reconciled.drift:
            _add_drift(name, reconciled.drift, add)


def _add_drift(name: str, drift: Drift, add: Add) -> None:
    add("drift_rows", drift.rows, name)
    add("drift_left", drift.left, name)
    add("labels", drift.labels_there, name, "labelbox")
    add("labels", drift.labels_here, name, "here")


def _notices(deps: Deps) -> list[GaugeMetricFamily]:
    words = "Notices of the last 90 days, by channel and what became of them."
    family = gauge("tuneloop_notices", words, "channel", "outcome")
    none_yet = dict.fromkeys(product(deps.targets, ("waiting", "sent", "dead", "gone")), 0)
    for (channel, outcome), count in {**none_yet, **deps.outbox.tally()}.items():
        family.add_metric([channel, outcome], count)
    return [family] if family.samples else []


def _money(deps: Deps, moment: datetime) -> list[Metric]:
    left = gauge("tuneloop_budget_left_usd", "US dollars that may still be spent this month, by budget.", "budget")
    for state in budget_states(deps.settings.pipelines, deps, deps.ledger.month(now=moment)):
        if state.left_usd is not None:
            left.add_metric([state.budget.name], state.left_usd)
    words = "US dollars billed by trainers since the installation began."
    spent = CounterMetricFamily("tuneloop_spent_usd", words, labels=["pipeline", "trainer"])
    for (pipeline, trainer), usd in deps.ledger.totals().items():
        spent.add_metric([pipeline, trainer], usd)
    return [family for family in (left, spent) if family.samples]


def _runs(deps: Deps) -> dict[tuple[str, str], int]:
    # A state that no run is in is a figure too: an alert on it must see 0 and not nothing.
    none_yet = dict.fromkeys(product(deps.settings.pipelines, map(str, RunState)), 0)
    return {**none_yet, **tally_runs(deps.engine)}
