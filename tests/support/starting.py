"""Several processes that look whether a run is due; a module of its own, so that they can import it."""

from pathlib import Path

from service.adapters.sql_engine import make_engine
from service.usecases.start_run import RunNotStarted, start_by_hand, start_if_due
from tests.support.workshop import Workshop


def start_one(url: str, folder: str, *, by_hand: bool) -> str | None:
    """Start the pipeline's run if nobody else did; give its id."""
    engine = make_engine(url)
    shop = Workshop(engine, Path(folder))
    shop.clock.forward(60)
    try:
        if by_hand:
            return start_by_hand(shop.pipelines["summaries"], shop, clock=shop.clock).run_id
        run = start_if_due(shop.pipelines["summaries"], shop, clock=shop.clock)[1]
    except RunNotStarted:
        return None
    else:
        return run.run_id if run else None
    finally:
        engine.dispose()
