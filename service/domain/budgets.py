"""What a job will cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from service.domain.base_models import base_of

# What OpenAI chooses for "auto" at 100 lines and more; small files get more epochs.
AUTO_EPOCHS = 3
MAX_AUTO_EPOCHS = 10
AUTO_EPOCHS_LINES = 80


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, and the day the prices were read.

    ``None`` is an answer that nobody gave a price; where training is free, such as on one's own hardware, it is too.
    """

    train_usd_per_million: float
    as_of: date
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None

    def answers_usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Give what answers of so many tokens cost; None where a price is missing."""
        if self.input_usd_per_million is None or self.output_usd_per_million is None:
            return None if self.train_usd_per_million else 0.0
        asked, said = prompt_tokens * self.input_usd_per_million, completion_tokens * self.output_usd_per_million
        return (asked + said) / 1_000_000


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Give what training a model costs; training a tuned model further costs what its base does."""
    return prices.get(model) or prices.get(base_of(model))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job is expected to cost.

    Attributes:
        tokens: Tokens of the training file, once.
        epochs: How often the file is billed.
        usd: None where the model has no price.
        usd_per_million: That price, of as many tokens.
        price_as_of: The day it was read, in ISO form.
    """

    tokens: int
    epochs: int
    usd: float | None = None
    usd_per_million: float | None = None
    price_as_of: str | None = None

    def in_words(self) -> str:
        """Write the calculation out."""
        counted = f"{self.tokens:,} tokens x {self.epochs} epochs"
        if self.usd is None:
            return f"{counted}; no price known for this model"
        price = f"{self.usd_per_million:g} USD a million (price of {self.price_as_of})"
        return f"{counted} x {price} = {self.usd:,.2f} USD"


def estimate_cost(tokens: int, *, lines: int, n_epochs: float | str, price: Price | None) -> Estimate:
    """Estimate a training job: tokens times epochs times price.

    Source: OpenAI fine-tuning guide (cost); the automatic number of epochs as real jobs showed it.
    """
    epochs = int(n_epochs) if isinstance(n_epochs, int | float) else _auto_epochs(lines)
    if price is None:
        return Estimate(tokens, epochs)
    rate = price.train_usd_per_million
    return Estimate(tokens, epochs, tokens * epochs * rate / 1_000_000, rate, price.as_of.isoformat())


def _auto_epochs(lines: int) -> int:
    if lines >= AUTO_EPOCHS_LINES:
        return AUTO_EPOCHS
    return min(MAX_AUTO_EPOCHS, round(AUTO_EPOCHS_LINES * AUTO_EPOCHS / max(lines, 1)))
