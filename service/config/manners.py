"""What a ``[trainers.NAME]`` table may say of its server where the server departs from its dialect."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator

from service.config.tables import Filled, Table, choose
from service.domain.dialects import DIALECTS, Dialect

_OUTCOMES = ("open", "succeeded", "failed", "cancelled")


class MannersTable(Table):
    """Ways of ``Dialect``, each only where the server has another."""

    method_style: Literal["nested", "top_level"] | None = None
    preference: bool | None = None
    metadata: bool | None = None
    metadata_filter: bool | None = None
    statuses: dict[str, Annotated[str, AfterValidator(lambda value: choose(value, _OUTCOMES))]] | None = None
    bom: bool | None = None
    file_purpose: Filled | None = None
    file_list: bool | None = None
    model_list: Literal["complete", "partial", "maybe"] | None = None
    max_file_mb: Annotated[int, Field(ge=1)] | None = None
    length_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    temperature: Literal[0, "omit"] | None = None
    suffix_max: Annotated[int, Field(ge=1, le=64)] | None = None

    @field_validator("statuses")
    @classmethod
    def _are_words(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        # Compared without case, because servers spell their words as they like.
        return None if value is None else {word.lower(): outcome for word, outcome in value.items()}

    def ways(self) -> dict[str, Any]:
        """Give what the file says otherwise than the dialect."""
        found = {name: getattr(self, name) for name in MannersTable.model_fields}
        return {name: value for name, value in found.items() if value is not None}


def dialect_of(table: object) -> Dialect | None:
    """Give the dialect of a table that is not checked yet, with its own ways; None where it names none.

    So that the mistakes of a pipeline are found beside those of its trainer.
    """
    if not isinstance(table, Mapping):
        return None
    name = table.get("dialect", "openai")
    dialect = DIALECTS.get(name) if isinstance(name, str) else None
    if dialect is None:
        return None
    try:
        given = {key: value for key, value in table.items() if key in MannersTable.model_fields}
        return dialect.but(MannersTable.model_validate(given).ways())
    except ValidationError:
        return dialect
