"""Keeping what is held out, and whatever says the same, out of every file that is trained on."""

from collections.abc import Iterator
from hashlib import blake2b

from service.domain.contents import question_of
from service.domain.errors import SnapshotRefused
from service.domain.snapshots import SPLITS, FrozenExample
from service.domain.splits import group_key

LEAK = "held_out_leak"


class HeldOutGuard:
    """Sees the examples of a snapshot one after the other, held-out ones first, and refuses those that would leak.

    It remembers of each held-out example its group, its prompt and its cluster, and the prompt once more as the
    content itself says it: whoever gave the split may have been wrong about any of them. A million times eight bytes.
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


def _marks(example: FrozenExample) -> Iterator[int]:
    # Usually the three are one.
    names = {group_key(question_of(example.content)), example.prompt_key, example.group, f"cluster {example.cluster}"}
    for name in names - {"", "cluster "}:
        yield int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
