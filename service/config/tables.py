"""What the tables of ``tuneloop.toml`` have in common."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from service.config.environment import Environment
from service.domain.addresses import host_name
from service.domain.dialects import Dialect


class Table(BaseModel):
    """A table: unknown keys are mistakes, a number in quotes is no number, defaults are checked as well."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, validate_default=True)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a table is checked against.

    Attributes:
        environment: Where secrets come from.
        trainers: The trainers that the file names and their dialects; None for one that does not exist.
        pipelines: The names of the pipelines.
        setting_up: Whether a pipeline's project may still be missing, because it is about to be made.
        secret_owners: Project and variable of every pipeline with a webhook secret of its own.
        folder: Where the file is: other files are named from there.
        dialects: The words for the trainers' dialects.
        candidate: Model and trainer of the pipeline whose tables are being read.
        own_metrics: The names of that pipeline's own metrics.
    """

    environment: Environment
    trainers: Mapping[str, Dialect | None]
    pipelines: frozenset[str] = frozenset()
    setting_up: bool = False
    secret_owners: Collection[tuple[str, str]] = ()
    folder: Path = field(default_factory=Path)
    dialects: Mapping[str, str] = field(default_factory=dict)
    candidate: tuple[str, str] | None = None
    own_metrics: frozenset[str] = frozenset()


def surroundings(info: ValidationInfo) -> Surroundings:
    """Give what the table being read is checked against."""
    if not isinstance(info.context, Surroundings):
        raise TypeError("tables are read with their surroundings as context")
    return info.context


def choose(value: str, allowed: Iterable[str]) -> str:
    """Check a word against those allowed.

    Raises:
        ValueError: It is none of them; the message gives them all and the likely one.
    """
    words = list(allowed)
    if value not in words:
        listed = ", ".join(repr(word) for word in words) or "none yet"
        raise ValueError(f"must be one of {listed} (got {value!r}){did_you_mean(value, words)}")
    return value


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """Give the likely word as the end of a sentence, or nothing."""
    near = get_close_matches(value, list(allowed), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _name(value: str) -> str:
    # Names ride in addresses, in a job's metadata and in the salt of the splits.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", value):
        raise ValueError("a name must be at most 63 letters, digits, '-' and '_', and begin with a letter or digit")
    return value


def _variable(value: str) -> str:
    # The value stays out of the message: it is most likely the secret itself.
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
        raise ValueError("must be the name of an environment variable, such as 'OPENAI_API_KEY', not the secret itself")
    return value


def _host(value: str) -> str:
    try:
        return host_name(value)
    except ValueError:
        # The value stays out of the message: a whole address may be signed.
        raise ValueError("must be a host name alone, such as 'storage.labelbox.com'") from None


Filled = Annotated[str, AfterValidator(_filled)]
Name = Annotated[str, AfterValidator(_name)]
HostName = Annotated[str, AfterValidator(_host)]
VariableName = Annotated[str, AfterValidator(_variable)]
