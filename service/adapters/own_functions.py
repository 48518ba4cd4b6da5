"""Functions of the user's own, by their dotted names."""

import importlib
from collections.abc import Callable
from functools import reduce

from service.domain.errors import ConfigurationError

_REMEDY = (
    "Install its package into the environment that tuneloop runs in, or put its folder into PYTHONPATH of serve, work "
    "and the commands; tuneloop check imports it."
)


def load_function(name: str) -> Callable[[str, str, str], object]:
    """Import a function.

    Args:
        name: As ``package.module:function``.

    Raises:
        ConfigurationError: There is no such module or function, or the module itself fails.
    """
    module_name, _, attributes = name.partition(":")
    try:
        found = reduce(getattr, attributes.split("."), importlib.import_module(module_name))
    except Exception as error:  # a module of somebody else's may raise anything
        raise ConfigurationError(f"function {name}: {type(error).__name__}: {error}", remedy=_REMEDY) from error
    if not callable(found):
        raise ConfigurationError(f"function {name}: it is no function", remedy=_REMEDY)
    return found
