"""The ``budget`` tables: over everything, of a trainer, of a pipeline."""

from typing import Annotated

from pydantic import Field

from service.config.tables import Table
from service.domain.pipelines import Budget

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class BudgetTable(Table):
    """See ``Budget``."""

    run_usd: Dollars | None = None
    month_usd: Dollars | None = None
    approve_above_usd: Dollars | None = None
    warn_percent: Annotated[float, Field(gt=0, le=100)] = Budget().warn_percent

    def policy(self) -> Budget:
        """Give this table in the domain's words."""
        return Budget(**self.model_dump())
