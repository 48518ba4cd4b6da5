"""The ``[pipelines.NAME]`` tables: which labels, when to train, and what counts as better."""

from datetime import timedelta
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from service.config.budgets import BudgetTable
from service.config.checks import ChecksTable
from service.config.durations import Duration, write_duration
from service.config.environment import Environment
from service.config.gaps import GapsTable
from service.config.settings import OwnSecrets
from service.config.setup import SetupTable
from service.config.tables import Filled, Table, VariableName, choose, surroundings
from service.config.training import TrainTable
from service.config.webhooks import require_own_secret
from service.domain.metrics import METRICS
from service.domain.pipelines import (
    DatasetPolicy,
    LabelPolicy,
    Pipeline,
    TriggerPolicy,
    VerdictPolicy,
)
from service.domain.splits import read_grouping

# At least a tenth is left to train on.
_MOST_PERCENT = 90
# Below it the buckets of a fingerprint no longer find each other.
_LEAST_NEAR = 0.7
_TRIGGER, _DATASET, _VERDICT = TriggerPolicy(), DatasetPolicy(), VerdictPolicy()

MetricName = Annotated[str, AfterValidator(lambda value: choose(value, METRICS))]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _grouping(value: str) -> str:
    read_grouping(value)
    return value


class LabelsTable(Table):
    """See ``LabelPolicy``."""

    project: Filled | None = None
    accept: Literal["done", "submitted"] = "done"
    kind: Literal["conversation", "preference"] | None = None
    response: Annotated[list[Filled], BeforeValidator(_listed)] = Field(default_factory=list)
    where: dict[str, Annotated[list[Filled], BeforeValidator(_listed), Field(min_length=1)]] = Field(
        default_factory=dict
    )
    assistant: Annotated[list[Filled], BeforeValidator(_listed)] = Field(default_factory=list)
    conversation: Literal["turns", "transcript"] | None = None
    webhook_secret_env: VariableName | None = None

    def policy(self) -> LabelPolicy:
        """Give this table in the domain's words."""
        given = self.model_dump(exclude={"webhook_secret_env"})
        where = {name: tuple(options) for name, options in self.where.items()}
        return LabelPolicy(
            **given | {"response": tuple(self.response), "where": where, "assistant": tuple(self.assistant)}
        )

    @field_validator("project")
    @classmethod
    def _is_there(cls, value: str | None, info: ValidationInfo) -> str:
        if value is None and not surroundings(info).setting_up:
            raise ValueError("is missing: the id of your project, or let tuneloop labelbox setup make one")
        return value or ""

    @field_validator("webhook_secret_env")
    @classmethod
    def _rings_for_one_project(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            require_own_secret(value, project=info.data.get("project"), around=surroundings(info))
        return value


class TriggerTable(Table):
    """See ``TriggerPolicy``."""

    threshold: Annotated[int, Field(ge=1)] = _TRIGGER.threshold
    quiet: Duration = _TRIGGER.quiet
    max_wait: Duration = _TRIGGER.max_wait
    cooldown: Duration = _TRIGGER.cooldown
    max_failures: Annotated[int, Field(ge=0, le=100)] = _TRIGGER.max_failures

    @field_validator("max_wait")
    @classmethod
    def _outlasts_quiet(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        quiet = info.data.get("quiet", value)
        if value < quiet:
            raise ValueError(f"must be at least quiet, {write_duration(quiet)} (got {write_duration(value)})")
        return value


class DatasetTable(Table):
    """See ``DatasetPolicy``."""

    held_out_percent: Annotated[float, Field(gt=0, le=_MOST_PERCENT)] = _DATASET.held_out_percent
    validation_percent: Annotated[float, Field(ge=0, le=_MOST_PERCENT)] = _DATASET.validation_percent
    min_train: Annotated[int, Field(ge=1)] = _DATASET.min_train
    min_validation: Annotated[int, Field(ge=0)] = _DATASET.min_validation
    min_held_out: Annotated[int, Field(ge=1)] = _DATASET.min_held_out
    group_by: Annotated[str, AfterValidator(_grouping)] = _DATASET.group_by
    near_duplicates: Annotated[float, Field(ge=_LEAST_NEAR, le=1)] = _DATASET.near_duplicates
    max_tokens: Annotated[int, Field(ge=1)] = _DATASET.max_tokens

    @field_validator("validation_percent")
    @classmethod
    def _leaves_training(cls, value: float, info: ValidationInfo) -> float:
        total = value + info.data.get("held_out_percent", 0)
        if total > _MOST_PERCENT:
            raise ValueError(f"must be at most {_MOST_PERCENT} together with held_out_percent (got {total:g})")
        return value


class VerdictTable(Table):
    """See ``VerdictPolicy``."""

    primary: MetricName = _VERDICT.primary
    guard: list[MetricName] = Field(default=list(_VERDICT.guard))
    promote: Literal["automatic", "manual"] = "automatic"
    alpha: Annotated[float, Field(gt=0, le=0.5)] = _VERDICT.alpha
    guard_margin: Annotated[float, Field(ge=0, le=100)] = _VERDICT.guard_margin


class PipelineTable(Table):
    """See ``Pipeline``."""

    system: Filled | None = None
    # A table left out lacks its project, which is then the mistake that is told.
    labels: LabelsTable = Field(default_factory=lambda: cast("LabelsTable", {}))
    setup: SetupTable | None = None
    trigger: TriggerTable = TriggerTable()
    dataset: DatasetTable = DatasetTable()
    checks: ChecksTable = ChecksTable()
    train: TrainTable
    verdict: VerdictTable = VerdictTable()
    budget: BudgetTable = BudgetTable()
    gaps: GapsTable = GapsTable()

    def own_secrets(self, environment: Environment) -> OwnSecrets | None:
        """Give what this pipeline's own webhook is signed with, None where it has none."""
        name = self.labels.webhook_secret_env
        return None if name is None else OwnSecrets(name, environment.secrets(name))

    def policy(self, name: str) -> Pipeline:
        """Give the pipeline in the domain's words."""
        verdict = self.verdict.model_dump()
        return Pipeline(
            name=name,
            system=self.system,
            labels=self.labels.policy(),
            trigger=TriggerPolicy(**self.trigger.model_dump()),
            dataset=DatasetPolicy(**self.dataset.model_dump()),
            checks=self.checks.policy(),
            train=self.train.policy(),
            verdict=VerdictPolicy(**{**verdict, "guard": tuple(verdict["guard"])}),
            budget=self.budget.policy(),
            gaps=self.gaps.policy(),
        )
