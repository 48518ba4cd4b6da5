"""Labels that are worth a second look: those that contradict each other, and those that may have been overtaken."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from service.domain.contents import Content
from service.domain.gaps import Candidate, GapKind
from service.domain.metrics.likeness import chrf

# Written answers to one prompt always differ a little; below this likeness (chrF, 0 to 1) they contradict.
ALIKE = 0.5
# A model's answer agrees with a label from the one on, and disagrees strongly below the other.
AGREES, DISAGREES = 0.6, 0.3
# Prompts of one template meet by the thousand, and each answer is compared with each.
_MOST_MEMBERS = 50
# Over all groups: comparing a million takes some three seconds, and jobs end after an hour.
_MOST_CHARACTERS = 40_000_000
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

    Where most of a group agree only the others are given; else all of them. What would take minutes to compare is
    left out, the largest groups first: labels of one template say least.
    """
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for example in examples:
        groups[example.group].append(example)
    found: list[tuple[float, Candidate]] = []
    left = _MOST_CHARACTERS
    for members in sorted(groups.values(), key=lambda some: (len(some), some[0].group)):
        some = sorted(members, key=lambda item: item.data_row_id)[:_MOST_MEMBERS]
        left -= _characters(some)
        if left < 0:
            break
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
    said = _by_answer(members)
    agreed = next((plain for plain, some in said.items() if len(some) > len(members) / 2), None)
    worst = dict.fromkeys(said, 1.0)
    for one, other in combinations(said, 2):
        like = _between(said[one], said[other])
        worst[one], worst[other] = min(worst[one], like), min(worst[other], like)
    odd = [plain for plain in said if plain != agreed and worst[plain] < ALIKE]
    return [(item, worst[plain]) for plain in odd for item in said[plain]]


def _between(these: Sequence[Labelled], those: Sequence[Labelled]) -> float:
    """Say how alike two answers are, each given with everybody who gave it."""
    # Of two classes one is wrong, however alike their names.
    has_class = any(item.is_choice for item in (*these, *those))
    return 0.0 if has_class else likeness(these[0].answer, those[0].answer)


def _characters(members: Sequence[Labelled]) -> int:
    """Count what is compared in a group; classes are not."""
    answers = [len(plain) for plain, some in _by_answer(members).items() if not some[0].is_choice]
    return sum(answers) * (len(answers) - 1)


def _by_answer(members: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    found: dict[str, list[Labelled]] = defaultdict(list)
    for item in members:
        found[_plain(item.answer)].append(item)
    return found


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
