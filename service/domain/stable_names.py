"""The name that an application may keep while the champion behind it changes."""

from typing import Final

_OWNER: Final = "tuneloop/"


def stable_name(pipeline: str) -> str:
    """Give the name that follows a pipeline's champion, at trainers that have such names."""
    return f"{_OWNER}{pipeline}"


def pipeline_named(name: str) -> str | None:
    """Give the pipeline whose champion a name follows; None for names of others."""
    return name.removeprefix(_OWNER) if name.startswith(_OWNER) else None
