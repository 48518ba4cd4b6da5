"""Choosing what goes back to the labelers, and which rows are only watched."""

import itertools
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.domain.gaps import (
    KINDS,
    Candidate,
    GapKind,
    GapPlan,
    GapRow,
    RowState,
    batches_of,
    choose,
    in_turns,
    plan_id_of,
    planned_rows,
    remark_on,
)
from tests.support.fakes import NOON

ids = st.integers(0, 30).map(lambda number: f"row-{number}")


def candidate(kind: GapKind, row_id: str, target: str = "") -> Candidate:
    return Candidate(kind, "rework" if kind in {"conflict", "stale"} else "batch", row_id, "why", target or row_id)


def lists(data: st.DataObject) -> list[list[Candidate]]:
    return [[candidate(kind, row_id) for row_id in data.draw(st.lists(ids, max_size=20))] for kind in KINDS]


@given(data=st.data(), most=st.integers(0, 40), busy=st.sets(ids))
def test_never_more_than_asked_no_row_twice_and_none_that_is_busy(
    data: st.DataObject, most: int, busy: set[str]
) -> None:
    offered = lists(data)
    chosen = [item.data_row_id for item in choose(offered, most=most, busy=busy)]
    free = {item.data_row_id for some in offered for item in some} - busy
    assert len(chosen) == len(set(chosen)) == min(most, len(free))
    assert set(chosen) <= free


def test_kinds_take_turns_and_each_gives_its_best_first() -> None:
    conflicts = [candidate("conflict", f"c{n}") for n in range(3)]
    stale = [candidate("stale", f"s{n}") for n in range(3)]
    assert [item.data_row_id for item in choose([conflicts, [], stale], most=4, busy={"c1"})] == [
        "c0",
        "s0",
        "c2",
        "s1",
    ]


@given(data=st.data(), percent=st.floats(0, 50), ordinal=st.integers(1, 1000))
def test_the_watched_share_is_what_was_asked_to_within_one_of_each_kind(
    data: st.DataObject, percent: float, ordinal: int
) -> None:
    offered = choose(lists(data), most=100, busy=())
    rows = planned_rows(plan_id_of("i", "p", ordinal, offered), offered, control_percent=percent)
    assert [row.candidate for row in rows] == offered
    for kind in KINDS:
        mine = [row for row in rows if row.candidate.kind == kind]
        assert abs(sum(row.is_control for row in mine) - len(mine) * percent / 100) < 1


@given(order=st.permutations([candidate("slice", f"row-{n}") for n in range(20)]))
def test_who_is_watched_depends_on_the_plans_name_and_not_on_the_order(order: list[Candidate]) -> None:
    watched = {row.candidate.data_row_id for row in planned_rows("g-1", order, control_percent=20) if row.is_control}
    again = planned_rows("g-1", order[::-1], control_percent=20)
    assert {row.candidate.data_row_id for row in again if row.is_control} == watched
    assert len(watched) == 4
    other = planned_rows("g-2", order, control_percent=20)
    assert {row.candidate.data_row_id for row in other if row.is_control} != watched


def test_over_many_small_plans_a_fifth_is_watched() -> None:
    plans = [
        planned_rows(plan_id_of("i", "p", n, ()), [candidate("stale", f"row-{n}")], control_percent=20)
        for n in range(2000)
    ]
    assert 320 < sum(row.is_control for rows in plans for row in rows) < 480


def test_prompts_like_one_failed_question_are_watched_or_sent_together() -> None:
    offered = [candidate("failure", f"row-{n}", target=f"question-{n % 10}") for n in range(40)]
    sides = {(row.candidate.target, row.is_control) for row in planned_rows("g-1", offered, control_percent=20)}
    assert Counter(is_control for _, is_control in sides) == {False: 8, True: 2}


@given(
    kinds=st.lists(st.sampled_from(["failure", "slice"]), max_size=1500),
    state=st.sampled_from(["planned", "sent", "refused"]),
)
def test_batches_hold_each_row_once_and_stay_the_same_whatever_became_of_the_rows(
    kinds: list[GapKind], state: RowState
) -> None:
    rows = [GapRow("g-1", candidate(kind, f"row-{n}")) for n, kind in enumerate(kinds)]
    watched = GapRow("g-1", candidate("slice", "watched"), "control")
    rework = GapRow("g-1", candidate("stale", "rework"))
    plan = GapPlan("g-1", "p", 1, None, NOON, (*rows, watched, rework))
    batches = batches_of(plan)
    named = {name: [row.candidate.data_row_id for row in mine] for name, mine in batches.items()}
    assert sorted(itertools.chain(*named.values())) == sorted(row.candidate.data_row_id for row in rows)
    assert all(0 < len(mine) <= 500 for mine in named.values())
    assert all(f" {row.candidate.kind}" in name for name, mine in batches.items() for row in mine)
    later = replace(
        plan, rows=tuple(replace(row, state=state) for row in rows[: len(rows) // 2]) + plan.rows[len(rows) // 2 :]
    )
    assert {name: [row.candidate.data_row_id for row in mine] for name, mine in batches_of(later).items()} == named


def test_prompts_of_a_slice_that_are_like_one_question_are_watched_or_sent_together() -> None:
    offered = [replace(candidate("slice", f"row-{n}", "long"), near=f"question-{n % 10}") for n in range(40)]
    sides = {(row.candidate.near, row.is_control) for row in planned_rows("g-1", offered, control_percent=20)}
    assert Counter(is_control for _, is_control in sides) == {False: 8, True: 2}


def test_batches_are_named_by_plan_kind_and_place() -> None:
    rows = tuple(GapRow("g-1", candidate("slice", f"row-{n}")) for n in range(1_001))
    assert {name: len(mine) for name, mine in batches_of(GapPlan("g-1", "p", 1, None, NOON, rows)).items()} == {
        "tuneloop gaps g-1 slice": 500,
        "tuneloop gaps g-1 slice 2": 500,
        "tuneloop gaps g-1 slice 3": 1,
    }


def test_plans_differ_by_installation_pipeline_number_and_rows_and_sign_their_remarks() -> None:
    some, others = [candidate("slice", "a")], [candidate("slice", "b")]
    named = [("i", "p", 1, some), ("j", "p", 1, some), ("i", "q", 1, some), ("i", "p", 2, some), ("i", "p", 1, others)]
    assert len({plan_id_of(*one) for one in named}) == len(named)
    assert plan_id_of("i", "p", 1, some) == plan_id_of("i", "p", 1, [candidate("slice", "a")])
    (row,) = planned_rows("g-1", [candidate("stale", "row")], control_percent=0)
    assert remark_on(row) == "Why. Please check this label. (g-1)"
    assert row.sent_at is None


def test_lists_are_gone_through_in_turns() -> None:
    one, other = [candidate("slice", "a"), candidate("slice", "b")], [candidate("slice", "c")]
    assert [item.data_row_id for item in in_turns([one, other])] == ["a", "c", "b"]
    assert list(in_turns([])) == []
