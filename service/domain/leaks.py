"""Keeping what is held out, and whatever says the same, out of every file that is trained on."""

import unicodedata

from service.domain.contents import question_of
from service.domain.errors import SnapshotRefused
from service.domain.snapshots import SPLITS, FrozenExample

LEAK = "held_out_leak"


class HeldOutGuard:
    """Sees the examples of a snapshot one after the other, held-out ones first, and refuses those that would leak.

    It remembers of each held-out example its group, its prompt and its cluster, and the prompt once more as the
    content itself says it, each as a number of eight bytes: whoever gave the split may have been wrong about any.
    """

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._last = ("", "")

    def admits(self, example: FrozenExample) -> bool:
        """Say whether an example may enter the file of its split.

        Raises:
            SnapshotRefused: It does not come after the one before it, by split and example id, or has no split.
        """
        key = (example.split, example.example_id)
        if example.split not in SPLITS or key <= self._last:
            raise SnapshotRefused(f"{key} comes after {self._last}")
        self._last = key
        if example.split == "held_out":
            self._held.update(_marks(example))
            return True
        return self._held.isdisjoint(_marks(example))


def _marks(example: FrozenExample) -> set[int]:
    # Python's own hashes: they differ from process to process, and are only compared within one.
    marks = {hash(f"text {folded(question_of(example.content))}")}
    # The prefixes keep a group that is called like a cluster, or like a text, from being taken for it.
    if example.prompt_key:
        marks.add(hash(f"group {example.prompt_key}"))
    if example.group not in {"", example.prompt_key}:
        marks.add(hash(f"group {example.group}"))
    if example.cluster:
        marks.add(hash(f"cluster {example.cluster}"))
    return marks


def folded(text: str) -> str:
    """Give a text but for spacing, case and Unicode form."""
    flat = text.replace("\n", " ")
    if flat.isascii() and flat.isprintable() and "  " not in flat:
        # What most texts are; a dataset has a million, and cutting one into words takes longer than all else here.
        return flat.strip().lower()
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
