"""Where an example belongs: into the split that its group, its prompt and nearly equal prompts have already.

Whatever is asked or learned together must not be on both sides of the line between training and held out. An
example has up to two keys, its prompt's and that of the group its uploader put it into; either may have a split,
and so may prompts that are nearly the same. If all that have one agree, the example joins them; if they do not, it
belongs nowhere; if none has one, a split is drawn and stays.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from service.domain.fingerprints import Fingerprint, runs_in, similarity_of
from service.domain.pipelines import DatasetPolicy
from service.domain.splits import Split, split_of, stratified_split

CLUSTER_CHARACTERS = 16
# A bucket with more holds either near-duplicates, of which any one will do, or a phrase that everybody uses, and then
# the other buckets tell.
MOST_A_BUCKET = 32


@dataclass(frozen=True, slots=True)
class Place:
    """A key that has a split.

    Attributes:
        key: Of a prompt, or of a group.
        split: Given once.
        cluster: Prompts that are nearly the same have one; empty for a group's key.
        fingerprint: Of a prompt, where it has one.
    """

    key: str
    split: Split
    cluster: str = ""
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """What decides where an example belongs.

    Attributes:
        prompt: Key of its prompt.
        group: Key of its group; the prompt's where nothing else groups.
        fingerprint: Of its prompt; None where it is too short, or not needed because the prompt is known.
        stratum: The answer of a classification, which every split shall hold its share of.
    """

    prompt: str
    group: str
    fingerprint: Fingerprint | None = None
    stratum: str | None = None


@dataclass(slots=True)
class Places:
    """Every place that a batch of examples may touch, and those that it adds.

    Attributes:
        known: By key; a prompt without a cluster was never compared with others.
        near: Prompts by bucket, a bounded number each: of more, as in SQL, only the first count.
        drawn: How many groups of a stratum have a split.
        added: What is new, in order.
    """

    known: dict[str, Place] = field(default_factory=dict)
    near: dict[int, list[Place]] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)
    added: list[Place] = field(default_factory=list)
    _read: dict[str, frozenset[int]] = field(default_factory=dict)

    def find(self, keys: Keys, *, pipeline: str, policy: DatasetPolicy, stays: Split | None) -> Place | None:
        """Give the place of an example's prompt, and remember it; None where its company is divided.

        Args:
            keys: The example's.
            pipeline: The pipeline's name.
            policy: Shares, and from which similarity on prompts are nearly the same.
            stays: The split that the example has already: an edited one stays where it was.
        """
        company = self._company(keys, policy)
        splits = {place.split for place in company} | ({stays} if stays else set())
        if len(splits) > 1:
            return None
        split = splits.pop() if splits else self._draw(keys, pipeline, policy)
        cluster = next((place.cluster for place in company if place.cluster), keys.prompt[:CLUSTER_CHARACTERS])
        if keys.group != keys.prompt:
            self._add(Place(keys.group, split))
        return self._add(Place(keys.prompt, split, cluster, keys.fingerprint))

    def is_placed(self, prompt: str) -> bool:
        """Say whether a prompt has been compared with all others."""
        return prompt in self.known and bool(self.known[prompt].cluster)

    def _company(self, keys: Keys, policy: DatasetPolicy) -> list[Place]:
        """Give the prompt itself, those that are nearly the same unless it has its place among them, and the group."""
        near = [] if self.is_placed(keys.prompt) else self.neighbours(keys.fingerprint, policy.near_duplicates)
        own = [self.known[key] for key in dict.fromkeys((keys.prompt, keys.group)) if key in self.known]
        return [*own, *near]

    def neighbours(self, fingerprint: Fingerprint | None, near: float) -> list[Place]:
        """Give a prompt of each cluster that has one which is at least this similar."""
        if fingerprint is None or near >= 1:
            return []
        met = {place.key: place for bucket in fingerprint.buckets for place in self.near.get(bucket, ())}
        mine, found = runs_in(fingerprint.signature), dict[str, Place]()
        for key in sorted(met):
            place = met[key]
            # A cluster has one split: a second prompt of it has nothing to add, and there may be a hundred.
            if place.cluster not in found and similarity_of(mine, self._runs_of(place)) >= near:
                found[place.cluster] = place
        return list(found.values())

    def _runs_of(self, place: Place) -> frozenset[int]:
        if place.key not in self._read:
            self._read[place.key] = runs_in(place.fingerprint.signature if place.fingerprint else b"")
        return self._read[place.key]

    def _draw(self, keys: Keys, pipeline: str, policy: DatasetPolicy) -> Split:
        held_out, validation = policy.held_out_percent, policy.validation_percent
        if keys.stratum is None:
            return split_of(keys.group, salt=pipeline, held_out_percent=held_out, validation_percent=validation)
        number = self.drawn.get(keys.stratum, 0)
        self.drawn[keys.stratum] = number + 1
        return stratified_split(
            keys.stratum, number, salt=pipeline, held_out_percent=held_out, validation_percent=validation
        )

    def _add(self, place: Place) -> Place:
        if place.key not in self.known or (place.cluster and not self.known[place.key].cluster):
            self.known[place.key] = place
            self.added.append(place)
            self.meet([place])
        return self.known[place.key]

    def meet(self, places: Iterable[Place]) -> None:
        """Let later prompts find these."""
        for place in places:
            for bucket in place.fingerprint.buckets if place.fingerprint else ():
                if len(others := self.near.setdefault(bucket, [])) < MOST_A_BUCKET:
                    others.append(place)


def stratum_of(answer: str) -> str:
    """Give the stratum of a classification's answer."""
    return hashlib.sha256(answer.encode()).hexdigest()[:CLUSTER_CHARACTERS]
