"""What this month has cost so far, by trainer."""

from dataclasses import dataclass
from datetime import datetime

from service.bootstrap import Deps

# From this share of the month's budget on, it is marked.
NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Money:
    """A trainer's month; ``limit_usd`` is None where nothing limits it."""

    trainer: str
    spent_usd: float
    limit_usd: float | None

    @property
    def is_near(self) -> bool:
        """Whether little is left."""
        return self.limit_usd is not None and self.spent_usd >= NEAR * self.limit_usd


def money_of(deps: Deps, moment: datetime) -> list[Money]:
    """Give the trainers that have a budget for the month, or cost something in it."""
    found = [
        Money(name, deps.ledger.spent_this_month(name, now=moment), trainer.budget.month_usd)
        for name, trainer in deps.settings.trainers.items()
    ]
    return [money for money in found if money.spent_usd or money.limit_usd is not None]
