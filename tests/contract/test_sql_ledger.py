"""The ledger on SQLite and on PostgreSQL: it only grows, and nobody takes the last dollar twice."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.sql_debts import owe
from service.adapters.sql_engine import make_engine, migrate
from service.adapters.sql_ledger import SqlLedger
from service.adapters.sql_tables import ledger_entries
from service.domain.budgets import Estimate
from service.domain.pipelines import Budget
from service.domain.spending import NO_PRICE, Debt, LedgerEntry, ScopedBudget, Spent
from service.domain.triggers import Reason
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.purses import LIMITS, budgets_over, estimate_of, grab, run_of
from tests.support.races import at_once

NEXT_MONTH = datetime(2026, 12, 1, tzinfo=UTC)
RUN = make_run("run-1")


@pytest.fixture
def ledger(engine: sa.Engine) -> SqlLedger:
    return SqlLedger(engine)


def reserve(
    ledger: SqlLedger, run_id: str, usd: float, limit: float | None = 10, *, at: datetime = NOON, **fields: str
) -> tuple[Reason, ...]:
    run = make_run(run_id, **fields)
    limits = {} if limit is None else {"trainer:box": limit}
    return ledger.reserve(run, estimate_of(usd), budgets_over(run, limits), now=at)


# The last dollar.


def test_two_runs_cannot_both_take_the_last_dollar(ledger: SqlLedger) -> None:
    refused = at_once(6, lambda index: reserve(ledger, f"run-{index}", 6))
    assert sum(not reasons for reasons in refused) == 1
    assert ledger.spent_this_month("box", now=NOON) == pytest.approx(6)


def test_processes_that_race_for_five_budgets_never_pass_one_and_leave_nothing_that_fits(database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = [run for got in pool.starmap(grab, [(database_url, 8 * index) for index in range(3)]) for run in got]
    engine = make_engine(database_url)
    ledger = SqlLedger(engine)
    month = ledger.month(now=NOON)
    assert {(spent.run_id, spent.usd) for spent in month} == set(taken)
    sums = dict.fromkeys(LIMITS, 0.0)
    for spent in month:
        for name in ("all", f"trainer:{spent.trainer}", f"pipeline:{spent.pipeline}"):
            sums[name] += spent.usd
    assert all(sums[name] <= limit for name, limit in LIMITS.items())
    # Whoever was refused would still be: what is set aside is only ever more.
    for number in range(24):
        run, usd = run_of(number), 1.0 + number % 5
        if (run.run_id, usd) not in taken:
            assert ledger.reserve(run, estimate_of(usd), budgets_over(run), now=NOON)
    engine.dispose()


@pytest.mark.parametrize("limited", LIMITS)
def test_any_of_the_budgets_alone_can_refuse_and_is_named(ledger: SqlLedger, limited: str) -> None:
    first = make_run("run-1", trainer="box", pipeline="a")
    second = make_run("run-2", trainer=limited.partition("trainer:")[2] or "box", pipeline="b")
    if limited == "pipeline:a":
        second = make_run("run-2", trainer="other", pipeline="a")
    limits = {limited: 10.0}
    assert ledger.reserve(first, estimate_of(6), budgets_over(first, limits), now=NOON) == ()
    refused = ledger.reserve(second, estimate_of(6), budgets_over(second, limits), now=NOON)
    shared = limited in {"all", "trainer:box", "pipeline:a"}
    assert [(reason.code, reason.facts["budget"], reason.facts["left_usd"]) for reason in refused] == (
        [("over_month_budget", limited, 4.0)] if shared else []
    )


def test_the_last_dollar_itself_may_be_taken(ledger: SqlLedger) -> None:
    assert not reserve(ledger, "run-1", 6)
    assert reserve(ledger, "run-2", 4.01)
    assert not reserve(ledger, "run-3", 4)
    assert reserve(ledger, "run-4", 0.01)


def test_what_costs_nothing_fits_even_where_nothing_is_left(ledger: SqlLedger) -> None:
    assert not reserve(ledger, "run-1", 10)
    assert not reserve(ledger, "run-2", 0)


def test_cents_add_up_to_the_limit_and_not_to_a_trifle_above(ledger: SqlLedger) -> None:
    for number in range(3):
        assert not reserve(ledger, f"run-{number}", 0.1, 0.3)
    assert reserve(ledger, "run-3", 0.1, 0.3)


def test_reserving_twice_changes_nothing(ledger: SqlLedger) -> None:
    assert not reserve(ledger, "run-1", 6)
    assert not reserve(ledger, "run-1", 9)
    assert ledger.reserved_usd("run-1") == pytest.approx(6)
    assert ledger.spent_this_month("box", now=NOON) == pytest.approx(6)


def test_without_a_limit_everything_is_noted_all_the_same(ledger: SqlLedger) -> None:
    assert not reserve(ledger, "run-1", 1e6, None)
    assert ledger.spent_this_month("box", now=NOON) == pytest.approx(1e6)
    assert ledger.reserved_usd("run-2") == 0


# Billed and released.


def test_what_was_billed_takes_the_place_of_what_was_reserved(ledger: SqlLedger) -> None:
    reserve(ledger, "run-1", 6)
    ledger.bill(RUN, 2.5, tokens=1000, note="job succeeded", now=NOON)
    assert ledger.spent_this_month("box", now=NOON) == pytest.approx(2.5)
    ledger.bill(RUN, 9, tokens=None, note="again", now=NOON)
    assert ledger.spent_this_month("box", now=NOON) == pytest.approx(2.5)
    assert not reserve(ledger, "run-2", 7.5)


def test_what_was_given_back_may_be_spent_by_another(ledger: SqlLedger) -> None:
    reserve(ledger, "run-1", 10)
    ledger.release(RUN, note="no job", now=NOON)
    assert ledger.month(now=NOON) == []
    assert not reserve(ledger, "run-2", 10)


def test_a_job_that_turns_up_after_its_money_was_given_back_is_billed(ledger: SqlLedger) -> None:
    reserve(ledger, "run-1", 10)
    ledger.release(RUN, note="no job", now=NOON)
    ledger.bill(RUN, 3, tokens=5, note="job succeeded", now=NOON)
    assert ledger.spent_this_month("box", now=NOON) == pytest.approx(3)


def test_nothing_is_given_back_of_what_was_billed_or_never_set_aside(ledger: SqlLedger) -> None:
    ledger.release(RUN, note="no job", now=NOON)
    assert ledger.entries_of("run-1") == []
    reserve(ledger, "run-1", 10)
    ledger.bill(RUN, 3, tokens=5, note="job succeeded", now=NOON)
    ledger.release(RUN, note="no job", now=NOON)
    assert [entry.kind for entry in ledger.entries_of("run-1")] == ["reserved", "billed"]


def test_a_run_tells_every_entry_with_its_note(ledger: SqlLedger) -> None:
    reserve(ledger, "run-1", 6)
    ledger.bill(RUN, 2.5, tokens=1000, note="job succeeded", now=NOON + timedelta(hours=1))
    first, second = ledger.entries_of("run-1")
    assert (first.kind, first.usd, first.tokens, first.at, first.pipeline) == ("reserved", 6, 2000, NOON, "summaries")
    assert first.note.startswith("1,000 tokens x 2 epochs")
    assert (second.kind, second.usd, second.tokens, second.note) == ("billed", 2.5, 1000, "job succeeded")


# Months.


def test_what_is_set_aside_counts_in_every_month_until_it_is_billed_which_counts_in_its_own(ledger: SqlLedger) -> None:
    reserve(ledger, "run-1", 10)
    assert ledger.month(now=NEXT_MONTH) == [Spent("run-1", "box", "summaries", 10.0, 0.0)]
    assert reserve(ledger, "run-2", 1, at=NEXT_MONTH)
    ledger.bill(RUN, 4, tokens=1, note="x", now=NEXT_MONTH)
    assert ledger.month(now=NOON) == []
    assert ledger.month(now=NEXT_MONTH) == [Spent("run-1", "box", "summaries", 0.0, 4.0)]
    assert ledger.month(now=NEXT_MONTH + timedelta(days=31)) == []
    assert not reserve(ledger, "run-2", 6, at=NEXT_MONTH)


def test_a_month_ends_at_midnight_in_utc(ledger: SqlLedger) -> None:
    ledger.bill(RUN, 4, tokens=1, note="x", now=NEXT_MONTH - timedelta(microseconds=1))
    ledger.bill(make_run("run-2"), 5, tokens=1, note="x", now=NEXT_MONTH)
    assert [spent.run_id for spent in ledger.month(now=NOON)] == ["run-1"]
    assert [spent.run_id for spent in ledger.month(now=NEXT_MONTH)] == ["run-2"]
    assert ledger.spent_this_month("nobody", now=NOON) == 0


def test_totals_are_what_was_ever_billed(ledger: SqlLedger) -> None:
    assert ledger.totals() == {}
    reserve(ledger, "run-1", 10)
    assert ledger.totals() == {}
    ledger.bill(RUN, 4, tokens=1, note="x", now=NOON)
    ledger.bill(make_run("run-2"), 5, tokens=1, note="x", now=NEXT_MONTH)
    ledger.bill(make_run("run-3", trainer="other"), 1, tokens=1, note="x", now=NEXT_MONTH)
    assert ledger.totals() == {("summaries", "box"): 9.0, ("summaries", "other"): 1.0}


acts = st.tuples(st.sampled_from(["reserve", "bill", "release"]), st.integers(0, 3), st.integers(0, 6), st.booleans())


@given(acts=st.lists(acts, max_size=12))
def test_whatever_happens_in_whatever_order_the_month_is_what_is_open_and_what_was_billed_in_it(
    sqlite_engine: sa.Engine, acts: list[tuple[str, int, int, bool]]
) -> None:
    ledger, trainer = SqlLedger(sqlite_engine), f"trainer-{uuid4()}"
    limit = [ScopedBudget("trainer", Budget(month_usd=10), trainer=trainer)]
    reserved: dict[int, int] = {}
    billed: dict[int, tuple[int, bool]] = {}
    released: set[int] = set()

    def spent(*, later: bool, but_for: int | None = None) -> int:
        is_open = reserved.keys() - billed.keys() - released - {but_for}
        bills = (usd for number, (usd, then) in billed.items() if then is later and number != but_for)
        return sum(reserved[number] for number in is_open) + sum(bills)

    for act, number, usd, later in acts:
        run, now = make_run(f"{trainer}-{number}", trainer=trainer), NEXT_MONTH if later else NOON
        if act == "reserve":
            fits = usd == 0 or spent(later=later, but_for=number) + usd <= 10
            refused = ledger.reserve(run, estimate_of(usd), limit, now=now)
            assert bool(refused) is (number not in reserved and not fits)
            if not refused:
                reserved.setdefault(number, usd)
        elif act == "bill":
            ledger.bill(run, usd, tokens=1, note="x", now=now)
            billed.setdefault(number, (usd, later))
        else:
            ledger.release(run, note="x", now=now)
            released |= {number} & reserved.keys() - billed.keys()
        assert ledger.spent_this_month(trainer, now=NOON) == spent(later=False)
        assert ledger.spent_this_month(trainer, now=NEXT_MONTH) == spent(later=True)


# It only grows.


@pytest.mark.parametrize("statement", [sa.update(ledger_entries).values(usd=0.0), sa.delete(ledger_entries)])
def test_the_database_itself_refuses_to_change_or_delete_a_row(
    engine: sa.Engine, ledger: SqlLedger, statement: sa.Update | sa.Delete
) -> None:
    reserve(ledger, "run-1", 6)
    with pytest.raises(sa.exc.DBAPIError, match="the ledger is append-only"), engine.begin() as connection:
        connection.execute(statement)
    assert ledger.reserved_usd("run-1") == pytest.approx(6)


def test_a_ledger_cannot_be_emptied_at_once_either(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    with pytest.raises(sa.exc.DBAPIError, match="the ledger is append-only"), engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE ledger_entries"))
    engine.dispose()


def test_answers_of_evaluations_may_be_billed_in_many_rows_and_count(engine: sa.Engine, ledger: SqlLedger) -> None:
    row = {"run_id": "run-1", "trainer": "box", "pipeline": "summaries", "tokens": 1, "at": NOON, "note": ""}
    with engine.begin() as connection:
        connection.execute(sa.insert(ledger_entries), [row | {"kind": "answers", "usd": 0.5}] * 3)
        connection.execute(sa.insert(ledger_entries), [row | {"kind": "billed", "usd": 2.0}])
    assert ledger.month(now=NOON) == [Spent("run-1", "box", "summaries", 0.0, 3.5)]
    assert ledger.totals() == {("summaries", "box"): 3.5}
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(sa.insert(ledger_entries), [row | {"kind": "billed", "usd": 2.0}])


def test_an_older_ledger_is_read_on(bare_database_url: str) -> None:
    """What was settled is billed or given back, and what a cancelled run left set aside is taken for spent."""
    migrate(bare_database_url, "0005")
    engine = make_engine(bare_database_url)
    run = {
        "ordinal": 1, "watermark": 0, "trainer": "box", "model": "m", "cause": "x", "attempts": 0, "facts": "{}",
        "created_at": NOON, "updated_at": NOON,
    }  # fmt: skip
    rows = [
        ("billed", "reserved", 6.0, None), ("billed", "settled", 2.5, 900), ("nothing", "reserved", 3.0, None),
        ("nothing", "settled", 0.0, None), ("open", "reserved", 4.0, None), ("doubt", "reserved", 5.0, None),
    ]  # fmt: skip
    with engine.begin() as connection:
        for name, is_open in (("billed", False), ("nothing", False), ("open", True), ("doubt", False)):
            values = run | {"run_id": name, "pipeline": f"p-{name}", "state": "x", "is_open": is_open}
            names = ", ".join(values)
            places = ", ".join(f":{key}" for key in values)
            connection.execute(sa.text(f"INSERT INTO runs ({names}) VALUES ({places})"), values)  # noqa: S608 - names of columns
        for name, kind, usd, tokens in rows:
            entry = {"run": name, "kind": kind, "usd": usd, "tokens": tokens, "at": NOON}
            insert = "INSERT INTO ledger (run_id, kind, trainer, usd, tokens, at) "
            connection.execute(sa.text(f"{insert} VALUES (:run, :kind, 'box', :usd, :tokens, :at)"), entry)
    migrate(bare_database_url)
    ledger = SqlLedger(engine)
    kinds = {name: [entry.kind for entry in ledger.entries_of(name)] for name in ("billed", "nothing", "open", "doubt")}
    assert kinds == {
        "billed": ["reserved", "billed"],
        "nothing": ["reserved", "released"],
        "open": ["reserved"],
        "doubt": ["reserved", "billed"],
    }
    found = {spent.run_id: (spent.pipeline, spent.usd) for spent in ledger.month(now=NOON)}
    assert found == {"billed": ("p-billed", 2.5), "open": ("p-open", 4.0), "doubt": ("p-doubt", 5.0)}
    assert [spent.run_id for spent in ledger.month(now=NEXT_MONTH)] == ["open"]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.delete(ledger_entries))
    engine.dispose()


def test_a_budget_of_one_run_refuses_here_as_well(ledger: SqlLedger) -> None:
    budgets = budgets_over(RUN, {})
    small = [type(budget)(budget.name, Budget(run_usd=5), budget.trainer, budget.pipeline) for budget in budgets]
    refused = ledger.reserve(RUN, estimate_of(6), small[:1], now=NOON)
    assert [reason.code for reason in refused] == ["over_run_budget"]


def test_the_month_says_which_runs_have_a_part_without_a_price(ledger: SqlLedger, engine: sa.Engine) -> None:
    assert ledger.reserve(RUN, Estimate(10, 3), (), now=NOON) == ()
    ledger.bill(RUN, 2.0, tokens=30, note="job succeeded", now=NOON)
    reserve(ledger, "run-2", 6)
    answers = LedgerEntry("run-2", "answers", "box", "summaries", 0.0, 5, NOON, f"answers of m{NO_PRICE}")
    debt = Debt("run-2", "summaries", "box", "m", "m", 2, 3)
    with engine.begin() as connection:
        owe(connection, debt, NOON)
    assert ledger.settle(debt, answers)
    assert ledger.reserve(make_run("run-3"), Estimate(10, 3), (), now=NOON) == ()
    found = {spent.run_id: (spent.usd, spent.is_priced) for spent in ledger.month(now=NOON)}
    # The first has its price by now; of the second only the answers have none, and those were another month's then.
    assert found == {"run-1": (2.0, True), "run-2": (6.0, False), "run-3": (0.0, False)}
    assert {spent.run_id: spent.is_priced for spent in ledger.month(now=NEXT_MONTH)} == {"run-2": True, "run-3": False}
