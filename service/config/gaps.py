"""The ``[pipelines.NAME.gaps]`` table: what goes back to the labelers, and whether by itself."""

from typing import Annotated

from pydantic import AfterValidator, Field

from service.config.durations import Duration, PositiveDuration
from service.config.tables import Filled, Table, choose
from service.domain.gaps import KINDS
from service.domain.pipelines import GapMoment, GapPolicy

_STANDARD = GapPolicy()
# Half and half is the fairest comparison; with more there is hardly anything left to send.
_MOST_CONTROL = 50


class GapsTable(Table):
    """See ``GapPolicy``."""

    automatic: bool = _STANDARD.automatic
    when: GapMoment = _STANDARD.when
    most: Annotated[int, Field(ge=1, le=10_000)] = _STANDARD.most
    every: PositiveDuration = _STANDARD.every
    control_percent: Annotated[float, Field(ge=0, le=_MOST_CONTROL)] = _STANDARD.control_percent
    stale_after: Duration = _STANDARD.stale_after
    priority: Annotated[int, Field(ge=1, le=5)] = _STANDARD.priority
    kinds: list[Annotated[str, AfterValidator(lambda value: choose(value, KINDS))]] = Field(default_factory=list)
    datasets: list[Filled] = Field(default_factory=list)

    def policy(self) -> GapPolicy:
        """Give this table in the domain's words."""
        return GapPolicy(**self.model_dump() | {"kinds": tuple(self.kinds), "datasets": tuple(self.datasets)})
