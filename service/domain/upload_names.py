"""What uploads are called at a trainer: whose they are must be told by the name, where nothing else is kept."""

import re

from service.domain.splits import Split

_OURS = re.compile(r"(?:train|validation)-[0-9a-f]{16}-(?P<installation>[0-9a-f]{8})-(?P<run>.+)\.jsonl")
_PREFIX = "run-"


def upload_name(split: Split, sha256: str, *, installation: str, run_id: str) -> str:
    """Name an upload by its content, installation and run.

    By the content a lost upload is found again. By the run no two runs share one: deleting it harms no other, and a job
    that is found by its file is this run's.
    """
    return f"{split}-{sha256[:16]}-{installation[:8]}-{run_id.removeprefix(_PREFIX)}.jsonl"


def run_of_upload(name: str, *, installation: str) -> str | None:
    """Give the run that an upload is of; None where it is not of this installation."""
    found = _OURS.fullmatch(name)
    return _PREFIX + found["run"] if found and found["installation"] == installation[:8] else None
