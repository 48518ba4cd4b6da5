"""Real answers of providers, kept in ``tests/samples``."""

import json
from pathlib import Path
from typing import Any

_SAMPLES = Path(__file__).parents[1] / "samples"


def sample_bytes(name: str) -> bytes:
    return (_SAMPLES / name).read_bytes()


def sample(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(sample_bytes(f"{name}.json"))
