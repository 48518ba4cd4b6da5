"""The memory: pairs, how to find the one that answers a prompt, and their file."""

import json
from collections.abc import Iterable
from pathlib import Path

from trainer.engines.memory.index import Index, Neighbour
from trainer.engines.memory.pairs import Pair
from trainer.engines.memory.vectors import Vector, Vocabulary
from trainer.values import JsonObject

FILE = "memory.jsonl"
FORMAT = 1
LEAST_RELIABILITY, MOST_RELIABILITY = 0.9, 1.1
"""Narrow, so that training can settle between near neighbours and never puts a far one first."""
CONSIDERED = 8


class Memory:
    """Pairs by number, those that were learned findable by their prompts.

    Attributes:
        pairs: All pairs, later ones newer.
        reliability: For each pair a factor on its nearness: how well its answer served its neighbours in training.
    """

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.pairs = list(pairs)
        self.reliability = [1.0] * len(self.pairs)
        self._vocabulary = Vocabulary(pair.prompt for pair in self.pairs)
        self._index = Index(self._vocabulary)
        self._exact: dict[str, int] = {}
        self._vectors: dict[int, Vector] = {}

    def learn(self, number: int) -> None:
        """Make a pair findable; a second time changes nothing."""
        if number not in self._index:
            prompt = self.pairs[number].prompt
            self._index.add(number, self._vector(number))
            self._exact[prompt] = max(number, self._exact.get(prompt, -1))

    def recall(self, prompt: str, functions: frozenset[str] = frozenset()) -> Pair | None:
        """Give the pair that answers a prompt: its own, the newest if there are several, else the nearest one's.

        Args:
            prompt: The conversation as one text.
            functions: The functions that the answer may call; pairs that call others are passed over.
        """
        number = self._exact.get(prompt)
        if number is None or not self.pairs[number].functions <= functions:
            number = self.best(self.near(prompt), functions)
        return None if number is None else self.pairs[number]

    def near(self, prompt: str) -> list[Neighbour]:
        """Give the learned pairs nearest to a prompt."""
        return self._index.nearest(self._vocabulary.vector(prompt))[:CONSIDERED]

    def near_others(self, number: int) -> list[Neighbour]:
        """Give the learned pairs nearest to a pair of the memory, without itself."""
        return self._index.nearest(self._vector(number), without=number)[:CONSIDERED]

    def best(self, near: list[Neighbour], functions: frozenset[str] | None = None) -> int | None:
        """Choose among near pairs, leaving out what a nearer or equally near pair teaches to avoid."""
        avoided: set[str] = set()
        ranked = sorted(((cosine * self.reliability[number], number) for cosine, number in near), reverse=True)
        for _, number in ranked:
            pair = self.pairs[number]
            if pair.rejected is not None:
                avoided.add(pair.rejected)
            if pair.text not in avoided and (functions is None or pair.functions <= functions):
                return number
        return None

    def rate(self, number: int, factor: float) -> None:
        """Trust a pair more (above 1) or less (below 1)."""
        trust = self.reliability[number] * factor
        self.reliability[number] = min(MOST_RELIABILITY, max(LEAST_RELIABILITY, trust))

    def _vector(self, number: int) -> Vector:
        if number not in self._vectors:
            self._vectors[number] = self._vocabulary.vector(self.pairs[number].prompt)
        return self._vectors[number]

    def save(self, folder: Path) -> None:
        """Write the memory into a folder."""
        with (folder / FILE).open("w", encoding="utf-8") as file:
            file.write(json.dumps({"format": FORMAT, "pairs": len(self.pairs)}) + "\n")
            for pair, reliability in zip(self.pairs, self.reliability, strict=True):
                row = {"prompt": pair.prompt, "answer": pair.answer, "rejected": pair.rejected}
                file.write(json.dumps(row | {"reliability": reliability}) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Memory":
        """Read a memory that was saved; every pair is learned.

        Raises:
            ValueError: The file is of another format, or not whole.
            OSError: The file cannot be read.
        """
        pairs, reliability = read_pairs(folder)
        memory = cls(pairs)
        memory.reliability = reliability
        for number in range(len(pairs)):
            memory.learn(number)
        return memory


def read_pairs(folder: Path) -> tuple[list[Pair], list[float]]:
    """Read the pairs of a saved memory and how reliable each is, without making them findable.

    Raises:
        ValueError: The file is of another format, or not whole.
        OSError: The file cannot be read.
    """
    rows = _rows(folder)
    pairs = [Pair(row["prompt"], row["answer"], row["rejected"]) for row in rows]
    return pairs, [row["reliability"] for row in rows]


def _rows(folder: Path) -> list[JsonObject]:
    with (folder / FILE).open(encoding="utf-8") as file:
        head = json.loads(file.readline())
        if head.get("format") != FORMAT:
            raise ValueError(f"a memory of format {head.get('format')}, this engine reads {FORMAT}")
        rows = [json.loads(line) for line in file]
    if len(rows) != head["pairs"]:
        raise ValueError(f"a memory of {head['pairs']} pairs holds {len(rows)}")
    return rows
