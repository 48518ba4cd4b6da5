"""What answers cost: estimated before any is asked for, and written into the ledger as they come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.domain.budgets import Price, price_of
from service.domain.errors import OverBudget
from service.domain.questions import Question
from service.domain.spending import NO_PRICE, LedgerEntry, scoped_budgets, state_of
from service.usecases.steps.gather_answers import stored_name
from service.usecases.steps.parts import Parts


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that is asked; ``priced_as`` is the base model whose prices count where it has none of its own."""

    trainer: str
    model: str
    priced_as: str


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose answers they are.

    Attributes:
        name: The id of a run, or of a base model's evaluation.
        go_on: What lets it go on where it stood.
    """

    name: str
    pipeline: str
    go_on: str


def require_money(payer: Payer, models: Iterable[Asked], questions: Sequence[Question], parts: Parts) -> None:
    """Refuse to begin what could not be finished: half an evaluation judges nothing.

    An answer is taken to be as long as it may be, so that the bill is never above the estimate but for how a server
    counts the tokens of a question.

    Raises:
        OverBudget: What is still to be asked passes the evaluation's budget or that of a month, or the evaluation has a
            budget and a model no price.
    """
    limit = parts.pipeline(payer.pipeline).verdict.budget_usd
    total = 0.0
    for asked in models:
        missing = _missing(asked, questions, parts)
        if not missing or asked.trainer not in parts.accounts:
            continue
        price = _price(asked, parts)
        usd = None if price is None else _estimated(asked, missing, price, parts)
        if usd is None and limit is not None:
            remedy = f'Give its prices in [trainers.{asked.trainer}.prices."{asked.model}"]; then {payer.go_on}'
            raise OverBudget(f"the answers of {asked.model} have no price, but the evaluation a budget", remedy=remedy)
        total += usd or 0.0
        _require_month(payer, asked, usd or 0.0, parts)
    spent = sum(entry.usd for entry in parts.ledger.entries_of(payer.name) if entry.kind == "answers")
    if limit is not None and total > 0 and spent + total > limit:
        raise OverBudget(
            f"answers of up to {total:.2f} USD are missing and {spent:.2f} USD are spent, above {limit:.2f} USD",
            remedy=f"Raise budget_usd or set max_questions in [pipelines.{payer.pipeline}.verdict]; then {payer.go_on}",
        )


def bill_answers(payer: Payer, asked: Asked, tokens: tuple[int, int], parts: Parts) -> None:
    """Write what some answers cost: tokens of questions, and of answers."""
    price = _price(asked, parts)
    usd = price.answers_usd(*tokens) if price else None
    note = f"answers of {asked.model}: {tokens[0]} tokens in, {tokens[1]} out"
    parts.ledger.add_answers(
        LedgerEntry(
            run_id=payer.name,
            kind="answers",
            trainer=asked.trainer,
            pipeline=payer.pipeline,
            usd=usd or 0.0,
            tokens=sum(tokens),
            at=parts.clock(),
            note=note + ("" if usd is not None else NO_PRICE),
        )
    )


def _missing(asked: Asked, questions: Sequence[Question], parts: Parts) -> list[Question]:
    name = stored_name(asked.trainer, asked.model)
    known = parts.evaluations.answers(name, [question.key for question in questions])
    return [question for question in questions if question.key not in known]


def _price(asked: Asked, parts: Parts) -> Price | None:
    account = parts.accounts.get(asked.trainer)
    prices = account.prices if account else {}
    found = price_of(asked.model, prices) or price_of(asked.priced_as, prices)
    return found if found and found.answers_usd(0, 0) is not None else None


def _estimated(asked: Asked, missing: Sequence[Question], price: Price, parts: Parts) -> float | None:
    counted = sum(
        parts.count_tokens(message["content"], asked.priced_as) for question in missing for message in question.messages
    )
    return price.answers_usd(counted, len(missing) * parts.account(asked.trainer).max_tokens)


def _require_month(payer: Payer, asked: Asked, usd: float, parts: Parts) -> None:
    pipeline = parts.pipeline(payer.pipeline)
    account = parts.accounts.get(asked.trainer)
    budgets = scoped_budgets(
        parts.overall_budget,
        trainers={asked.trainer: account.budget} if account else {},
        pipelines={payer.pipeline: pipeline.budget},
    )
    month = parts.ledger.month(now=parts.clock())
    for state in (state_of(budget, month) for budget in budgets):
        if usd > 0 and state.left_usd is not None and usd > state.left_usd:
            raise OverBudget(
                f"answers of up to {usd:.2f} USD, but {state.left_usd:.2f} USD left this month "
                f"({state.budget.in_words})",
                remedy=f"Raise month_usd of that budget, or wait for the next month; then {payer.go_on}",
            )
