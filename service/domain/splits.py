"""Which examples are never trained on.

A split is drawn once for a group of examples, when the group first appears, and stored: a later change of the
percentages moves nothing. Where nothing else is known it depends on the group's hash alone.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Literal

Split = Literal["train", "validation", "held_out"]

# Every ASCII character as it counts: small letters, and one kind of space for all that str.split() cuts at.
_FLAT = bytes(ord(" " if chr(code).isspace() else chr(code).lower()) for code in range(128)) + bytes(128)

GROUPINGS = "'prompt', 'metadata:FIELD' or 'global_key:SEPARATOR'"


def fold(text: str) -> str:
    """Give a text without what makes no difference to a reader: spacing, case and Unicode form."""
    if text.isascii():
        # What most texts are; a dataset has a million, and cutting one into words takes longer than all else here.
        flat = text.encode().translate(_FLAT)
        return (b" ".join(flat.split()) if b"  " in flat else flat.strip()).decode()
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def group_key(prompt: str) -> str:
    """Give the key of a prompt: its hash, but for spacing, case and Unicode form."""
    return hashlib.sha256(fold(prompt).encode()).hexdigest()


def read_grouping(written: str) -> tuple[str, str]:
    """Read what ``group_by`` says.

    Returns:
        ``prompt`` and nothing, ``metadata`` and the field's name, or ``global_key`` and the separator that ends the
        prefix.

    Raises:
        ValueError: It is none of these.
    """
    kind, colon, name = written.partition(":")
    if (kind == "prompt" and not colon) or (kind in {"metadata", "global_key"} and name):
        return kind, name
    raise ValueError(f"must be {GROUPINGS} (got {written!r})")


def named_group(group_by: str, *, metadata: Mapping[str, str], global_key: str | None) -> str | None:
    """Give the key of the group that a row's uploader put it into; None where only its prompt can say.

    Args:
        group_by: See ``read_grouping``.
        metadata: The row's values by the fields' names.
        global_key: The row's own key; what stands before the first separator counts.
    """
    kind, name = read_grouping(group_by)
    value = metadata.get(name)
    if kind == "global_key" and global_key is not None and name in global_key:
        value = global_key.partition(name)[0]
    if kind == "prompt" or not value:
        return None
    return hashlib.sha256(f"{kind}\n{name}\n{value}".encode()).hexdigest()


def split_of(key: str, *, salt: str, held_out_percent: float, validation_percent: float) -> Split:
    """Give the split of a group that has none yet, by its hash.

    Args:
        key: The group's key.
        salt: The pipeline's name, so that two pipelines hold out different rows.
        held_out_percent: Share of the groups that is held out.
        validation_percent: Share of the groups that the trainer validates on.
    """
    return split_at(_position(f"{salt}\n{key}"), held_out_percent, validation_percent)


def stratified_split(
    stratum: str, number: int, *, salt: str, held_out_percent: float, validation_percent: float
) -> Split:
    """Give the split of the next group of a stratum, such that each stratum keeps the shares from its first groups on.

    The positions of a stratum are the van der Corput sequence, which fills the scale evenly, shifted by its hash:
    of any ten groups in a row about two are held out at 20 percent, and of rare answers not always the first.

    Args:
        stratum: What the groups have in common: the answer of a classification.
        number: How many of its groups have a split already.
        salt: See ``split_of``.
        held_out_percent: See ``split_of``.
        validation_percent: See ``split_of``.
    """
    position = (_position(f"{salt}\n{stratum}") + 100 * _van_der_corput(number)) % 100
    return split_at(position, held_out_percent, validation_percent)


def split_at(position: float, held_out_percent: float, validation_percent: float) -> Split:
    """Give the split at a position from 0 up to 100.

    The held-out share is taken from one end of the scale and the validation share from the other: a larger
    held-out share only ever takes rows out of training.
    """
    if position < held_out_percent:
        return "held_out"
    return "validation" if position >= 100 - validation_percent else "train"


def _position(name: str) -> float:
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * 100


def _van_der_corput(number: int) -> float:
    """Write the number's binary digits backwards behind the point: 0, 1/2, 1/4, 3/4, 1/8, ..."""
    value, share = 0.0, 0.5
    while number:
        value += share * (number % 2)
        number, share = number // 2, share / 2
    return value
