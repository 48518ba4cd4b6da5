"""The ``[pipelines.NAME]`` tables: which labels, when to train, and what counts as better."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from service.config.durations import Duration, write_duration
from service.config.environment import Environment
from service.config.settings import OwnSecrets
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

# At least a tenth is left to train on.
_MOST_PERCENT = 90
_TRIGGER, _DATASET, _VERDICT = TriggerPolicy(), DatasetPolicy(), VerdictPolicy()

MetricName = Annotated[str, AfterValidator(lambda value: choose(value, METRICS))]


class LabelsTable(Table):
    """See ``LabelPolicy``."""

    project: Filled
    accept: Literal["done", "submitted"] = "done"
    response: Filled | None = None
    webhook_secret_env: VariableName | None = None

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

    @field_validator("max_wait")
    @classmethod
    def _outlasts_quiet(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        quiet = info.data.get("quiet", value)
        if value < quiet:
            raise ValueError(f"must be at least quiet, {write_duration(quiet)} (got {write_duration(value)})")
        return value


class DatasetTable(Table):
    """See ``DatasetPolicy``; there is one way to group so far."""

    held_out_percent: Annotated[float, Field(gt=0, le=_MOST_PERCENT)] = _DATASET.held_out_percent
    validation_percent: Annotated[float, Field(ge=0, le=_MOST_PERCENT)] = _DATASET.validation_percent
    min_held_out: Annotated[int, Field(ge=1)] = _DATASET.min_held_out
    group_by: Literal["prompt"] = "prompt"

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
    labels: LabelsTable
    trigger: TriggerTable = TriggerTable()
    dataset: DatasetTable = DatasetTable()
    train: TrainTable
    verdict: VerdictTable = VerdictTable()

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
            labels=LabelPolicy(**self.labels.model_dump(exclude={"webhook_secret_env"})),
            trigger=TriggerPolicy(**self.trigger.model_dump()),
            dataset=DatasetPolicy(**self.dataset.model_dump(exclude={"group_by"})),
            train=self.train.policy(),
            verdict=VerdictPolicy(**{**verdict, "guard": tuple(verdict["guard"])}),
        )
