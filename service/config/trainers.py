"""The ``[trainers.NAME]`` tables: servers, their budgets and prices."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue, ValidationInfo, field_validator

from service.config.budgets import BudgetTable, Dollars
from service.config.deploying import DeployTable
from service.config.durations import Duration, PositiveDuration
from service.config.environment import Environment, http_url
from service.config.manners import MannersTable
from service.config.prices import OPENAI_PRICES
from service.config.settings import TrainerSettings
from service.config.sunsets import sunsets_of
from service.config.tables import Table, VariableName, choose, surroundings
from service.domain.budgets import Price
from service.domain.dialects import DIALECTS, Dialect

# What the service itself writes into a request; a file must not replace it unseen.
_OURS = frozenset({"model", "training_file", "validation_file", "method", "hyperparameters", "metadata", "suffix"})
_DEFAULTS = TrainerSettings(name="", dialect="openai", base_url="")


class PriceTable(Table):
    """See ``Price``."""

    train_usd_per_million: Dollars
    as_of: date
    input_usd_per_million: Dollars | None = None
    output_usd_per_million: Dollars | None = None


class DialectTable(Table):
    """The key that others are checked against, and so the first."""

    dialect: Annotated[str, AfterValidator(lambda value: choose(value, DIALECTS))] = _DEFAULTS.dialect


class TrainerTable(MannersTable, DeployTable, DialectTable):
    """See ``TrainerSettings``."""

    base_url: Annotated[str, AfterValidator(http_url)] | None = None
    api_key_env: VariableName | None = None
    webhook_secret_env: VariableName | None = None
    budget: BudgetTable = BudgetTable()
    prices: dict[str, PriceTable] = Field(default_factory=dict)
    max_tokens: Annotated[int, Field(ge=1, le=131_072)] = _DEFAULTS.max_tokens
    answer_timeout: PositiveDuration = _DEFAULTS.answer_timeout
    concurrency: Annotated[int, Field(ge=1, le=64)] = _DEFAULTS.concurrency
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    sunsets: dict[str, date] = Field(default_factory=dict)
    training_ends: date | None = None
    keep_files: Duration = _DEFAULTS.keep_files

    @field_validator(*MannersTable.model_fields)
    @classmethod
    def _means_something(cls, value: object, info: ValidationInfo) -> object:
        dialect = _dialect(info)
        if value is not None and dialect and info.field_name in dialect.meaningless:
            raise ValueError(
                f"must not be set: it means nothing to servers of the dialect {info.data['dialect']!r}; leave it out"
            )
        return value

    @field_validator("base_url")
    @classmethod
    def _is_known(cls, value: str | None, info: ValidationInfo) -> str | None:
        dialect = _dialect(info)
        if value is None and dialect and dialect.base_url is None:
            raise ValueError(f"is needed for the dialect {info.data['dialect']!r}, which has no address of its own")
        return value or (dialect.base_url if dialect else None)

    @field_validator("api_key_env")
    @classmethod
    def _key_can_be_read(cls, value: str | None, info: ValidationInfo) -> str | None:
        dialect = _dialect(info)
        name = value or (dialect.api_key_env if dialect else None)
        if name:
            surroundings(info).environment.secret(name)
        return name

    @field_validator("webhook_secret_env")
    @classmethod
    def _can_verify(cls, value: str | None, info: ValidationInfo) -> str | None:
        dialect = _dialect(info)
        if value and dialect and not dialect.webhooks:
            raise ValueError(f"must not be set: servers of the dialect {info.data['dialect']!r} send no webhooks")
        name = value or (dialect.webhook_secret_env if dialect else None)
        if name:
            surroundings(info).environment.signing_secrets(name)
        return name

    @field_validator("extra_body")
    @classmethod
    def _leaves_ours_alone(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if clash := sorted(_OURS & value.keys()):
            raise ValueError(f"must not hold {', '.join(clash)}: the service writes these itself")
        return value

    def settings(self, name: str, environment: Environment) -> TrainerSettings:
        """Give the settings of this trainer, its secrets read."""
        own = {model: Price(**price.model_dump()) for model, price in self.prices.items()}
        ends = sunsets_of(self.dialect, self.sunsets, self.training_ends)
        return TrainerSettings(
            name=name,
            dialect=self.dialect,
            base_url=self.base_url or "",
            api_key_env=self.api_key_env,
            api_key=environment.secret(self.api_key_env) if self.api_key_env else None,
            webhook_secret_env=self.webhook_secret_env,
            webhook_secrets=environment.signing_secrets(self.webhook_secret_env) if self.webhook_secret_env else (),
            budget=self.budget.policy(),
            prices={**OPENAI_PRICES, **own} if self.dialect == "openai" else own,
            max_tokens=self.max_tokens,
            answer_timeout=self.answer_timeout,
            concurrency=self.concurrency,
            requests_per_minute=self.requests_per_minute,
            extra_body=self.extra_body,
            ways=self.ways(),
            deployment=self.deployment(DIALECTS[self.dialect]),
            sunsets=ends.models,
            training_ends=ends.training_ends,
            keep_files=self.keep_files,
        )


def _dialect(info: ValidationInfo) -> Dialect | None:
    # Missing from info.data where the dialect itself is a mistake.
    return DIALECTS.get(info.data.get("dialect", ""))
