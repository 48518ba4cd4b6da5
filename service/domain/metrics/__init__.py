"""How an answer is measured: each metric with its direction, its range and its function."""

from service.domain.metrics.figures import figure_lines
from service.domain.metrics.metric import Corpus, Kind, Measure, Metric, described
from service.domain.metrics.registry import METRICS, Loader, all_metrics, metric_named, metric_of
from service.domain.metrics.scoring import Context, Scores, score

__all__ = [
    "METRICS",
    "Context",
    "Corpus",
    "Kind",
    "Loader",
    "Measure",
    "Metric",
    "Scores",
    "all_metrics",
    "described",
    "figure_lines",
    "metric_named",
    "metric_of",
    "score",
]
