"""What servers of OpenAI's shape do differently, as data: one adapter speaks to all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Dialect:
    """The ways of one kind of server.

    Attributes:
        base_url: Where it is, None where everybody has their own.
        api_key_env: The variable its key is usually in, None where none is needed.
        webhook_secret_env: The variable its webhook secret is usually in.
        hyperparameters: Sent inside ``method``, or at the ``top_level`` by servers that refuse ``method``.
        any_hyperparameter: Whether it has more of them than OpenAI documents.
        filters_by_metadata: Whether its list of jobs can be narrowed to one run.
        bom: Whether its training files must begin with a byte-order mark.
        creates_once: Whether it honours ``Idempotency-Key`` when a job is created.
        max_tokens: The name it knows for the limit of an answer.
        suffix_max: The longest suffix of a model's name, in characters.
        suffix_dots: Whether a suffix may hold dots.
    """

    base_url: str | None = None
    api_key_env: str | None = None
    webhook_secret_env: str | None = None
    hyperparameters: Literal["method", "top_level"] = "method"
    any_hyperparameter: bool = False
    filters_by_metadata: bool = False
    bom: bool = False
    creates_once: bool = False
    max_tokens: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    suffix_max: int = 64
    suffix_dots: bool = True

    @property
    def methods(self) -> tuple[str, ...]:
        """How it trains: ``supervised``, and ``preference`` where it takes a method at all."""
        return ("supervised",) if self.hyperparameters == "top_level" else ("supervised", "preference")

    def fitting_suffix(self, suffix: str | None) -> str | None:
        """Give the suffix as this server takes it: cut, and without dots."""
        written = suffix if suffix is None or self.suffix_dots else suffix.replace(".", "-")
        return written and written[: self.suffix_max]


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        # Source: OpenAI's OpenAPI document 2.3.0 (2026-08-21).
        "openai": Dialect(
            base_url="https://api.openai.com/v1",
            api_key_env="OPENAI_API_KEY",
            webhook_secret_env="OPENAI_WEBHOOK_SECRET",  # noqa: S106 - the name of a variable, no secret
            filters_by_metadata=True,
            max_tokens="max_completion_tokens",
        ),
        # Source: Microsoft Learn, "Customize a model with fine-tuning". A model must be deployed before it answers.
        "azure": Dialect(
            api_key_env="AZURE_OPENAI_API_KEY",
            bom=True,
            max_tokens="max_completion_tokens",
            suffix_max=18,
            suffix_dots=False,
        ),
        # Source: Nebius Token Factory documentation, "Fine-tuning".
        "nebius": Dialect(
            base_url="https://api.tokenfactory.nebius.com/v1",
            api_key_env="NEBIUS_API_KEY",
            hyperparameters="top_level",
            any_hyperparameter=True,
        ),
        # Gateways and everything else: nothing is relied on that could be missing.
        "generic": Dialect(any_hyperparameter=True),
        # Our own trainer/.
        "tuneloop": Dialect(any_hyperparameter=True, filters_by_metadata=True, creates_once=True),
    }
)
