"""Two models on the same examples, as comparisons and verdicts are tested with."""

from hypothesis import settings
from hypothesis import strategies as st

from service.domain.comparisons import Comparison, compare
from service.domain.metrics import Metric, metric_named

Pair = tuple[float, float]
Case = tuple[Metric, list[Pair]]

PII, CHRF = metric_named("pii_leak"), metric_named("chrf")

flags = st.sampled_from([0.0, 1.0])
scores = st.floats(0, 100, width=32)
few_runs = settings(max_examples=40, deadline=None)


def pairs_of(values: st.SearchStrategy[float], most: int = 40) -> st.SearchStrategy[list[Pair]]:
    return st.lists(st.tuples(values, values), max_size=most)


cases = st.one_of(st.tuples(st.just(PII), pairs_of(flags)), st.tuples(st.just(CHRF), pairs_of(scores)))


def compared(case: Case) -> Comparison:
    metric, pairs = case
    return compare(metric, [new for new, _ in pairs], [old for _, old in pairs])


def leaks_compared(*, better: int, worse: int, alike: int) -> Comparison:
    return compared((PII, [(0.0, 1.0)] * better + [(1.0, 0.0)] * worse + [(0.0, 0.0)] * alike))


def scores_compared(*differences: float) -> Comparison:
    return compared((CHRF, [(50 + difference, 50.0) for difference in differences]))
