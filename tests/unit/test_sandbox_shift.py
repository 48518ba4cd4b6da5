"""Simulated labelers: what they do is decided by the seed, and the number approved is exact."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from sandbox.shift import Shift, Step

seeds = st.integers(0, 1_000)


def work(shift: Shift, rows: int, limit: int = 10_000) -> list[Step]:
    queue = [f"row-{n}" for n in range(rows)]
    steps: list[Step] = []
    for _ in range(limit):
        if shift.is_over or (shift.is_idle and not queue):
            break
        steps += shift.tick(lambda: queue.pop(0) if queue else None)
    return steps


def by_row(steps: list[Step]) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        rows[step.data_row_id].append(f"{step.action} {step.detail}".strip())
    return rows


@given(seed=seeds, approve=st.integers(1, 60), people=st.integers(1, 9))
def test_as_many_rows_end_approved_as_were_asked_for(seed: int, approve: int, people: int) -> None:
    shift = Shift(seed=seed, people=people, approve=approve)
    rows = by_row(work(shift, rows=500))
    assert shift.is_over
    answered = [done for done in rows.values() if done[0] != "skip"]
    assert len(answered) == approve
    assert all("approve" in done for done in rows.values())
    assert all(
        [step for step in done if step.startswith(("submit", "edit"))][-1].endswith("final") for done in answered
    )


@given(seed=seeds, first=st.integers(1, 30), second=st.integers(1, 30))
def test_a_second_wave_adds_to_the_first(seed: int, first: int, second: int) -> None:
    shift = Shift(seed=seed, people=2, approve=first)
    steps = work(shift, rows=100)
    shift.more(second)
    queue = [f"later-{n}" for n in range(200)]
    while not shift.is_over:
        steps += shift.tick(lambda: queue.pop(0))
    assert sum(done[0] != "skip" for done in by_row(steps).values()) == first + second


@given(seed=seeds)
def test_the_same_seed_gives_the_same_steps(seed: int) -> None:
    first, second = (work(Shift(seed=seed, people=3, approve=40), rows=200) for _ in range(2))
    assert first == second


def test_people_are_careless_edit_delete_and_skip_now_and_then() -> None:
    steps = work(Shift(seed=1, people=3, approve=300), rows=500)
    counted = Counter(f"{step.action} {step.detail}".strip() for step in steps)
    assert min(
        counted[name] for name in ("submit careless", "reject", "edit final", "delete_label", "skip", "move review")
    )
    assert counted["submit final"] > 0.6 * 300
    assert {step.by for step in steps if step.action == "submit"} == {f"labeler{n}@example.com" for n in (1, 2, 3)}
    assert {step.by for step in steps if step.action in {"approve", "reject", "move"}} == {None}


def test_a_row_in_hands_is_held_and_a_dropped_one_is_replaced() -> None:
    shift = Shift(seed=0, people=1, approve=1)
    (first,) = shift.tick(lambda: "row-0")
    assert shift.holds("row-0")
    shift.give_up(first)
    assert not shift.holds("row-0")
    assert not shift.is_over
    assert shift.tick(lambda: "row-1")[0].data_row_id == "row-1"


def test_an_empty_queue_leaves_people_idle_but_not_over() -> None:
    shift = Shift(seed=0, people=1, approve=5)
    work(shift, rows=2)
    assert shift.is_idle
    assert not shift.is_over
    shift.call_off()
    assert shift.is_over
    shift.more(1)
    assert not shift.is_over
