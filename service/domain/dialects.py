"""What trainers do differently, as data: one adapter speaks to every server of OpenAI's shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

Outcome = Literal["open", "succeeded", "failed", "cancelled"]

OPENAI_STATUSES: Mapping[str, Outcome] = MappingProxyType(
    {
        "validating_files": "open",
        "queued": "open",
        "running": "open",
        "pausing": "open",
        "paused": "open",
        "succeeded": "succeeded",
        "failed": "failed",
        "cancelled": "cancelled",
    }
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The ways of one kind of server.

    Attributes:
        base_url: Where it is, None where everybody has their own.
        api_key_env: The variable its key is usually in, None where none is needed.
        webhook_secret_env: The variable its webhook secret is usually in.
        webhooks: Whether it can tell the end of a job at all.
        any_hyperparameter: Whether it has more of them than OpenAI documents.
        unknown_hyperparameters: Those of OpenAI's that it does not have.
        creates_once: Whether it honours ``Idempotency-Key`` when a job is created.
        method_style: Hyperparameters are sent inside ``method``, or at the ``top_level`` by servers that refuse it.
        preference: Whether it trains on pairs of a better and a worse answer.
        metadata: Whether a job may carry any; what is not shown again does no harm.
        metadata_filter: Whether its list of jobs can be narrowed to one run.
        statuses: What its words for a job's status mean, beside OpenAI's; an unknown word is an open job.
        bom: Whether its training files must begin with a byte-order mark.
        file_purpose: What an uploaded file is said to be for.
        file_list: Whether it surely lists files; elsewhere a list that is not there is taken for an empty one.
        model_list: ``complete`` where a model that is not in its list cannot be trained, ``partial`` where the list
            leaves some out, ``maybe`` where there need not be one.
        max_file_mb: The largest file it takes, in mebibytes.
        length_field: The name it knows for the limit of an answer.
        temperature: Asked of a model that is judged; ``omit`` for models that refuse it, as reasoning ones do.
        suffix_max: The longest suffix of a model's name, in characters.
        suffix_without: Characters that a suffix may not hold.
        aliases: Whether it can let a name of ours follow the champion.
        deploy: ``by_hand`` where a tuned model answers only once somebody has deployed it.
        meaningless: Ways that its adapter does without, so that a file which sets one is mistaken.
    """

    base_url: str | None = None
    api_key_env: str | None = None
    webhook_secret_env: str | None = None
    webhooks: bool = True
    any_hyperparameter: bool = False
    unknown_hyperparameters: frozenset[str] = frozenset()
    creates_once: bool = False
    method_style: Literal["nested", "top_level"] = "nested"
    preference: bool = True
    metadata: bool = True
    metadata_filter: bool = False
    statuses: Mapping[str, Outcome] = field(default_factory=dict)
    bom: bool = False
    file_purpose: str = "fine-tune"
    file_list: bool = True
    model_list: Literal["complete", "partial", "maybe"] = "maybe"
    max_file_mb: int = 512
    length_field: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    temperature: Literal[0, "omit"] = 0
    suffix_max: int = 64
    suffix_without: str = ""
    aliases: bool = False
    deploy: Literal["none", "by_hand"] = "none"
    meaningless: frozenset[str] = frozenset()

    def but(self, ways: Mapping[str, Any]) -> "Dialect":
        """Give this dialect with some ways changed; words for statuses come on top of its own."""
        return replace(self, **{**ways, "statuses": {**self.statuses, **ways.get("statuses", {})}})

    def outcome_of(self, status: str) -> Outcome:
        """Say how a job stands, by the server's word for it."""
        word = status.lower()
        return self.statuses.get(word) or OPENAI_STATUSES.get(word, "open")

    @property
    def methods(self) -> tuple[str, ...]:
        """How it trains; only inside ``method`` can a job be told to train on pairs."""
        takes_pairs = self.preference and self.method_style == "nested"
        return ("supervised", "preference") if takes_pairs else ("supervised",)

    def fitting_suffix(self, suffix: str | None) -> str | None:
        """Give the suffix as this server takes it: cut, and without the characters it refuses."""
        written = suffix and suffix.translate({ord(character): "-" for character in self.suffix_without})
        return written and written[: self.suffix_max]


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        # Source: OpenAI's OpenAPI document 2.3.0 (2026-08-21).
        "openai": Dialect(
            base_url="https://api.openai.com/v1",
            api_key_env="OPENAI_API_KEY",
            webhook_secret_env="OPENAI_WEBHOOK_SECRET",  # noqa: S106 - the name of a variable, no secret
            metadata_filter=True,
            model_list="complete",
            length_field="max_completion_tokens",
        ),
        # Source: Microsoft Learn, "Customize a model with fine-tuning".
        "azure": Dialect(
            api_key_env="AZURE_OPENAI_API_KEY",
            statuses={"pending": "open", "notrunning": "open", "canceled": "cancelled"},
            bom=True,
            # Of a version and its alias it lists one, and a deployment under its model's name.
            model_list="partial",
            length_field="max_completion_tokens",
            suffix_max=18,
            suffix_without=".",
            deploy="by_hand",
        ),
        # Source: Nebius Token Factory documentation, "Fine-tuning".
        "nebius": Dialect(
            base_url="https://api.tokenfactory.nebius.com/v1",
            api_key_env="NEBIUS_API_KEY",
            webhooks=False,
            any_hyperparameter=True,
            method_style="top_level",
            preference=False,
            # What it serves, which is not all that it trains.
            model_list="partial",
            deploy="by_hand",
        ),
        # Gateways and everything else: nothing is relied on that could be missing, and the usual words are understood.
        "generic": Dialect(
            any_hyperparameter=True,
            statuses={
                "completed": "succeeded",
                "complete": "succeeded",
                "success": "succeeded",
                "finished": "succeeded",
                "error": "failed",
                "failure": "failed",
                "canceled": "cancelled",
            },
            file_list=False,
        ),
        # Our own trainer/.
        "tuneloop": Dialect(
            any_hyperparameter=True,
            metadata_filter=True,
            creates_once=True,
            model_list="complete",
            aliases=True,
            suffix_without=":/?#% ",
        ),
        # Another shape, with an adapter of its own. Source: Together's API reference and its Python package 3.1.
        "together": Dialect(
            base_url="https://api.together.xyz/v1",
            api_key_env="TOGETHER_API_KEY",
            webhooks=False,
            any_hyperparameter=True,
            unknown_hyperparameters=frozenset({"learning_rate_multiplier"}),
            metadata=False,
            statuses={"completed": "succeeded", "error": "failed"},
            # What it serves, which is not all that it trains.
            model_list="partial",
            max_file_mb=25 * 1024,
            # Its own limit is 40; the rest names the run, because a job carries nothing else of ours.
            suffix_max=15,
            suffix_without=":/ ",
            meaningless=frozenset({"method_style", "metadata", "metadata_filter", "bom", "file_list"}),
        ),
    }
)
