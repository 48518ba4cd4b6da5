"""What a run and the answers of its evaluation cost."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Protocol

from service.domain.reports import CostFacts
from service.domain.runs import Run
from service.domain.spending import LedgerEntry
from service.ports import EvaluationReads, Ledger


class CostStores(Protocol):
    """Where it is read from."""

    @property
    def evaluation_reads(self) -> EvaluationReads:
        """The tokens of answers."""

    @property
    def ledger(self) -> Ledger:
        """What was spent."""


def cost_of(run: Run, names: Mapping[str, str], keys: Collection[str], stores: CostStores) -> CostFacts:
    """Sum it up.

    Args:
        run: The run.
        names: By role, the name that the model's answers are stored under.
        keys: The questions.
        stores: Where it is read from.
    """
    entries = stores.ledger.entries_of(run.run_id)
    settled = any(entry.kind in {"billed", "released"} for entry in entries)
    return CostFacts(
        billed_usd=_sum(entries, "billed"),
        reserved_usd=0.0 if settled else _sum(entries, "reserved"),
        answers_usd=_sum(entries, "answers"),
        training_tokens=run.fact("trained_tokens"),
        answer_tokens={role: asdict(stores.evaluation_reads.answer_tokens(name, keys)) for role, name in names.items()},
        ledger=tuple(asdict(entry) for entry in entries),
    )


def _sum(entries: Iterable[LedgerEntry], kind: str) -> float:
    return round(sum(entry.usd for entry in entries if entry.kind == kind), 6)
