"""A workshop's stores, with what reports are read from."""

from service.adapters.sql_evaluation_reads import SqlEvaluationReads
from service.domain.reports import EvaluationReport
from service.usecases.report_evaluation import Wanted, report_evaluation
from tests.support.workshop import Workshop, good_answer, leaking_answer

USUAL = Wanted()


class ReportStores:
    """See ``report_evaluation.ReportStores``."""

    def __init__(self, shop: Workshop) -> None:
        self.runs, self.snapshots, self.evaluations = shop.runs, shop.snapshots, shop.evaluations
        self.ledger, self.archive = shop.ledger, shop.archive
        self.evaluation_reads = SqlEvaluationReads(shop.engine)


def told(shop: Workshop, run_id: str, wanted: Wanted = USUAL) -> EvaluationReport:
    """Give the report of a workshop's run."""
    return report_evaluation(run_id, ReportStores(shop), wanted)


def half_leaking(prompt: str) -> str:
    """Answer well where the chat's number is even."""
    number = int(prompt.partition(":")[0].split()[-1])
    return leaking_answer(prompt) if number % 2 else good_answer(prompt)
