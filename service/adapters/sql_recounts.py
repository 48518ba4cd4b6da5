"""Putting counts right that are kept with every write, should they ever differ from what they count."""

from collections.abc import Mapping

import sqlalchemy as sa

from service.adapters.sql_engine import reading
from service.adapters.sql_examples import take_turn
from service.adapters.sql_tallies import Tally, counted, recount, tallied

_NOTHING = Tally(0, 0)


def mend_tallies(engine: sa.Engine, pipeline: str) -> Mapping[str, tuple[int, int]]:
    """Count a pipeline's examples, and put right what is kept of that.

    Counting reads every example, so that writers are kept out only where something differs.

    Returns:
        By status, split and reason, in words: the number that was kept and the one that is right; of examples, or of
        their tokens where only these differ.
    """
    with reading(engine) as connection:
        if tallied(connection, pipeline) == counted(connection, pipeline):
            return {}
    with engine.begin() as connection:
        take_turn(connection, pipeline)
        kept = tallied(connection, pipeline)
        recount(connection, pipeline)
        right = tallied(connection, pipeline)
    mended = {}
    for key in sorted(kept.keys() | right.keys()):
        before, after = kept.get(key, _NOTHING), right.get(key, _NOTHING)
        name = " ".join(filter(None, key))
        if before.examples != after.examples:
            mended[name] = (before.examples, after.examples)
        elif before.tokens != after.tokens:
            mended[f"{name} tokens"] = (before.tokens, after.tokens)
    return mended
