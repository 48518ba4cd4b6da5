"""Lives in which no model ever gets better: seeded, so that the counts are the same everywhere."""

import numpy as np
import pytest

from bench.lives import ALPHA, GROWING, SEED, Life, crowd, live


def lives(number: int, metric: str) -> list[Life]:
    draws = (np.random.default_rng([SEED, item]) for item in range(number))
    return [live(crowd(draw, len(GROWING) + 1, max(GROWING)), [metric], GROWING) for draw in draws]


@pytest.mark.parametrize(("metric", "number"), [("pii_leak", 500), ("chrf", 100)])
def test_luck_promotes_in_fewer_lives_than_alpha_allows_and_would_in_more_if_looks_were_not_counted(
    metric: str, number: int
) -> None:
    lived = lives(number, metric)
    assert sum(life.promotions > 0 for life in lived) <= ALPHA * number
    assert sum(life.uncorrected for life in lived) > ALPHA * number
