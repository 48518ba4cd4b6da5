"""Labels that are worth a second look: those that contradict each other, and those that may have been overtaken."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.contents import Content
from service.domain.gaps import Candidate, GapKind
from service.domain.metrics.likeness import chrf

# Written answers to one prompt always differ a little; below this likeness (chrF, 0 to 1) they contradict.
ALIKE = 0.5
# A model's answer agrees with a label from the one on, and disagrees strongly below the other.
AGREES, DISAGREES = 0.6, 0.3
# Prompts of one template meet by the thousand, and each answer is compared with each.
_MOST_MEMBERS = 50
# One newer label may itself be the mistake.
LEAST_WITNESSES = 2


@dataclass(frozen=True, slots=True)
class Labelled:
    """An example with its label.

    Attributes:
        group: What prompts that are the same or nearly the same have in common.
        is_choice: Whether its answer is one of few, and not a text of the labeler's own.
        activity_at: When anybody last touched the row in Labelbox.
        labelled_at: When this content came, as far as is known: not later than this.
    """

    data_row_id: str
    label_id: str | None
    content: Content
    content_hash: str
    group: str
    is_choice: bool
    activity_at: datetime
    labelled_at: datetime

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.content[-1].content if self.content and self.content[-1].role == "assistant" else ""


def likeness(one: str, other: str) -> float:
    """Say how alike two answers are, 0 to 1; the same way round for both."""
    if _plain(one) == _plain(other):
        return 1.0
    return min(chrf("", one, other), chrf("", other, one)) / 100


def conflicts(examples: Iterable[Labelled]) -> list[Candidate]:
    """Give the rows whose answer contradicts that of another row with the same or nearly the same prompt.

    Where most of a group agree only the others are given; else all of them.
    """
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for example in examples:
        groups[example.group].append(example)
    found: list[tuple[float, Candidate]] = []
    for members in groups.values():
        some = sorted(members, key=lambda item: item.data_row_id)[:_MOST_MEMBERS]
        found += [(worst, _rework("conflict", item, _CONFLICT)) for item, worst in _odd(some)]
    return [item for _, item in sorted(found, key=lambda pair: (pair[0], pair[1].data_row_id))]


def aged(examples: Iterable[Labelled], *, now: datetime, stale_after: timedelta) -> list[Candidate]:
    """Give the rows that nobody has touched for so long, oldest first; none where the time is 0."""
    old = [item for item in examples if stale_after and item.activity_at < now - stale_after]
    return [
        _rework("stale", item, f"nobody has touched this label since {item.activity_at:%Y-%m-%d}")
        for item in sorted(old, key=lambda item: (item.activity_at, item.data_row_id))
    ]


def overtaken(
    doubtful: Sequence[Labelled], answers: Mapping[str, str], witnesses: Mapping[str, Sequence[Labelled]]
) -> list[Candidate]:
    """Give the rows that the champion answers quite differently than the label, as newer labels of like prompts do.

    Args:
        doubtful: Examples that the champion was asked.
        answers: Its answer, by data row.
        witnesses: Examples with like prompts, by data row.
    """
    found: list[Candidate] = []
    for item in doubtful:
        given = answers.get(item.data_row_id)
        if given is None or likeness(given, item.answer) >= DISAGREES:
            continue
        newer = [other for other in witnesses.get(item.data_row_id, ()) if other.labelled_at > item.labelled_at]
        agreeing = sum(likeness(given, other.answer) >= AGREES for other in newer)
        if agreeing >= LEAST_WITNESSES and agreeing > len(newer) / 2:
            found.append(_rework("stale", item, _OVERTAKEN))
    return found


_CONFLICT = "the same or nearly the same prompt is answered quite differently in another row"
_OVERTAKEN = "newer labels of like prompts say something else, and so does the model that serves"


def _odd(members: Sequence[Labelled]) -> list[tuple[Labelled, float]]:
    """Give those of a group that contradict another one, with the least likeness; without what most agree on."""
    said = Counter(_plain(item.answer) for item in members)
    top, number = said.most_common(1)[0]
    agreed = top if number > len(members) / 2 else None
    found = []
    for item in members:
        others = [other for other in members if other is not item and _plain(other.answer) != _plain(item.answer)]
        worst = min((_between(item, other) for other in others), default=1.0)
        if worst < ALIKE and _plain(item.answer) != agreed:
            found.append((item, worst))
    return found


def _between(one: Labelled, other: Labelled) -> float:
    # Of two classes one is wrong, however alike their names.
    return 0.0 if one.is_choice or other.is_choice else likeness(one.answer, other.answer)


def _rework(kind: GapKind, item: Labelled, reason: str) -> Candidate:
    return Candidate(
        kind=kind,
        action="rework",
        data_row_id=item.data_row_id,
        reason=reason,
        target=item.data_row_id,
        label_id=item.label_id,
        content_hash=item.content_hash,
        activity_at=item.activity_at,
    )


def _plain(answer: str) -> str:
    return " ".join(answer.casefold().split())
