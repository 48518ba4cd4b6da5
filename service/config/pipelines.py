"""The ``[pipelines.NAME]`` tables: which labels, when to train, and what counts as better."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)

from service.config.budgets import BudgetTable
from service.config.checks import ChecksTable
from service.config.durations import Duration, write_duration
from service.config.environment import Environment
from service.config.gaps import GapsTable
from service.config.metrics import METRIC_TABLES, MetricTables
from service.config.sampling import SamplingTable
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


def _is_metric(value: str, info: ValidationInfo) -> str:
    return choose(value, dict.fromkeys([*METRICS, *sorted(surroundings(info).own_metrics)]))


MetricName = Annotated[str, AfterValidator(_is_metric)]
_POINTS: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(ge=0, le=100, strict=True)])
_POINTS_BY_NAME: TypeAdapter[dict[str, float]] = TypeAdapter(
    dict[str, Annotated[float, Field(ge=0, le=100, strict=True)]]
)


@dataclass(frozen=True, slots=True)
class _BesideMetrics:
    """The table ``verdict`` as it stands in the file, with the names of the pipeline's own metrics."""

    verdict: object
    own_metrics: frozenset[str]


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
    guard_proven: bool = _VERDICT.guard_proven
    budget_usd: Annotated[float, Field(ge=0)] | None = None
    max_questions: Annotated[int, Field(ge=1)] | None = None
    sampling: SamplingTable = SamplingTable()
    guard_margin: Mapping[str, float] | float = _VERDICT.guard_margin

    @field_validator("guard_margin", mode="plain")
    @classmethod
    def _are_points(cls, value: object, info: ValidationInfo) -> Mapping[str, float] | float:
        if not isinstance(value, dict):
            return _POINTS.validate_python(value)
        if strangers := sorted(value.keys() - set(info.data.get("guard", value))):
            raise ValueError(f"names {', '.join(map(repr, strangers))}, not among the guards")
        return _POINTS_BY_NAME.validate_python(value)


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
    budget: BudgetTable = BudgetTable()
    metrics: MetricTables = Field(default_factory=dict)
    verdict: VerdictTable = Field(default_factory=lambda: cast("VerdictTable", {}))

    @model_validator(mode="before")
    @classmethod
    def _put_metrics_beside_verdict(cls, value: object) -> object:
        # Names are taken from the file as it is, so that mistakes in both tables are told at once.
        if not isinstance(value, dict) or not isinstance(value.get("metrics"), dict):
            return value
        return {**value, "verdict": _BesideMetrics(value.get("verdict", {}), frozenset(value["metrics"]))}

    @field_validator("metrics", mode="plain")
    @classmethod
    def _know_what_they_judge(cls, value: object, info: ValidationInfo) -> MetricTables:
        train = info.data.get("train")
        candidate = (train.model, train.trainer) if train else None
        return METRIC_TABLES.validate_python(value, context=replace(surroundings(info), candidate=candidate))

    @field_validator("verdict", mode="plain")
    @classmethod
    def _names_metrics(cls, value: object, info: ValidationInfo) -> VerdictTable:
        if not isinstance(value, _BesideMetrics):
            return VerdictTable.model_validate(value, context=surroundings(info))
        around = replace(surroundings(info), own_metrics=value.own_metrics)
        return VerdictTable.model_validate(value.verdict, context=around)

    gaps: GapsTable = GapsTable()

    def own_secrets(self, environment: Environment) -> OwnSecrets | None:
        """Give what this pipeline's own webhook is signed with, None where it has none."""
        name = self.labels.webhook_secret_env
        return None if name is None else OwnSecrets(name, environment.secrets(name))

    def policy(self, name: str, folder: Path = Path()) -> Pipeline:
        """Give the pipeline in the domain's words; ``folder`` is where files are named from."""
        verdict = self.verdict.model_dump() | {"sampling": self.verdict.sampling.ways()}
        return Pipeline(
            name=name,
            system=self.system,
            labels=self.labels.policy(),
            trigger=TriggerPolicy(**self.trigger.model_dump()),
            dataset=DatasetPolicy(**self.dataset.model_dump()),
            checks=self.checks.policy(),
            train=self.train.policy(),
            metrics={metric: table.spec(folder) for metric, table in self.metrics.items()},
            verdict=VerdictPolicy(**{**verdict, "guard": tuple(verdict["guard"])}),
            budget=self.budget.policy(),
            gaps=self.gaps.policy(),
        )
