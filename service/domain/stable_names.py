"""The name that an application may keep while the champion behind it changes."""


def stable_name(pipeline: str) -> str:
    """Give the name that follows a pipeline's champion, at trainers that have such names."""
    return f"tuneloop/{pipeline}"
