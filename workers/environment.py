"""What a worker's jobs work with: built once a process, from the environment."""

import os
from functools import cache

from service.bootstrap import Deps
from service.config import load


@cache
def deps() -> Deps:
    """Build the parts; a forked job inherits none of them, because only jobs call this."""
    return Deps(load(os.environ), outlives_redis=True)
