"""The web process: uvicorn, tuned for many small requests that each wait for one round trip."""

import gc

import uvicorn
from starlette.applications import Starlette

# Full collections walk everything that is loaded, tens of milliseconds in which no delivery is answered. What is
# loaded at the start never becomes garbage, and requests leave hardly any cycles behind.
GC_THRESHOLDS = (50_000, 50, 100)
STOP_S = 10


def run_web(app: Starlette, *, host: str, port: int) -> None:
    """Serve until told to stop."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOP_S,
    )
