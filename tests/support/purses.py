"""Several who want the same money at the same moment; a module of its own, so that processes can import it."""

from service.adapters.sql_engine import make_engine
from service.adapters.sql_ledger import SqlLedger
from service.domain.budgets import Estimate
from service.domain.pipelines import Budget
from service.domain.runs import Run
from service.domain.spending import ScopedBudget, scoped_budgets
from tests.support.builders import make_run
from tests.support.fakes import NOON

LIMITS = {"all": 20.0, "trainer:box": 13.0, "trainer:other": 12.0, "pipeline:a": 11.0, "pipeline:b": 14.0}


def run_of(number: int) -> Run:
    """Give a run: both trainers and both pipelines in every combination."""
    return make_run(f"run-{number}", trainer=("box", "other")[number % 2], pipeline="ab"[number // 2 % 2])


def budgets_over(run: Run, limits: dict[str, float] = LIMITS) -> tuple[ScopedBudget, ...]:
    """Give the three budgets that a run counts against."""

    def month(name: str) -> Budget:
        return Budget(month_usd=limits.get(name))

    return scoped_budgets(
        month("all"),
        trainers={run.trainer: month(f"trainer:{run.trainer}")},
        pipelines={run.pipeline: month(f"pipeline:{run.pipeline}")},
    )


def estimate_of(usd: float) -> Estimate:
    """Give an estimate of so much."""
    return Estimate(1000, 2, usd, usd_per_million=5.0, price_as_of="2026-11-01")


def grab(url: str, first: int) -> list[tuple[str, float]]:
    """Reserve one amount after another; give run and amount of those that were set aside."""
    engine = make_engine(url)
    ledger, got = SqlLedger(engine), []
    for number in range(first, first + 8):
        run, usd = run_of(number), 1.0 + number % 5
        if not ledger.reserve(run, estimate_of(usd), budgets_over(run), now=NOON):
            got.append((run.run_id, usd))
    engine.dispose()
    return got
