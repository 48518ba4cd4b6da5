"""Examples as they are kept, and what a fresh look at Labelbox changes in them.

One row a pipeline and data row, whether it gives an example or not: so a row is never both example and reject.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from service.domain.appraisals import Appraisal
from service.domain.checks import CHECKS
from service.domain.contents import Content, content_hash_of
from service.domain.labels import RowOutcome
from service.domain.pipelines import Pipeline
from service.domain.placements import Keys, Places, stratum_of
from service.domain.splits import Split, named_group

Status = Literal["active", "held", "prompt", "withdrawn", "rejected"]
Verb = Literal["keep", "drop"]
STATUSES: tuple[Status, ...] = get_args(Status)
# A row of these gives a training line, or a prompt of a prompt set.
STANDING: frozenset[Status] = frozenset({"active", "prompt"})
# Of these the newest content is kept: one that is held back may still be decided for.
KEPT: frozenset[Status] = STANDING | {"held"}
LONGEST_LAG = timedelta(hours=1)
ROW_GONE = "row_gone"
# Those that have its group, its prompt or nearly its prompt are divided, or in another split than it was.
SPLIT_CONFLICT = "split_conflict"
# A person decided against what a check had held back.
SET_ASIDE = "set_aside"
# Its text was erased on request, and stays away.
FORGOTTEN = "forgotten"
# What keeps a labelled and approved row out: a check, a person, a divided company.
KEPT_OUT = frozenset({*CHECKS, SET_ASIDE, SPLIT_CONFLICT})


@dataclass(frozen=True, slots=True)
class Example:
    """The standing of one data row in one pipeline.

    Attributes:
        example_id: Stable for a pipeline and data row, whatever happens to its labels.
        status: ``active`` gives a training line; ``held`` waits for a person's decision; ``prompt`` is one of a
            prompt set; ``withdrawn`` once was one of these; ``rejected`` never was.
        version: Counts the distinct contents this example has had; 0 while it had none.
        content_hash: SHA-256 over the content, empty while there is none.
        choice: Why this label counts and no other.
        reason: Why it is not active.
        label_ids: Every label that the row had when it was read.
        activity_at: Labelbox's own time of the state this was read from.
        observed_at: When the export was asked for that this was read from.
        group: Key of what it is never divided from.
        prompt_key: Key of its prompt.
        cluster: What prompts that are nearly the same have in common.
        tokens: See ``Appraisal``.
        findings: What checks found in its content.
        appraised: What these three come from, see ``Appraiser.mark``: another way to appraise does it again.
        news_hash: The content that last counted towards the threshold; it never counts twice.
        metadata: What the uploader noted of the data row, by the fields' names.
    """

    pipeline: str
    data_row_id: str
    example_id: str
    activity_at: datetime
    observed_at: datetime
    global_key: str | None = None
    status: Status = "rejected"
    reason: str | None = None
    label_id: str | None = None
    choice: str | None = None
    label_ids: tuple[str, ...] = ()
    version: int = 0
    content_hash: str = ""
    content: Content = ()
    group: str = ""
    split: Split | None = None
    prompt_key: str = ""
    cluster: str = ""
    tokens: int = 0
    findings: tuple[str, ...] = ()
    appraised: str = ""
    news_hash: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One row to write.

    Attributes:
        example: The row as it shall be.
        is_new_version: Whether it keeps a content that differs from before.
        is_news: Whether it counts towards the threshold. Un-approving and approving the same text again does not:
            it must not pay for a second training.
        is_told: Whether it belongs into the row's story: not where the row was only touched.
        replaced: The row as it was; None if it is new.
    """

    example: Example
    is_new_version: bool = False
    is_news: bool = False
    is_told: bool = True
    replaced: Example | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided of one content.

    Attributes:
        verb: Whether to train on it.
        codes: The findings that were there to be seen: what is found later is asked about again.
    """

    verb: Verb
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known when a batch is planned, read under the pipeline's lock.

    Attributes:
        before: The rows as they stand, by data row id.
        places: Which prompts and groups have a split.
        decisions: What people decided, by example id and content hash.
        forgotten: Ids and global keys of data rows whose text stays away.
    """

    before: Mapping[str, Example] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    decisions: Mapping[tuple[str, str], Decision] = field(default_factory=dict)
    forgotten: frozenset[str] = frozenset()


