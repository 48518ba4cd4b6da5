"""What answers cost: estimated before any is asked for, and written into the ledger as they come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.domain.budgets import Price, price_of
from service.domain.errors import OverBudget
from service.domain.questions import Question
from service.domain.spending import NO_PRICE, Debt, LedgerEntry, in_usd, scoped_budgets, state_of
from service.usecases.steps.asking import Asked, Item, Payer
from service.usecases.steps.parts import Parts

# Nobody who is alive leaves an answer unbilled for so long.
LATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Need:
    """What a model is still to be asked: so many answers, to questions of so many tokens together."""

    asked: Asked
    answers: int
    prompt_tokens: int


def need_of(asked: Asked, items: Iterable[Item], parts: Parts) -> Need:
    """Count what asking a model this takes."""
    tokens = [
        sum(parts.count_tokens(message["content"], asked.priced_as or asked.model) for message in item.messages)
        for item in items
    ]
    return Need(asked, len(tokens), sum(tokens))


def answers_needed(asked: Asked, questions: Sequence[Question], parts: Parts) -> Need:
    """Count what a model has not answered yet."""
    known = parts.evaluations.answers(asked.name, [question.key for question in questions])
    return need_of(asked, (question for question in questions if question.key not in known), parts)


def require_money(payer: Payer, needs: Iterable[Need], parts: Parts) -> None:
    """Refuse to begin what could not be finished: half an evaluation judges nothing.

    An answer is taken to be as long as it may be, so that the bill is never above the estimate but for how a server
    counts the tokens of a question. What a killed worker left unbilled is billed first: it is spent.

    Raises:
        OverBudget: What is still to be asked passes the evaluation's budget or that of a month, or the evaluation has a
            budget and a model no price.
    """
    bill_answers(payer, parts)
    limit = parts.pipeline(payer.pipeline).verdict.budget_usd
    by_trainer: dict[str, float] = {}
    for need in needs:
        asked = need.asked
        if not need.answers or asked.trainer not in parts.accounts:
            continue
        usd = _estimated(need, parts)
        if usd is None and limit is not None:
            remedy = f'Give its prices in [trainers.{asked.trainer}.prices."{asked.model}"]; then {payer.go_on}'
            raise OverBudget(f"the answers of {asked.model} have no price, but the evaluation a budget", remedy=remedy)
        by_trainer[asked.trainer] = by_trainer.get(asked.trainer, 0.0) + (usd or 0.0)
    total = sum(by_trainer.values())
    spent = sum(entry.usd for entry in parts.ledger.entries_of(payer.name) if entry.kind == "answers")
    if limit is not None and total > 0 and spent + total > limit:
        raise OverBudget(
            f"answers of up to {in_usd(total)} are missing and {in_usd(spent)} are spent, above {in_usd(limit)}",
            remedy=f"Raise budget_usd or set max_questions in [pipelines.{payer.pipeline}.verdict]; then {payer.go_on}",
        )
    _require_month(payer, by_trainer, parts)


def bill_answers(payer: Payer, parts: Parts) -> None:
    """Write what answers cost that came and are not billed yet, those that a killed worker left as well."""
    for debt in parts.ledger.debts(payer=payer.name):
        _bill(debt, parts)


def bill_late_answers(parts: Parts) -> int:
    """Bill what nobody came back for, because the run was cancelled or the command not given again; say how many."""
    return sum(_bill(debt, parts) for debt in parts.ledger.debts(before=parts.clock() - LATE))


def _bill(debt: Debt, parts: Parts) -> bool:
    tokens = (debt.prompt_tokens, debt.completion_tokens)
    price = _price(Asked(debt.trainer, debt.model, debt.priced_as), parts)
    usd = price.answers_usd(*tokens) if price else None
    note = f"answers of {debt.model}: {tokens[0]} tokens in, {tokens[1]} out"
    entry = LedgerEntry(
        run_id=debt.payer,
        kind="answers",
        trainer=debt.trainer,
        pipeline=debt.pipeline,
        usd=usd or 0.0,
        tokens=sum(tokens),
        at=parts.clock(),
        note=note + ("" if usd is not None else NO_PRICE),
    )
    # Where more came meanwhile whoever stored it bills it all.
    return parts.ledger.settle(debt, entry)


def _price(asked: Asked, parts: Parts) -> Price | None:
    account = parts.accounts.get(asked.trainer)
    prices = account.prices if account else {}
    found = price_of(asked.model, prices) or price_of(asked.priced_as, prices)
    return found if found and found.answers_usd(0, 0) is not None else None


def _estimated(need: Need, parts: Parts) -> float | None:
    price = _price(need.asked, parts)
    if price is None:
        return None
    return price.answers_usd(need.prompt_tokens, need.answers * need.asked.sampling.max_tokens)


def _require_month(payer: Payer, by_trainer: dict[str, float], parts: Parts) -> None:
    budgets = scoped_budgets(
        parts.overall_budget,
        trainers={name: parts.accounts[name].budget for name in by_trainer},
        pipelines={payer.pipeline: parts.pipeline(payer.pipeline).budget},
    )
    month = parts.ledger.month(now=parts.clock())
    for state in (state_of(budget, month) for budget in budgets):
        usd = sum(usd for name, usd in by_trainer.items() if state.budget.trainer in {None, name})
        if usd > 0 and state.left_usd is not None and usd > state.left_usd:
            raise OverBudget(
                f"answers of up to {in_usd(usd)}, but {in_usd(state.left_usd)} left this month "
                f"({state.budget.in_words})",
                remedy=f"Raise month_usd of that budget, or wait for the next month; then {payer.go_on}",
            )
