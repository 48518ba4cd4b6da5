"""Metrics as the configuration describes them, ``[pipelines.NAME.metrics.*]``: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class LabelsSpec:
    """See ``label_sets``; ``separator`` stands between the labels of an answer that is no JSON, None for one label."""

    separator: str | None = ","
    words: str | None = None
    kind: Literal["label_f1"] = "label_f1"


@dataclass(frozen=True, slots=True)
class SchemaSpec:
    """An answer has to be JSON of this JSON Schema; ``schema_file`` is where it was read from, if from a file."""

    document: Mapping[str, Any]
    schema_file: str | None = None
    words: str | None = None
    kind: Literal["json_schema"] = "json_schema"


@dataclass(frozen=True, slots=True)
class LengthSpec:
    """An answer has to be within these bounds; None is no bound."""

    min_characters: int | None = None
    max_characters: int | None = None
    min_words: int | None = None
    max_words: int | None = None
    words: str | None = None
    kind: Literal["length"] = "length"


@dataclass(frozen=True, slots=True)
class RegexSpec:
    """Something in an answer has to match, or nothing may."""

    pattern: str
    must: Literal["match", "not_match"] = "match"
    words: str | None = None
    kind: Literal["regex"] = "regex"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function of the user's own, ``package.module:function``, with what it says of its values."""

    function: str
    values: Literal["yes_no", "score"] = "score"
    higher_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
    words: str | None = None
    kind: Literal["function"] = "function"


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """A model that compares two answers to the same question.

    Attributes:
        trainer: Where it is asked.
        model: Its name there.
        rubric: What makes one answer better than another.
        same_family: Whether it may judge models of its own family.
        human_pairs: Of at most so many choices of humans it is asked as well, to see how often it agrees.
        sampling: How it is asked, fields of ``Sampling``, where not by the defaults.
    """

    trainer: str
    model: str
    rubric: str = field(repr=False)
    same_family: bool = False
    human_pairs: int = 50
    sampling: Mapping[str, Any] = field(default_factory=dict)
    words: str | None = None
    kind: Literal["judge"] = "judge"


MetricSpec = LabelsSpec | SchemaSpec | LengthSpec | RegexSpec | FunctionSpec | JudgeSpec

_BY_KIND: Mapping[str, type[MetricSpec]] = {
    "label_f1": LabelsSpec,
    "json_schema": SchemaSpec,
    "length": LengthSpec,
    "regex": RegexSpec,
    "function": FunctionSpec,
    "judge": JudgeSpec,
}


def spec_in(facts: Mapping[str, Any]) -> MetricSpec:
    """Read a spec as an evaluation holds it: its fields by name, ``kind`` among them."""
    return _BY_KIND[facts["kind"]](**facts)
