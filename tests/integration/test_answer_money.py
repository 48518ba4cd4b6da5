"""What answers cost stands in the ledger, and nothing is asked that could not be paid to the end."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_ledger import SqlLedger
from service.adapters.sql_tables import answers, champions, ledger_entries
from service.domain.budgets import Price
from service.domain.errors import OverBudget, TrainerUnreachable
from service.domain.pipelines import Budget, VerdictPolicy
from service.domain.runs import RunState as S
from service.domain.spending import Debt, LedgerEntry
from service.ports import Answer
from service.usecases.evaluate_base import BaseWanted, evaluate_base
from service.usecases.steer_run import approve_run
from service.usecases.steps.answer_money import LATE, bill_late_answers
from service.usecases.steps.asking import Asked, Payer
from tests.support.builders import make_pipeline
from tests.support.fakes import NOON
from tests.support.workshop import Workshop, leaking_answer

# A dollar a thousand tokens asked, two for a thousand said; training costs nothing.
PRICE = Price(0.0, date(2026, 11, 1), 1000.0, 2000.0)


def workshop(engine: sa.Engine, folder: Path, **verdict: float) -> Workshop:
    shop = Workshop(engine, folder / "files", price=PRICE, concurrency=4)
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(**verdict))  # type: ignore[arg-type]
    shop.fill()
    return shop


def answers_paid(shop: Workshop, name: str) -> list[LedgerEntry]:
    return [entry for entry in shop.ledger.entries_of(name) if entry.kind == "answers"]


def test_answers_of_both_models_are_billed_by_their_tokens(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path)
    run = shop.go(shop.train())
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    entries = answers_paid(shop, run.run_id)
    number = evaluation["held_out"]
    assert [entry.tokens for entry in entries] == [15 * number, 15 * number]
    assert [entry.usd for entry in entries] == pytest.approx([0.02 * number] * 2)
    assert entries[0].note == f"answers of base-model: {10 * number} tokens in, {5 * number} out"


def test_answers_that_came_before_an_error_are_billed_as_well_and_none_twice(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = workshop(sqlite_engine, tmp_path)
    run_id = shop.train()
    heard = 0

    def voice(prompt: str) -> str:
        nonlocal heard
        heard += 1
        if heard > 3:
            raise TrainerUnreachable("away")
        return leaking_answer(prompt)

    shop.trainer.voices["base-model"] = voice
    shop.advance(run_id)
    assert sum(entry.tokens or 0 for entry in answers_paid(shop, run_id)) == 3 * 15
    shop.trainer.voices["base-model"] = leaking_answer
    run = shop.go(run_id)
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert sum(entry.tokens or 0 for entry in answers_paid(shop, run_id)) == 2 * 15 * evaluation["held_out"]


def test_an_evaluation_above_its_budget_asks_nothing_and_goes_on_once_it_is_raised(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = workshop(sqlite_engine, tmp_path, budget_usd=1.0)
    run_id = shop.train()
    shop.trainer.asked.clear()
    run = shop.go(run_id)
    assert (run.state, shop.trainer.asked) == (S.NEEDS_ATTENTION, [])
    assert "above 1.00 USD" in run.fact("error")
    assert "Raise budget_usd" in run.fact("remedy")
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(budget_usd=1000.0))
    approve_run(run_id, shop.parts)
    assert shop.go(run_id).state == S.PROMOTED


def test_a_months_budget_holds_for_answers_too(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path)
    shop.accounts["box"] = replace(shop.accounts["box"], budget=Budget(month_usd=1.0))
    run_id = shop.train()
    run = shop.go(run_id)
    assert run.state == S.NEEDS_ATTENTION
    assert "left this month (trainer box)" in run.fact("error")
    with pytest.raises(OverBudget):
        evaluate_base(BaseWanted("summaries"), shop.parts, wait=shop.clock.forward, tell=len)


def test_what_earlier_calls_spent_on_an_untuned_model_counts_under_its_budget(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = workshop(sqlite_engine, tmp_path, budget_usd=1000.0)

    def measure() -> None:
        shop.clock.forward(1)
        evaluate_base(BaseWanted("summaries"), shop.parts, wait=shop.clock.forward, tell=len)

    measure()
    with sqlite_engine.begin() as connection:
        connection.execute(
            sa.delete(answers).where(answers.c.question == connection.scalar(sa.select(answers.c.question)))
        )
        (payer,) = connection.scalars(sa.select(ledger_entries.c.run_id).distinct())
    spent = sum(entry.usd for entry in answers_paid(shop, payer))
    # An answer may cost 2.06 USD.
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(budget_usd=2.06 + spent / 2))
    with pytest.raises(OverBudget, match=f"{spent:.2f} USD are spent"):
        measure()
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(budget_usd=2.06 + spent))
    measure()
    assert len(answers_paid(shop, payer)) == 2


def test_a_budget_of_less_than_a_cent_is_told_as_it_is(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path, budget_usd=0.001)
    run = shop.go(shop.train())
    assert run.fact("error").endswith("and 0.00 USD are spent, above 0.0010 USD")


def test_a_budget_without_prices_is_refused(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path, budget_usd=1.0)
    shop.accounts["box"] = replace(shop.accounts["box"], prices={})
    run = shop.go(shop.train())
    assert run.state == S.NEEDS_ATTENTION
    assert "have no price" in run.fact("error")


def test_a_base_measured_by_hand_is_billed_under_one_name_however_often_it_is_asked(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = workshop(sqlite_engine, tmp_path)
    made = evaluate_base(BaseWanted("summaries"), shop.parts, wait=shop.clock.forward, tell=len)
    (entry,) = answers_paid(shop, made.facts["paid_as"])
    assert (entry.pipeline, entry.trainer, entry.tokens) == ("summaries", "box", 15 * made.facts["held_out"])
    shop.clock.forward(1)
    again = evaluate_base(BaseWanted("summaries"), shop.parts, wait=shop.clock.forward, tell=len)
    assert again.evaluation_id != made.evaluation_id
    assert answers_paid(shop, again.facts["paid_as"]) == [entry]


DEBT = Debt("run-1", "p", "box", "m", "base", 60, 40)
ENTRY = LedgerEntry("run-1", "answers", "box", "p", 0.5, 100, NOON, "answers of m")


def owing(engine: sa.Engine, *keys: str) -> SqlLedger:
    for key in keys:
        SqlEvaluationStore(engine).add_answer("box/m", key, Answer("x", 60, 40), now=NOON, debt=DEBT)
    return SqlLedger(engine)


def test_a_debt_is_billed_once_and_only_as_it_was_seen(engine: sa.Engine) -> None:
    ledger = owing(engine, "q1")
    assert ledger.debts() == [DEBT]
    owing(engine, "q2")
    assert not ledger.settle(DEBT, ENTRY)
    (both,) = ledger.debts(payer="run-1")
    assert (both.prompt_tokens, both.completion_tokens) == (120, 80)
    assert ledger.settle(both, ENTRY)
    assert not ledger.settle(both, ENTRY)
    assert (ledger.entries_of("run-1"), ledger.debts()) == ([ENTRY], [])
    assert ledger.totals() == {("p", "box"): 0.5}


def test_of_many_who_settle_one_debt_a_single_one_writes_it(engine: sa.Engine) -> None:
    ledger = owing(engine, "q1")
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: ledger.settle(DEBT, ENTRY), range(8)))
    assert (done.count(True), ledger.entries_of("run-1")) == (1, [ENTRY])


def test_an_answer_that_is_asked_for_twice_is_owed_twice_and_kept_once(engine: sa.Engine) -> None:
    ledger = owing(engine, "q1", "q1")
    assert [debt.prompt_tokens for debt in ledger.debts()] == [120]


@dataclass
class DyingLedger(SqlLedger):
    """The worker is killed at the bill that is struck."""

    engine: sa.Engine
    struck: int
    bills: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.engine)

    def settle(self, debt: Debt, entry: LedgerEntry) -> bool:
        self.bills += 1
        if self.bills == self.struck:
            raise KeyboardInterrupt
        return super().settle(debt, entry)


@pytest.mark.parametrize("struck", [1, 2])
def test_answers_whose_worker_was_killed_before_it_billed_them_are_billed_by_the_next(
    engine: sa.Engine, tmp_path: Path, struck: int
) -> None:
    shop = workshop(engine, tmp_path)
    run_id = shop.train()
    shop.ledger = DyingLedger(engine, struck)
    with pytest.raises(KeyboardInterrupt):
        shop.advance(run_id)
    (debt,) = shop.ledger.debts(payer=run_id)
    assert debt.prompt_tokens > 0
    shop.clock.forward(shop.timing.lease.total_seconds() + 1)
    run = shop.go(run_id)
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert [entry.tokens for entry in answers_paid(shop, run_id)] == [15 * evaluation["held_out"]] * 2
    assert shop.ledger.debts() == []


def test_what_nobody_came_back_for_is_billed_after_a_while(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path)
    now, payer = shop.clock.now, Payer("eval-1", "summaries", "the same command again")
    asked = Asked("box", "base-model")
    answer = Answer("x", 100, 50)
    shop.evaluations.add_answer(asked.name, "q1", answer, now=now, debt=payer.owes(asked, answer))
    assert (bill_late_answers(shop.parts), answers_paid(shop, "eval-1")) == (0, [])
    shop.clock.forward(2 * LATE.total_seconds())
    assert [bill_late_answers(shop.parts), bill_late_answers(shop.parts)] == [1, 0]
    (entry,) = answers_paid(shop, "eval-1")
    assert (entry.usd, entry.tokens, entry.pipeline) == (pytest.approx(0.2), 150, "summaries")


def test_two_models_together_may_pass_a_months_budget_that_neither_passes_alone(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = workshop(sqlite_engine, tmp_path, max_questions=6)
    run_id = shop.train()
    # Up to two dollars and some cents for an answer.
    shop.accounts["box"] = replace(shop.accounts["box"], budget=Budget(month_usd=18.0))
    run = shop.go(run_id)
    assert (run.state, shop.trainer.asked) == (S.NEEDS_ATTENTION, [])
    assert "18.00 USD left this month (trainer box)" in run.fact("error")


# A cap on the questions.


def test_with_a_cap_always_the_same_questions_are_asked_and_that_is_recorded(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = workshop(sqlite_engine, tmp_path, max_questions=6)
    first = shop.evaluations.evaluation(shop.go(shop.train()).run_id)
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(max_questions=8))
    second = shop.evaluations.evaluation(shop.go(shop.train(2)).run_id)
    assert first is not None
    assert second is not None
    assert (first["held_out"], second["held_out"], first["max_questions"]) == (6, 8, 6)
    assert set(first["questions"]) < set(second["questions"])
    assert first["held_out_in_all"] == second["held_out_in_all"] > 8


def test_a_champion_from_another_base_costs_what_its_own_base_does(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path)
    shop.go(shop.train())
    dear = replace(PRICE, input_usd_per_million=100_000.0, output_usd_per_million=200_000.0)
    shop.accounts["box"] = replace(shop.accounts["box"], prices={"base-model": dear, "new-base": PRICE})
    pipeline = shop.pipelines["summaries"]
    shop.pipelines["summaries"] = replace(pipeline, train=replace(pipeline.train, model="new-base"))
    shop.trainer.voices["new-base"] = leaking_answer
    # Its name does not tell what it was tuned from.
    shop.trainer.voices["my-deployment"] = leaking_answer
    with shop.engine.begin() as connection:
        connection.execute(sa.update(champions).values(model="my-deployment"))
    run = shop.go(shop.train(2))
    a_token = {entry.note.split(": ")[0]: entry.usd / entry.tokens for entry in answers_paid(shop, run.run_id)}
    assert a_token["answers of my-deployment"] == pytest.approx(100 * a_token["answers of new-base"])
