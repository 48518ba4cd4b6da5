"""Parts of the held-out examples, and what the models score in each."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.domain.comparisons import interval
from service.domain.evaluation_facts import Facts, metric_in, values_in
from service.domain.metrics.label_sets import FEWEST
from service.domain.reports import ByRole, SliceFacts
from service.domain.slices import Slices


def score_slices(facts: Facts, slices: Slices) -> Iterator[SliceFacts]:
    """Give what was stored of slices with the evaluation, and the scores of those that were not."""
    stored: Mapping[str, Any] = facts.get("slices", {})
    for name, found in stored.items():
        yield SliceFacts(name, found["n"], found["scores"] if isinstance(found["scores"], Mapping) else None)
    for name, keys in slices.items():
        if name not in stored:
            yield SliceFacts(name, len(keys), _scores(facts, keys) if len(keys) >= FEWEST else None)


def _scores(facts: Facts, keys: frozenset[str]) -> Mapping[str, ByRole]:
    found: dict[str, ByRole] = {}
    for name, by_role in facts["scores"].items():
        metric = metric_in(facts, name)
        if metric:
            values = {role: values_in(facts, name, role) for role in by_role}
            found[name] = {
                role: interval(metric, [of[key] for key in sorted(keys) if key in of])._asdict()
                for role, of in values.items()
            }
    return found