def example_id_of(pipeline: str, data_row_id: str) -> str:
    """Give the stable id of the example that a data row may become in a pipeline."""
    return "ex-" + hashlib.sha256(f"{pipeline}\n{data_row_id}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Planner:
    """Says what to write so that a pipeline's examples equal what Labelbox showed.

    Attributes:
        pipeline: Whose.
        observed_at: When that export was asked for.
        appraise: Appraises the content of a row.
        mark: See ``Appraiser.mark``.
    """

    pipeline: Pipeline
    observed_at: datetime
    appraise: Callable[[RowOutcome], Appraisal]
    mark: Callable[[RowOutcome], str]

    def plan(self, outcomes: Iterable[RowOutcome], standing: Standing) -> list[Change]:
        """Give the rows that differ; a row that was seen more recently than this export is left alone.

        Args:
            outcomes: What the export said, at most one a data row.
            standing: What is known; its places grow.
        """
        changes = []
        for outcome in outcomes:
            old = standing.before.get(outcome.data_row_id)
            if old and _is_stale(old, outcome, self.observed_at):
                continue
            new = self._standing(old, outcome, standing)
            if old is None or _substance(old) != _substance(new):
                changes.append(_change(old, new))
        return changes

    def _standing(self, old: Example | None, outcome: RowOutcome, standing: Standing) -> Example:
        name, row_id = self.pipeline.name, outcome.data_row_id
        base = old or Example(name, row_id, example_id_of(name, row_id), outcome.activity_at, self.observed_at)
        base = replace(
            base,
            activity_at=outcome.activity_at,
            observed_at=self.observed_at,
            global_key=outcome.global_key,
            label_id=outcome.label_id,
            choice=outcome.choice,
            label_ids=outcome.label_ids,
        )
        if {row_id, outcome.global_key} & standing.forgotten:
            return _without(base, FORGOTTEN)
        if outcome.content is None:
            return _without(base, outcome.reason)
        content_hash = content_hash_of(outcome.content)
        fresh = replace(
            base,
            reason=None,
            version=base.version + (content_hash != base.content_hash),
            content_hash=content_hash,
            content=outcome.content,
            metadata=outcome.metadata,
        )
        if outcome.is_prompt:
            return replace(fresh, status="prompt")
        return self._example(base, self._appraised(fresh, base, outcome), outcome, standing)

    def _appraised(self, fresh: Example, base: Example, outcome: RowOutcome) -> Example:
        mark = self.mark(outcome)
        if (fresh.content_hash, mark) == (base.content_hash, base.appraised):
            return fresh
        found = self.appraise(outcome)
        return replace(
            fresh,
            prompt_key=found.prompt_key,
            tokens=found.tokens,
            findings=found.findings,
            appraised=mark,
        )

    def _example(self, base: Example, fresh: Example, outcome: RowOutcome, standing: Standing) -> Example:
        decision = standing.decisions.get((fresh.example_id, fresh.content_hash))
        status, reason = self._verdict(fresh, decision)
        if status not in KEPT:
            return _without(base, reason)
        keys = self._keys(fresh, outcome, standing.places)
        policy = self.pipeline.dataset
        place = standing.places.find(keys, pipeline=self.pipeline.name, policy=policy, stays=base.split)
        if place is None:
            return _without(base, SPLIT_CONFLICT)
        return replace(fresh, status=status, reason=reason, group=keys.group, split=place.split, cluster=place.cluster)

    def _keys(self, fresh: Example, outcome: RowOutcome, places: Places) -> Keys:
        group_by = self.pipeline.dataset.group_by
        named = named_group(group_by, metadata=outcome.metadata, global_key=outcome.global_key)
        if outcome.is_remembered:
            named = fresh.group or None
        is_placed = places.is_placed(fresh.prompt_key)
        return Keys(
            prompt=fresh.prompt_key,
            group=named or fresh.prompt_key,
            fingerprint=None if is_placed else self.appraise(outcome).fingerprint,
            stratum=stratum_of(fresh.content[-1].content) if outcome.is_choice else None,
        )

    def _verdict(self, fresh: Example, decision: Decision | None) -> tuple[Status, str | None]:
        """Say what the findings come to, and which of them decides."""
        actions = {code: self.pipeline.checks.action_of(code) for code in fresh.findings}
        if dropped := next((code for code in fresh.findings if actions[code] == "drop"), None):
            return "rejected", dropped
        if decision is not None and decision.verb == "drop":
            return "rejected", SET_ASIDE
        accepted = decision.codes if decision else frozenset[str]()
        held = next((code for code in fresh.findings if actions[code] == "hold" and code not in accepted), None)
        return ("active", None) if held is None else ("held", held)


def may_decide(example: Example) -> bool:
    """Say whether a person may decide: about what is held back, was kept in spite of a finding, or was set aside."""
    is_set_aside = example.reason == SET_ASIDE and bool(example.content)
    return example.status == "held" or (example.status == "active" and bool(example.findings)) or is_set_aside


def decided(example: Example, verb: Verb) -> Change:
    """Take an example with what was found in it, or set it aside."""
    new = replace(example, status="active", reason=None) if verb == "keep" else _without(example, SET_ASIDE)
    return _change(example, new)


def forgotten(example: Example) -> Change:
    """Take an example back whose text is about to be erased; until then the text tells where else it is."""
    return _change(example, _without(example, FORGOTTEN))


def erased(example: Example) -> Change:
    """Take the text of a forgotten example away, and everything that could be guessed from: hashes, keys, findings."""
    bare = replace(
        _without(example, FORGOTTEN),
        content=(),
        content_hash="",
        group="",
        prompt_key="",
        cluster="",
        tokens=0,
        findings=(),
        appraised="",
        news_hash="",
        metadata={},
    )
    return replace(_change(example, bare), is_new_version=False, is_news=False)


def _change(old: Example | None, new: Example) -> Change:
    differs = old is None or old.content_hash != new.content_hash
    is_news = new.status in STANDING and new.content_hash != new.news_hash
    return Change(
        replace(new, news_hash=new.content_hash) if is_news else new,
        is_new_version=new.status in KEPT and differs,
        is_news=is_news,
        is_told=old is None or _story(old) != _story(new),
        replaced=old,
    )


def _without(base: Example, reason: str | None) -> Example:
    """Give a row that gives no example; its old text stays: a snapshot that holds it must still be explained."""
    return replace(base, status="withdrawn" if base.version else "rejected", reason=reason)


def _is_stale(old: Example, outcome: RowOutcome, observed_at: datetime) -> bool:
    if old.reason == ROW_GONE and old.observed_at > observed_at:
        # A row that is gone has no activity to compare with: what was asked for earlier knows nothing newer.
        return True
    if outcome.activity_at < old.activity_at:
        # Exports lag, and show an older state for a while. What they show long after is what there is: whether a
        # deletion takes the time of a row's last activity back, nobody says.
        return observed_at - old.observed_at < LONGEST_LAG
    return outcome.activity_at == old.activity_at and observed_at < old.observed_at


def withdrawn(example: Example, *, observed_at: datetime) -> Change:
    """Take an example back whose data row is gone from Labelbox."""
    gone = replace(_without(example, ROW_GONE), label_id=None, observed_at=observed_at)
    return Change(gone, replaced=example)


def _story(example: Example) -> tuple[object, ...]:
    return (example.status, example.reason, example.label_id, example.choice, example.version)


def _substance(example: Example) -> tuple[object, ...]:
    # Not observed_at: a second look that finds the same is no change.
    return (
        example.status,
        example.reason,
        example.label_id,
        example.content_hash,
        example.global_key,
        example.activity_at,
        example.metadata,
        (example.group, example.prompt_key, example.cluster, example.tokens, example.findings, example.appraised),
    )
