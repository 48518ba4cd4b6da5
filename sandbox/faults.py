"""What may go wrong on purpose, decided by seed and not by the clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from sandbox.errors import MalformedRequest
from sandbox.ids import seeded
from sandbox.versions import MAX_LAG

_PROBABILITIES = ("doubled", "lost", "delayed", "reordered")


@dataclass(frozen=True, slots=True)
class Faults:
    """How unkind the sandbox is; the default is a perfect day.

    What counts "the next" ones is used up by them.

    Attributes:
        doubled: Probability that a delivery is posted twice, 0 to 1.
        lost: Probability that a delivery is never posted.
        delayed: Probability that a delivery waits up to ``max_delay_s``.
        reordered: Probability that a delivery changes places with the one after it.
        max_delay_s: The longest that a delayed delivery or a second copy waits, in seconds.
        export_lag_s: How far exports stay behind what labelers did, in seconds, at most 600.
        export_delay_s: How long an export runs before it is complete.
        export_polls: How many times an export's status is IN_PROGRESS before it can be COMPLETE.
        failed_exports: So many of the next exports end as FAILED.
        canceled_exports: So many of the next exports end as CANCELED.
        short_exports: So many of the next exports lack rows, at least one, although they are COMPLETE.
        most_project_exports: Exports that may run at once in a project.
        most_exports: Exports that may run at once in all.
        score_delay_s: How late exports show what several labels of one row have in common.
        address_life_s: How long the signed addresses of files work.
        limited_requests: So many of the next API requests are answered 429, as the SDK knows it.
        bare_limited_requests: So many are answered 429 with a message that it does not know.
        broken_requests: So many are answered 503, which the SDK tries again.
        dropped_requests: So many are cut off in the middle of the answer.
        unheard_changes: So many of the next changes, exports not counted, are done and answered 500 all the same.
        partial_batches: So many of the next batches take only the first half of their rows and name the others.
        truncated_chunks: So many of the next files of exports have fewer bytes than was announced.
        broken_downloads: So many are answered 503, which nobody tries again.
        dropped_downloads: So many are cut off in the middle.
    """

    doubled: float = 0.0
    lost: float = 0.0
    delayed: float = 0.0
    reordered: float = 0.0
    max_delay_s: float = 2.0
    export_lag_s: float = 0.0
    export_delay_s: float = 0.0
    export_polls: int = 0
    failed_exports: int = 0
    canceled_exports: int = 0
    short_exports: int = 0
    most_project_exports: int = 10
    most_exports: int = 20
    score_delay_s: float = 5.0
    address_life_s: float = 3600.0
    limited_requests: int = 0
    bare_limited_requests: int = 0
    broken_requests: int = 0
    dropped_requests: int = 0
    unheard_changes: int = 0
    partial_batches: int = 0
    truncated_chunks: int = 0
    broken_downloads: int = 0
    dropped_downloads: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise MalformedRequest(f"{field.name} must be a number, not below 0")
            if field.name in _PROBABILITIES and value > 1:
                raise MalformedRequest(f"{field.name} is a probability, 0 to 1")
        if self.export_lag_s > MAX_LAG.total_seconds():
            raise MalformedRequest(f"export_lag_s is at most {MAX_LAG.total_seconds():.0f}")

    def changed(self, settings: Mapping[str, float]) -> "Faults":
        """Give the faults with some of them set anew.

        Raises:
            MalformedRequest: A name is unknown or a value is out of range.
        """
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(settings) - known):
            raise MalformedRequest(f"unknown fault {unknown[0]!r}; known: {', '.join(sorted(known))}")
        return replace(self, **dict(settings))  # type: ignore[arg-type]  # checked at run time above

    def used(self, name: str) -> "Faults | None":
        """Give the faults with one of the next ones used up; None where there is none left."""
        left = getattr(self, name)
        return self.changed({name: max(0, left - 1)}) if left > 0 else None


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one delivery."""

    lost: bool
    doubled: bool
    reordered: bool
    delay_s: float
    copy_delay_s: float


def fate_of(number: int, faults: Faults, seed: int) -> Fate:
    """Decide about one delivery, by its number alone, whatever was decided about others.

    Args:
        number: How many deliveries came before it.
        faults: The probabilities.
        seed: The same seed gives the same fates.
    """
    chance = seeded("delivery", seed, number)
    # Drawn always and in one order, so that changing one fault leaves the others where they were.
    lost, doubled, reordered, delayed, first, second = (chance.random() for _ in range(6))
    return Fate(
        lost=lost < faults.lost,
        doubled=doubled < faults.doubled,
        reordered=reordered < faults.reordered,
        delay_s=first * faults.max_delay_s if delayed < faults.delayed else 0.0,
        copy_delay_s=second * faults.max_delay_s,
    )
