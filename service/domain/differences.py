"""What differs between two snapshots: their manifests merged line by line, neither held in memory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from service.domain.manifests import Line

Kind = Literal["added", "withdrawn", "changed", "relabelled"]
KINDS: tuple[Kind, ...] = ("added", "withdrawn", "changed", "relabelled")
_UNSHAPED = frozenset({"columns", "counts", "files", "format", "reasons", "tokens"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One example that is not the same in both.

    Attributes:
        kind: ``changed`` has another version; ``relabelled`` has the same text from another label.
        before: Its (first) line in the first snapshot; None where it was added.
        after: Its line in the second; None where it was withdrawn.
    """

    kind: Kind
    before: Line | None
    after: Line | None

    @property
    def line(self) -> Line:
        """Give the newest line there is of it."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of the two is there by construction
        return found


def differences(before: Iterable[Line], after: Iterable[Line]) -> Iterator[Difference]:
    """Merge the lines of two manifests, both sorted as they are."""
    ours, theirs = _examples(before), _examples(after)
    one, other = next(ours, None), next(theirs, None)
    while one or other:
        if other is None or (one is not None and one.key < other.key):
            yield Difference("withdrawn", one, None)
            one = next(ours, None)
        elif one is None or other.key < one.key:
            yield Difference("added", None, other)
            other = next(theirs, None)
        else:
            if kind := _kind(one, other):
                yield Difference(kind, one, other)
            one, other = next(ours, None), next(theirs, None)


def shaped_differently(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Give what differs in what shaped two snapshots: both values by dotted key.

    Args:
        before: The first manifest's head.
        after: The second's. A configuration that one of them does not record is not compared.
    """
    recorded = {name for name in before.keys() & after.keys() if name not in _UNSHAPED}
    ours, theirs = (dict(_flat({name: head[name] for name in recorded})) for head in (before, after))
    keys = sorted(ours.keys() | theirs.keys())
    return {key: (ours.get(key), theirs.get(key)) for key in keys if ours.get(key) != theirs.get(key)}


def _examples(lines: Iterable[Line]) -> Iterator[Line]:
    """Give the first line of each example: all that it has say the same of it."""
    for _, group in groupby(lines, key=lambda line: line.key):
        yield next(group)


def _kind(before: Line, after: Line) -> Kind | None:
    if before.version != after.version:
        return "changed"
    return "relabelled" if before.label_id != after.label_id else None


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{path}.{key}" if path else key
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, name)
        else:
            yield name, inner
