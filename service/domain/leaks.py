"""Keeping what is held out, and whatever says the same, out of every file that is trained on."""

from service.domain.contents import question_of
from service.domain.errors import SnapshotRefused
from service.domain.snapshots import SPLITS, FrozenExample
from service.domain.splits import fold

LEAK = "held_out_leak"


class HeldOutGuard:
    """Sees the examples of a snapshot one after the other, held-out ones first, and refuses those that would leak.

    It remembers of each held-out example its group, its prompt and its cluster, and the prompt once more as the
    content itself says it, each as a number of eight bytes: whoever gave the split may have been wrong about any.

    Args:
        by_cluster: Whether near-duplicates count, which the configuration may say they do not.
    """

    def __init__(self, *, by_cluster: bool = True) -> None:
        self._by_cluster = by_cluster
        # Python's own hashes: they differ from process to process, and are only compared within one.
        self._texts: set[int] = set()
        self._groups: set[int] = set()
        self._clusters: set[int] = set()
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
        text = hash(fold(question_of(example.content)))
        groups = (hash(example.group), hash(example.prompt_key))
        cluster = hash(example.cluster) if self._by_cluster else _NOTHING
        if example.split == "held_out":
            self._texts.add(text)
            self._groups.update(groups)
            self._clusters.add(cluster)
            # What has no group or cluster has none in common with others.
            self._groups.discard(_NOTHING)
            self._clusters.discard(_NOTHING)
            return True
        return text not in self._texts and cluster not in self._clusters and self._groups.isdisjoint(groups)


_NOTHING = hash("")
