"""Find what is worth a labeler's time: candidates of every kind, best first, and what could not be known."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from service.domain.contents import question_of
from service.domain.fingerprints import fingerprint_of
from service.domain.gap_labels import Labelled, aged, conflicts, overtaken
from service.domain.gap_slices import failures, is_weak, scored_slices
from service.domain.gaps import KINDS, Candidate, GapKind, in_turns
from service.domain.metrics.label_sets import labels_in
from service.domain.near_prompts import nearest
from service.domain.pipelines import Pipeline
from service.domain.questions import question_in
from service.domain.sampling import stored_name
from service.domain.slices import Slicer
from service.domain.snapshots import frozen_lines, read_chats
from service.domain.splits import group_key
from service.ports import UnlabelledRow, Wanted
from service.usecases.gap_parts import GapParts, Scored, newest_scores, text_of

# Read of each source; beyond it the first ones are as good as any.
MOST_ROWS = 10_000
# Compared with each other in memory.
_MOST_FAILURES, _MOST_ANCHORS, _MOST_LABELLED, _MOST_GROUPS = 100, 100, 10_000, 2_000
# Prompts like one failed question.
_NEIGHBOURS = 5
# From this likeness on two prompts are about the same thing.
_LIKE = 0.3
_FAILS = "it is like a held-out prompt that the model fails at"


@dataclass(slots=True)
class Found:
    """What was found.

    Attributes:
        by_kind: Candidates of each kind, best first.
        notes: What could not be known, and what to do about it.
        run_id: The run whose evaluation was used.
        role: Whose scores in it.
    """

    by_kind: dict[GapKind, list[Candidate]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    run_id: str | None = None
    role: str | None = None


def find_gaps(pipeline: Pipeline, kinds: Collection[str], parts: GapParts, *, most: int) -> Found:
    """Find candidates of these kinds.

    Args:
        pipeline: Whose.
        kinds: Keys of ``KINDS``.
        parts: See ``GapParts``.
        most: So many rows of each slice are enough.
    """
    work = _Search(pipeline, parts, most)
    finders: Mapping[GapKind, Callable[[], list[Candidate]]] = {
        "conflict": lambda: conflicts(parts.gaps.conflicting(pipeline.name, most=_MOST_GROUPS)),
        "failure": work.failures,
        "slice": work.slices,
        "stale": work.stale,
    }
    work.found.by_kind = {kind: finders[kind]() for kind in KINDS if kind in kinds}
    return work.found


class _Search:
    """One search; what several kinds need is read once."""

    def __init__(self, pipeline: Pipeline, parts: GapParts, most: int) -> None:
        self._pipeline, self._parts, self._most = pipeline, parts, most
        self.found = Found()

    def failures(self) -> list[Candidate]:
        """Find the unlabelled prompts that are most like the failed questions, a question at a time in turns."""
        if self._scored is None or not (pool := self._pool):
            return []
        failed = failures(self._scored.metric, [q.key for q in self._scored.questions], self._scored.values)
        keys, texts = failed[:_MOST_FAILURES], {item.key: text_of(item) for item in self._scored.questions}
        near = nearest([texts[key] for key in keys], _prompts(pool), most=3 * _NEIGHBOURS)
        lists = []
        for key, places in zip(keys, near, strict=True):
            like = {pool[place].data_row_id: like for place, like in places}
            rows = self._teachable((pool[place] for place, _ in places), _NEIGHBOURS)
            reasons = [f"{_FAILS} (likeness {like[row.data_row_id]:.2f})" for row in rows]
            lists.append([_unlabelled("failure", row, why, key) for row, why in zip(rows, reasons, strict=True)])
        return list(in_turns(lists))

    def slices(self) -> list[Candidate]:
        """Find unlabelled prompts of the slices whose score lies clearly below the whole, worst slice first."""
        if (scored := self._scored) is None or not (pool := self._pool):
            return []
        metric, slicer, lists = scored.metric, Slicer(scored.slices, scored.questions), []
        for part in scored_slices(metric, scored.by_key(), scored.slices):
            if is_weak(part, higher_is_better=metric.higher_is_better):
                numbers = f"{metric.name} {part.mean:.2f} [{part.low:.2f}, {part.high:.2f}], all {part.whole:.2f}"
                rows = self._teachable(self._rows_of(part.name, slicer, pool), self._most)
                near = _nearest_of(part.name, scored, rows)
                why = f"{part.name}: {numbers}"
                found = [_unlabelled("slice", row, why, part.name, key) for row, key in zip(rows, near, strict=True)]
                lists.append(found)
        return list(in_turns(lists))

    def stale(self) -> list[Candidate]:
        """Find labels that newer ones and the champion contradict, then those that nobody touched for long."""
        after, now = self._pipeline.gaps.stale_after, self._parts.clock()
        old = self._parts.gaps.oldest(self._pipeline.name, before=now - after, most=MOST_ROWS) if after else []
        return [*self._overtaken(), *aged(old, now=now, stale_after=after)]

    def _overtaken(self) -> list[Candidate]:
        gaps, name = self._parts.gaps, self._pipeline.name
        champion = self._parts.evaluations.champion(name)
        if champion is None:
            self.found.notes.append("no model serves yet: whether it and a label disagree cannot be known")
            return []
        held_out = gaps.labelled(name, ["held_out"], most=_MOST_LABELLED)
        keys = {item.data_row_id: key for item in held_out for key in self._keys(item)}
        given = self._parts.evaluations.answers(self._name_of(champion), keys.values())
        answers = {row_id: given[key] for row_id, key in keys.items() if key in given}
        doubtful = [item for item in held_out if item.data_row_id in answers][:_MOST_FAILURES]
        others = gaps.labelled(name, ["train", "validation", "held_out"], most=_MOST_LABELLED)
        near = nearest(_questions(doubtful), _questions(others), most=_NEIGHBOURS + 1)
        witnesses = {
            item.data_row_id: [others[place] for place, like in places if like >= _LIKE]
            for item, places in zip(doubtful, near, strict=True)
        }
        return overtaken(doubtful, answers, witnesses)

    def _name_of(self, champion: Mapping[str, Any]) -> str:
        """Give what the champion's answers are kept under, as its own evaluation says."""
        found = self._parts.evaluations.evaluation(champion["run_id"]) or {}
        if found.get("models", {}).get("challenger") == champion["model"] and "answers_in" in found:
            return str(found["answers_in"]["challenger"])
        return stored_name(champion["trainer"], champion["model"])

    def _keys(self, item: Labelled) -> Iterator[str]:
        lines = frozen_lines(item.content, split="held_out", system=self._pipeline.system, form="chat")
        return (question_in(chat).key for chat in read_chats(lines))

    def _rows_of(self, name: str, slicer: Slicer, pool: Sequence[UnlabelledRow]) -> list[UnlabelledRow]:
        """Give the rows of a slice; of one by label, which no unlabelled row has, those like its training prompts."""
        label = name.removeprefix("label: ")
        if label == name:
            return [row for row in pool if name in slicer.of(len(row.prompt or ""), row.metadata)]
        known = self._parts.gaps.labelled(self._pipeline.name, ["train"], most=_MOST_LABELLED)
        anchors = _questions([item for item in known if label in labels_in(item.answer)][:_MOST_ANCHORS])
        best: dict[int, float] = {}
        for places in nearest(anchors, _prompts(pool), most=_NEIGHBOURS):
            best |= {place: max(like, best.get(place, 0.0)) for place, like in places}
        return [pool[place] for place in sorted(best, key=lambda place: (-best[place], place))]

    def _teachable(self, rows: Iterable[UnlabelledRow], most: int) -> list[UnlabelledRow]:
        """Pass over rows that are nearly the same as a held-out prompt: they would be held out as well."""
        return list(islice((row for row in rows if not self._is_held_out(row.prompt or "")), most))

    def _is_held_out(self, prompt: str) -> bool:
        """Say whether a prompt would be held out itself, by the rule that gives examples their split."""
        key, mine = group_key(prompt), fingerprint_of(prompt)
        wanted = Wanted((), keys=[key], fingerprints=[mine] if mine else [])
        places = self._parts.gaps.places(self._pipeline.name, wanted)
        near = [] if places.is_placed(key) else places.neighbours(mine, self._pipeline.dataset.near_duplicates)
        return any(place.split == "held_out" for place in (*places.known.values(), *near))

    @cached_property
    def _scored(self) -> Scored | None:
        found = newest_scores(self._pipeline, self._parts)
        if found is None:
            words = f"no evaluation by {self._pipeline.verdict.primary} yet"
            self.found.notes.append(f"{words}: where the model is weak is known once a run was judged")
        else:
            self.found.run_id, self.found.role = found.run_id, found.role
        return found

    @cached_property
    def _pool(self) -> list[UnlabelledRow]:
        """The unlabelled rows that can be read."""
        datasets = self._pipeline.gaps.datasets or self._parts.datasets.get(self._pipeline.name, ())
        found = self._parts.queues().unlabelled(self._pipeline.labels.project, datasets, most=MOST_ROWS)
        rows = list({row.data_row_id: row for row in reversed(found)}.values())[::-1]
        readable = [row for row in rows if row.prompt is not None]
        if not rows:
            outside = f"in {', '.join(datasets)}" if datasets else "elsewhere: no dataset is named"
            self.found.notes.append(f"no unlabelled rows: none waits in the project, none is {outside}")
        elif len(readable) < len(rows):
            self.found.notes.append(f"{len(rows) - len(readable)} unlabelled rows have no text that can be read")
        return readable


def _prompts(rows: Sequence[UnlabelledRow]) -> list[str]:
    return [row.prompt or "" for row in rows]


def _nearest_of(name: str, scored: Scored, rows: Sequence[UnlabelledRow]) -> list[str | None]:
    """Give for each row the slice's question that it is most like; None for one that is like none."""
    inside = [question for question in scored.questions if question.key in scored.slices[name]]
    near = nearest(_prompts(rows), [text_of(question) for question in inside], most=1)
    return [inside[places[0][0]].key if places else None for places in near]


def _questions(examples: Sequence[Labelled]) -> list[str]:
    return [question_of(item.content) for item in examples]


def _unlabelled(kind: GapKind, row: UnlabelledRow, reason: str, target: str, near: str | None = None) -> Candidate:
    return Candidate(kind, "priority" if row.in_project else "batch", row.data_row_id, reason, target, near=near)
