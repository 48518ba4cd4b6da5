"""What OpenAI asks for training and for answers, dated; ``[trainers.NAME.prices."MODEL"]`` overrides or adds to it."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from service.domain.budgets import Price

_READ_ON = date(2026, 10, 1)

# US dollars per million tokens: trained, and of a tuned model asked and answered. An untuned model answers for less, so
# that its answers are estimated and noted too high. Source: OpenAI's pricing page, copy of 2026-10.
OPENAI_PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "gpt-4.1-2025-04-14": Price(25.0, _READ_ON, 3.0, 12.0),
        "gpt-4.1-mini-2025-04-14": Price(5.0, _READ_ON, 0.8, 3.2),
        "gpt-4o-2024-08-06": Price(25.0, _READ_ON, 3.75, 15.0),
        "gpt-4o-mini-2024-07-18": Price(3.0, _READ_ON, 0.3, 1.2),
    }
)
