"""The ``[pipelines.NAME.train]`` table: what is trained where."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from service.config.tables import Filled, Table, choose, surroundings
from service.domain.dialects import Dialect
from service.domain.pipelines import TrainPolicy


def _number_or_auto(*, most: float, whole: bool) -> Callable[[object], object]:
    words = f"a whole number from 1 to {most:g}" if whole else "a number above 0"

    def check(value: object) -> object:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        right_kind = is_number and (isinstance(value, int) or not whole)
        if value != "auto" and not (right_kind and isinstance(value, int | float) and 0 < value <= most):
            raise ValueError(f"must be 'auto' or {words} (got {value!r})")
        return value

    return check


def _scalar(value: object) -> object:
    if not isinstance(value, int | float | str):
        raise ValueError("must be a number, text, true or false")  # noqa: TRY004 - pydantic collects ValueErrors only
    return value


class HyperparametersTable(Table):
    """OpenAI's three. Source: OpenAPI document 2.3.0."""

    n_epochs: Annotated[int | str, BeforeValidator(_number_or_auto(most=50, whole=True))] = "auto"
    batch_size: Annotated[int | str, BeforeValidator(_number_or_auto(most=256, whole=True))] = "auto"
    learning_rate_multiplier: Annotated[int | float | str, BeforeValidator(_number_or_auto(most=1000, whole=False))] = (
        "auto"
    )


class OpenHyperparametersTable(HyperparametersTable):
    """The same and whatever else a server may know."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Annotated[Any, AfterValidator(_scalar)]]


class TrainTable(Table):
    """See ``TrainPolicy``."""

    trainer: str = ""
    model: Filled
    method: Literal["supervised", "preference"] = "supervised"
    format: Literal["chat", "completion"] = "chat"
    hyperparameters: HyperparametersTable = HyperparametersTable()
    suffix: Filled | None = None
    min_days_left: Annotated[int, Field(ge=0)] = TrainPolicy("", "").min_days_left

    @field_validator("trainer")
    @classmethod
    def _exists(cls, value: str, info: ValidationInfo) -> str:
        names = list(surroundings(info).trainers)
        if not value and len(names) > 1:
            raise ValueError(f"is needed, because there are several: {', '.join(names)}")
        # Without any, the table of trainers is itself the mistake and is named as such.
        return choose(value, names) if value and names else "".join(names)

    @field_validator("method")
    @classmethod
    def _is_offered(cls, value: str, info: ValidationInfo) -> str:
        dialect = _dialect(info)
        if value == "preference" and dialect and value not in dialect.methods:
            raise ValueError("must be 'supervised': this trainer knows no other method")
        return value

    @field_validator("format")
    @classmethod
    def _can_be_written(cls, value: str, info: ValidationInfo) -> str:
        if value == "completion" and info.data.get("method") == "preference":
            raise ValueError("must be 'chat' with method 'preference': its lines are pairs of answers")
        return value

    @field_validator("hyperparameters", mode="plain")
    @classmethod
    def _are_known(cls, value: object, info: ValidationInfo) -> HyperparametersTable:
        if isinstance(value, HyperparametersTable):
            return value  # the default
        dialect = _dialect(info)
        is_open = dialect is None or dialect.any_hyperparameter
        table = (OpenHyperparametersTable if is_open else HyperparametersTable).model_validate(value)
        if dialect and (without := sorted(dialect.unknown_hyperparameters & table.model_fields_set)):
            raise ValueError(f"must not hold {', '.join(without)}, which this trainer does not know")
        return table

    @field_validator("suffix")
    @classmethod
    def _fits(cls, value: str | None, info: ValidationInfo) -> str | None:
        dialect = _dialect(info)
        if value and dialect and len(value) > dialect.suffix_max:
            raise ValueError(f"must be at most {dialect.suffix_max} characters (got {len(value)})")
        if value and dialect and (wrong := [sign for sign in dialect.suffix_without if sign in value]):
            raise ValueError(f"must not hold {' '.join(map(repr, wrong))} at this trainer (got {value!r})")
        return value

    def policy(self) -> TrainPolicy:
        """Give this table in the domain's words; only the hyperparameters that the file names are sent."""
        given = self.hyperparameters.model_dump(exclude_unset=True)
        return TrainPolicy(
            trainer=self.trainer,
            model=self.model,
            method=self.method,
            format=self.format,
            hyperparameters=given,
            suffix=self.suffix,
            min_days_left=self.min_days_left,
        )


def _dialect(info: ValidationInfo) -> Dialect | None:
    # Missing from info.data where the trainer itself is a mistake.
    return surroundings(info).trainers.get(info.data.get("trainer", ""))
