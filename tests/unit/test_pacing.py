"""How fast a server may be asked."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.pacing import MINUTE, free_at
from tests.support.fakes import NOON


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 8))
def test_never_more_than_allowed_in_any_minute(pauses: list[int], per_minute: int) -> None:
    now = NOON
    moments: list[datetime] = []
    for pause in pauses:
        now += timedelta(seconds=pause)
        free = free_at(moments, per_minute)
        now = max(now, free or now)
        moments.append(now)
    for moment in moments:
        assert sum(moment - MINUTE < other <= moment for other in moments) <= per_minute


def test_without_a_limit_or_before_it_is_reached_one_may_ask_at_once() -> None:
    assert free_at([NOON] * 100, None) is None
    assert free_at([NOON] * 2, 3) is None
    assert free_at([NOON] * 3, 3) == NOON + MINUTE
