"""Which examples are never trained on.

A split depends on the group's hash alone, so that every machine and every rebuild gives the same one, and it
is stored when the group first appears, so that a later change of the percentages moves nothing.
"""

import hashlib
import unicodedata
from typing import Literal

Split = Literal["train", "validation", "held_out"]


def group_key(prompt: str) -> str:
    """Give the key of the group an example belongs to: its prompt, but for spacing, case and Unicode form."""
    folded = " ".join(unicodedata.normalize("NFKC", prompt).casefold().split())
    return hashlib.sha256(folded.encode()).hexdigest()


def split_of(key: str, *, salt: str, held_out_percent: float, validation_percent: float) -> Split:
    """Give the split of a group that has none yet.

    Args:
        key: The group's key.
        salt: The pipeline's name, so that two pipelines hold out different rows.
        held_out_percent: Share of the groups that is held out.
        validation_percent: Share of the groups that the trainer validates on.

    The held-out share is taken from one end of the scale and the validation share from the other: a larger
    held-out share only ever takes rows out of training.
    """
    digest = hashlib.sha256(f"{salt}\n{key}".encode()).digest()
    position = int.from_bytes(digest[:8]) / 2**64 * 100
    if position < held_out_percent:
        return "held_out"
    return "validation" if position >= 100 - validation_percent else "train"
