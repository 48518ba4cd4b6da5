"""The ``[pipelines.NAME.metrics.*]`` tables: metrics of the user's own."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, TypeAdapter, ValidationInfo, field_validator, model_validator

from service.config.sampling import SamplingTable
from service.config.tables import Filled, Name, Table, choose, surroundings
from service.domain.judging.families import family_of
from service.domain.metric_specs import (
    FunctionSpec,
    JudgeSpec,
    LabelsSpec,
    LengthSpec,
    MetricSpec,
    RegexSpec,
    SchemaSpec,
)
from service.domain.metrics import METRICS
from service.domain.metrics.json_answers import check_schema
from service.domain.metrics.patterns import check_pattern

_BOUNDS = ("min_characters", "max_characters", "min_words", "max_words")
# By kind: the keys that it must have, and those that it may have.
_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "label_f1": ((), ("separator",)),
    "json_schema": ((), ("json_schema", "schema_file")),
    "length": ((), _BOUNDS),
    "regex": (("pattern",), ("must",)),
    "function": (("function",), ("values", "higher_is_better", "low", "high")),
    "judge": (("model", "rubric"), ("trainer", "same_family", "human_pairs", "sampling")),
}
_ANY_KIND = ("kind", "words")
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")

Bound = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _checked(check: Callable[[Any], None]) -> AfterValidator:
    def run(value: Any) -> Any:  # noqa: ANN401 - whatever is checked
        check(value)
        return value

    return AfterValidator(run)


def _is_dotted(value: str) -> None:
    if not _DOTTED.fullmatch(value):
        raise ValueError(
            f"must name a module and a function in it, such as 'mypackage.scoring:politeness' (got {value!r})"
        )


class MetricTable(Table):
    """See ``metric_specs``; which keys there are depends on ``kind``."""

    kind: Annotated[str, AfterValidator(lambda value: choose(value, _KEYS))]
    words: Filled | None = None
    separator: str | None = None
    json_schema: Annotated[dict[str, JsonValue], _checked(check_schema)] | None = None
    schema_file: Filled | None = None
    min_characters: Bound | None = None
    max_characters: Bound | None = None
    min_words: Bound | None = None
    max_words: Bound | None = None
    pattern: Annotated[Filled, _checked(check_pattern)] | None = None
    must: Literal["match", "not_match"] | None = None
    function: Annotated[str, _checked(_is_dotted)] | None = None
    values: Literal["yes_no", "score"] | None = None
    higher_is_better: bool | None = None
    low: Finite | None = None
    high: Finite | None = None
    trainer: str | None = None
    same_family: bool | None = None
    model: Filled | None = None
    rubric: Filled | None = None
    human_pairs: Annotated[int, Field(ge=0, le=10_000)] | None = None
    sampling: SamplingTable | None = None

    @field_validator("*")
    @classmethod
    def _belongs(cls, value: object, info: ValidationInfo) -> object:
        name, kind = str(info.field_name), info.data.get("kind")
        if kind is None or name in _ANY_KIND:
            return value
        needed, allowed = _KEYS[kind]
        if value is None and name in needed:
            raise ValueError(f"is missing: kind {kind!r} needs it")
        if value is not None and name not in (*needed, *allowed):
            kinds = " and ".join(repr(other) for other, keys in _KEYS.items() if name in (*keys[0], *keys[1]))
            raise ValueError(f"is for kind {kinds} only")
        return value

    @field_validator("schema_file")
    @classmethod
    def _is_a_schema(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            if info.data.get("json_schema") is not None:
                raise ValueError("must not stand beside json_schema: one of the two holds the schema")
            check_schema(read_schema(surroundings(info).folder / value))
        elif info.data.get("kind") == "json_schema" and info.data.get("json_schema", {}) is None:
            raise ValueError("is missing: the schema is in this file, or in the table json_schema")
        return value

    @field_validator("max_characters", "max_words")
    @classmethod
    def _is_above(cls, value: int | None, info: ValidationInfo) -> int | None:
        name = str(info.field_name).replace("max", "min")
        least = info.data.get(name)
        if value is not None and least is not None and value < least:
            raise ValueError(f"must be at least {name}, {least} (got {value})")
        return value

    @field_validator("low", "high")
    @classmethod
    def _are_a_range(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("values") == "yes_no":
            raise ValueError("is for values = 'score' only: yes and no are 1 and 0")
        if info.field_name == "high":
            low, high = info.data.get("low") or 0.0, 1.0 if value is None else value
            if high <= low:
                raise ValueError(f"must be above low, {low:g} (got {high:g})")
        return value

    @field_validator("trainer")
    @classmethod
    def _exists(cls, value: str | None, info: ValidationInfo) -> str | None:
        names = list(surroundings(info).trainers)
        if info.data.get("kind") != "judge" or not names:
            return value
        if value is None and len(names) > 1:
            raise ValueError(f"is needed, because there are several: {', '.join(names)}")
        return names[0] if value is None else choose(value, names)

    @field_validator("model")
    @classmethod
    def _is_no_relative(cls, value: str | None, info: ValidationInfo) -> str | None:
        around = surroundings(info)
        if value is None or around.candidate is None or info.data.get("same_family") or "trainer" not in info.data:
            return value
        candidate, its_trainer = around.candidate
        dialects = around.dialects
        mine = family_of(value, dialect=dialects.get(info.data["trainer"], ""))
        if mine == family_of(candidate, dialect=dialects.get(its_trainer, "")):
            raise ValueError(
                f"must not be of the family of what it judges, {mine}: judges like their own. Name another model, "
                f"or say same_family = true (got {value!r})"
            )
        return value

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.kind == "length" and all(getattr(self, name) is None for name in _BOUNDS):
            raise ValueError(f"needs at least one of {', '.join(_BOUNDS)}")
        return self

    def spec(self, folder: Path) -> MetricSpec:
        """Give this table in the domain's words; ``folder`` is where files are named from."""
        needed, allowed = _KEYS[self.kind]
        given: dict[str, Any] = {
            name: value for name in ("words", *needed, *allowed) if (value := getattr(self, name)) is not None
        }
        if self.kind == "json_schema":
            document = given.pop("json_schema", None)
            return SchemaSpec(read_schema(folder / self.schema_file) if self.schema_file else document, **given)
        if self.sampling is not None:
            given["sampling"] = self.sampling.ways()
        if self.separator == "":
            given["separator"] = None
        return _SPECS[self.kind](**given)


_SPECS: Mapping[str, Callable[..., MetricSpec]] = {
    "label_f1": LabelsSpec,
    "length": LengthSpec,
    "regex": RegexSpec,
    "function": FunctionSpec,
    "judge": JudgeSpec,
}


def read_schema(path: Path) -> dict[str, Any]:
    """Read a JSON Schema from a file.

    Raises:
        ValueError: It cannot be read, or is no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot be read: {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"is no JSON: {path}{line}") from error
    if not isinstance(found, dict):
        raise ValueError(f"is no JSON Schema: {path} must hold an object")  # noqa: TRY004 - pydantic collects ValueErrors only
    return found


def _is_new(name: str) -> str:
    if name in METRICS:
        raise ValueError(f"{name!r} is a metric that is always there: choose another name")
    return name


MetricTables = dict[Annotated[Name, AfterValidator(_is_new)], MetricTable]
METRIC_TABLES: TypeAdapter[MetricTables] = TypeAdapter(MetricTables)
