"""Exports: whose turn it is, how long to wait, what is asked for, and what counts as shown."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.deliveries import read_doorbell
from service.domain.exports import (
    LONGEST_RETRY,
    MAX_ATTEMPTS,
    MAX_IDS,
    REFUSED_EVERY,
    TICKET_LIFE,
    WHOLE_EVERY,
    Before,
    Export,
    ExportState,
    Kind,
    Request,
    may_begin,
    pick,
    policy_of,
    retry_pause,
    shows,
    standing_pause,
    together,
    window_asked,
)
from service.domain.labels import RowOutcome
from service.domain.pipelines import LabelPolicy
from tests.support.builders import make_pipeline
from tests.support.fakes import NOON

KINDS: tuple[Kind, Kind] = ("rows", "window")
OVERLAP = timedelta(minutes=10)


def ticket(project: str, kind: Kind = "rows", *, since: datetime = NOON, **fields: Any) -> Export:  # noqa: ANN401
    chosen: dict[str, Any] = {"state": ExportState.WANTED, "wanted_at": since, "updated_at": NOON, "due_at": since}
    return Export(f"{project}-{kind}", project, kind, **(chosen | fields))


def running(project: str) -> Export:
    return ticket(project, state=ExportState.RUNNING, leased_until=NOON)


# Turns.


@given(seed=st.integers(0, 10_000), projects=st.integers(1, 6), at_once=st.integers(1, 4))
def test_whoever_comes_in_whatever_order_everybody_has_a_turn(seed: int, projects: int, at_once: int) -> None:
    """All want an export again at once when theirs has ended, deliveries and reconciles of every project."""
    random, now = Random(seed), NOON
    names = [f"project-{number}" for number in range(projects)]
    everybody = [(name, kind) for name in names for kind in KINDS]
    line = {key: ticket(*key, since=now) for key in everybody}
    active: dict[str, Export] = {}
    turns = dict.fromkeys(everybody, 0)
    for _ in range(len(everybody) * 6):
        now += timedelta(seconds=1)
        if active and random.random() < 0.5:
            done = active.pop(next(iter(active)))
            line[done.project, done.kind] = ticket(done.project, done.kind, since=now, updated_at=now)
        for key in random.sample(everybody, len(everybody)):
            if key not in line:
                continue
            mine = line[key] = ticket(*key, since=line[key].wanted_at, updated_at=now)
            others = [*(item for item in line.values() if item is not mine), *active.values()]
            if may_begin(mine, others, at_once=at_once, now=now):
                assert mine.project not in active
                active[mine.project] = ticket(*key, state=ExportState.RUNNING)
                del line[key]
                turns[key] += 1
        assert len(active) == min(at_once, projects)
    for name in names:
        assert abs(turns[name, "rows"] - turns[name, "window"]) <= 1
    assert max(turns.values()) - min(turns.values()) <= 2


def test_two_of_one_project_never_run() -> None:
    assert not may_begin(ticket("a"), [running("a")], at_once=4, now=NOON)
    assert may_begin(ticket("a"), [running("b")], at_once=4, now=NOON)
    assert not may_begin(ticket("a"), [running("b")], at_once=1, now=NOON)


@pytest.mark.parametrize("kind", KINDS)
def test_a_ticket_nobody_comes_for_keeps_nobody_waiting(kind: Kind) -> None:
    earlier = NOON - timedelta(hours=1)
    mine = ticket("a", "window" if kind == "rows" else "rows")
    assert not may_begin(mine, [ticket("a", kind, since=earlier)], at_once=4, now=NOON)
    stale = ticket("a", kind, since=earlier, updated_at=NOON - TICKET_LIFE[kind])
    assert may_begin(mine, [stale], at_once=4, now=NOON)


def test_one_that_waits_for_another_try_keeps_nobody_waiting_until_it_is_due() -> None:
    retried = ticket("a", attempts=3, due_at=NOON + timedelta(minutes=5), since=NOON - timedelta(hours=1))
    assert may_begin(ticket("a", "window"), [retried], at_once=4, now=NOON)
    assert not may_begin(ticket("a", "window"), [retried], at_once=4, now=NOON + timedelta(minutes=5))


def test_a_ticket_of_a_busy_project_takes_no_other_projects_place() -> None:
    others = [running("a"), ticket("a", "window", since=NOON - timedelta(hours=1))]
    assert may_begin(ticket("b"), others, at_once=2, now=NOON)


# Pauses and parts.


@given(attempts=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_pauses_grow_up_to_ten_minutes_and_differ(attempts: int, chance: float) -> None:
    pause = retry_pause(attempts, chance=chance)
    assert timedelta(seconds=3) < pause <= LONGEST_RETRY
    assert retry_pause(attempts + 1, chance=chance) >= pause
    assert retry_pause(attempts, chance=0) < retry_pause(attempts, chance=1)


def test_all_attempts_together_take_about_an_hour() -> None:
    total = sum((retry_pause(number, chance=1) for number in range(1, MAX_ATTEMPTS)), timedelta(0))
    assert timedelta(minutes=40) < total < timedelta(minutes=90)


def test_an_old_export_is_looked_at_rarely_but_never_forgotten() -> None:
    assert standing_pause(timedelta(seconds=1)) == timedelta(seconds=1)
    assert standing_pause(timedelta(hours=2)) == timedelta(seconds=30)


def test_what_was_tried_often_is_tried_alone_well_before_its_last_attempt() -> None:
    sizes = [together(attempts) for attempts in range(1, MAX_ATTEMPTS + 1)]
    assert sizes[0] == MAX_IDS
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[MAX_ATTEMPTS // 2 :] == [1] * (MAX_ATTEMPTS - MAX_ATTEMPTS // 2)


deliveries = st.tuples(st.integers(1, 4), st.lists(st.sampled_from([f"row-{n}" for n in range(9)]), min_size=1))


@given(sizes=st.lists(deliveries, min_size=1, max_size=30))
def test_an_export_is_for_some_deliveries_tried_equally_often(sizes: list[tuple[int, list[str]]]) -> None:
    chosen, ids = pick(sizes)
    assert chosen
    assert {sizes[position][0] for position in chosen} == {min(attempts for attempts, _ in sizes)}
    assert set(ids) == {row_id for position in chosen for row_id in sizes[position][1]}
    assert len(ids) == len(set(ids)) <= MAX_IDS


def test_an_export_names_no_more_rows_than_labelbox_takes() -> None:
    sizes = [(1, [f"row-{start + number}" for number in range(500)]) for start in range(0, 5000, 500)]
    chosen, ids = pick(sizes)
    assert (chosen, len(ids)) == ([0, 1, 2, 3], MAX_IDS)
    assert pick([]) == ([], [])


# What is asked for.


def asked(before: Mapping[str, Before], *, wish: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    return window_asked(wish or {}, before, dict.fromkeys(before, "p"), overlap=OVERLAP, now=NOON)


def looked(hours: float, **facts: Any) -> Before:  # noqa: ANN401 - facts of any kind
    at = NOON - timedelta(hours=hours)
    return Before({"whole_at": at.isoformat(), "policy": "p", **facts}, at)


def test_a_window_reads_back_to_the_pipeline_that_is_furthest_behind() -> None:
    found = asked({"a": looked(1), "b": looked(2)})
    since = NOON - timedelta(hours=2) - OVERLAP
    policies = {"a": "p", "b": "p"}
    assert found == {"whole": False, "since": since.isoformat(), "pipelines": ["a", "b"], "policies": policies}


@pytest.mark.parametrize(
    "behind",
    [
        Before(None, None),
        looked(WHOLE_EVERY / timedelta(hours=1) + 1),
        looked(1, policy="another question"),
        looked(1, refused_at=(NOON - REFUSED_EVERY * 2).isoformat()),
    ],
    ids=["never read", "a day ago", "reads something else now", "could not be read a while ago"],
)
def test_one_pipeline_that_needs_all_of_it_makes_it_whole_for_all(behind: Before) -> None:
    assert asked({"a": looked(1), "b": behind})["whole"]


def test_a_person_may_ask_for_all_of_it() -> None:
    found = asked({"a": looked(1)}, wish={"whole": True})
    assert found == {"whole": True, "since": None, "pipelines": ["a"], "policies": {"a": "p"}}


def test_a_pipeline_that_cannot_be_read_does_not_have_everything_read_every_time() -> None:
    refused = Before({"policy": "p", "refused_at": NOON.isoformat(), "whole_at": None}, NOON)
    assert not asked({"a": looked(1), "b": refused})["whole"]


def test_a_policy_is_named_by_what_it_reads() -> None:
    same = policy_of(make_pipeline("a", system="s"))
    assert same == policy_of(make_pipeline("b"))
    assert same != policy_of(make_pipeline("a", labels=LabelPolicy("project-1", accept="submitted")))


def test_a_request_names_the_rows_or_the_window_and_then_what_the_window_missed() -> None:
    many = [f"row-{number}" for number in range(MAX_IDS + 5)]
    assert ticket("a", asked={"ids": ["x"], "entries": ["1-0"]}).request == Request(data_row_ids=("x",))
    window = {"whole": False, "since": NOON.isoformat()}
    assert ticket("a", "window", asked=window).request == Request(since=NOON)
    assert ticket("a", "window", asked={"whole": True, "since": None}).request == Request()
    rest = ticket("a", "window", asked={"whole": True, "since": None}, progress={"missing": many}).request
    assert rest == Request(data_row_ids=tuple(many[:MAX_IDS]))


# What counts as shown.


def row(*labels: str, touched_at: datetime | None = None) -> RowOutcome:
    return RowOutcome("row-1", None, NOON, label_ids=labels, reason="not_done", touched_at=touched_at)


LATER = NOON + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("outcome", "topic", "announced_at", "expected"),
    [
        (None, "LABEL_CREATED", None, False),
        (row(), "LABEL_CREATED", None, False),
        (row("l"), "LABEL_CREATED", None, True),
        (row("l"), "LABEL_DELETED", None, False),
        (row(), "LABEL_DELETED", None, True),
        (row("l", touched_at=NOON), "LABEL_UPDATED", LATER, False),
        (row("l", touched_at=LATER), "LABEL_UPDATED", LATER, True),
        (row("l", touched_at=NOON + timedelta(milliseconds=999)), "LABEL_UPDATED", NOON, True),
        (row("l", touched_at=LATER), "LABEL_UPDATED", NOON, True),
        (row("l"), "LABEL_UPDATED", LATER, True),
        (row("l", touched_at=NOON), "LABEL_UPDATED", None, True),
    ],
)
def test_a_row_shows_what_was_announced_or_is_looked_at_again(
    outcome: RowOutcome | None, topic: str, announced_at: datetime | None, *, expected: bool
) -> None:
    assert shows(outcome, topic=topic, label_id="l", announced_at=announced_at) is expected


def test_a_step_of_the_workflow_is_shown_by_a_row_that_is_done() -> None:
    approved = replace(row(), reason=None)
    assert shows(approved, topic="WORKFLOW_ACTION", label_id=None, announced_at=None)
    # Perhaps it was the approval, and the export lags.
    assert not shows(row(), topic="WORKFLOW_ACTION", label_id=None, announced_at=None)
    assert not shows(None, topic="WORKFLOW_ACTION", label_id=None, announced_at=None)


@pytest.mark.parametrize(
    ("updated_at", "expected"),
    [
        ('"2026-11-02T12:00:00.900Z"', NOON),
        ('"2026-11-02T14:00:00+02:00"', NOON),
        ('"2026-11-02T12:00:00"', NOON),
        ('"0001-01-01T00:00:00+05:00"', None),
        ('"yesterday"', None),
        ("17", None),
        ("null", None),
    ],
)
def test_when_a_label_was_changed_is_read_from_an_update_or_left_out(
    updated_at: str, expected: datetime | None
) -> None:
    body = f'{{"id": "l", "updatedAt": {updated_at}, "dataRow": {{"id": "r"}}}}'.encode()
    assert read_doorbell("LABEL_UPDATED", body).announced_at == expected
    assert read_doorbell("LABEL_CREATED", body).announced_at is None
