"""The edge of the worker process: what leaves a job is logged by RQ and kept in Redis, so no label text may."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import sqlalchemy as sa

from service.domain.errors import StoreFailed

P = ParamSpec("P")


def without_texts(job: Callable[P, None]) -> Callable[P, None]:
    """Replace a database's error, which quotes the row it refused, by its name alone."""

    @wraps(job)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            job(*args, **kwargs)
        except sa.exc.SQLAlchemyError as error:
            failure = StoreFailed(type(error).__name__)
        else:
            return
        # Outside the except block, so that the original is not even its context.
        raise failure

    return guarded
