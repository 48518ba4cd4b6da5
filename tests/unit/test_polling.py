from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.polling import JITTER, next_look
from tests.support.fakes import NOON


@given(run_id=st.text(max_size=20), poll=st.integers(1, 10**6), later=st.integers(0, 10**6))
def test_the_next_look_is_a_pause_away_give_or_take_a_tenth(run_id: str, poll: int, later: int) -> None:
    now, pause = NOON + timedelta(seconds=later), timedelta(seconds=poll)
    found = next_look(run_id, now=now, poll=pause)
    assert pause * (1 - JITTER) <= found - now <= pause * (1 + JITTER) + timedelta(microseconds=1)
    assert found == next_look(run_id, now=now, poll=pause)


def test_runs_that_began_together_are_not_looked_at_together() -> None:
    looks = {next_look(f"run-{number}", now=NOON, poll=timedelta(minutes=1)) for number in range(50)}
    assert len(looks) == 50
