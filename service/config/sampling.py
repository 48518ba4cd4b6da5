"""The tables ``sampling`` of a verdict or a judge: how models are asked."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from service.config.tables import Table

_HOTTEST = 2


class SamplingTable(Table):
    """Fields of ``Sampling``, each only where it is not as the trainer's table says."""

    temperature: float | Literal["omit"] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=131_072)] | None = None

    @field_validator("temperature", mode="plain")
    @classmethod
    def _is_one(cls, value: object) -> object:
        if value is None or value == "omit":
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _HOTTEST:
            # A whole number, as TOML has it, is none of the types above when the table is written out again.
            return float(value)
        raise ValueError(f"must be a number from 0 to {_HOTTEST}, or 'omit' (got {value!r})")

    def ways(self) -> dict[str, Any]:
        """Give what the file says."""
        return self.model_dump(exclude_none=True)
