"""Engine "memory": learns a file's answers and gives the nearest prompt's answer back. Pure Python, no accelerator."""

from trainer.engine import Engine
from trainer.engines.memory.serving import MemoryEngine


def create_engine() -> Engine:
    """Make the engine."""
    return MemoryEngine()
