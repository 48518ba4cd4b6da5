"""The engines, each loaded by its name only when asked for, so that none pays for another's dependencies."""

import importlib
import pkgutil
from typing import cast

from trainer.engine import Engine


class EngineUnknown(Exception):
    """No engine of this name is installed."""


def engine_names() -> list[str]:
    """List the engines, without importing any."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def create_engine(name: str) -> Engine:
    """Import an engine's module and make the engine.

    Raises:
        EngineUnknown: There is no such module in this package.
    """
    if name not in engine_names():
        raise EngineUnknown(f"there is no engine {name!r}; the engines are: {', '.join(engine_names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    return cast("Engine", module.create_engine())
