"""Examples and what is known of single data rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from service.domain.contents import Turn
from service.domain.examples import Change, Example, Standing, Verb
from service.domain.fingerprints import Fingerprint
from service.domain.runs import Run
from service.domain.snapshots import Frozen
from service.domain.triggers import Counts


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be known to plan a batch.

    Attributes:
        data_row_ids: The rows.
        keys: Of their prompts and groups.
        fingerprints: Of prompts that may be new.
        strata: Of their answers.
        global_keys: Of the rows: one that was forgotten may come back under another id.
    """

    data_row_ids: Sequence[str]
    keys: Sequence[str] = ()
    fingerprints: Sequence[Fingerprint] = ()
    strata: Sequence[str] = ()
    global_keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What is known of an example's row beside what it says: metadata, and whether its answer is one of few."""

    metadata: Mapping[str, str]
    is_choice: bool


class ExampleStore(Protocol):
    """The examples and the audit of the deliveries that led to them."""

    def existing(self, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, Example]:
        """Give the rows that stand, by data row id."""

    def appraised(self, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Give content hash and what it was appraised with, of the rows that stand, by data row id."""

    def apply(
        self,
        pipeline: str,
        plan: Callable[[Standing], Sequence[Change]],
        *,
        wanted: Wanted,
        audit: Sequence[Mapping[str, Any]] = (),
    ) -> Sequence[Change]:
        """Read the rows, plan and write in one transaction that excludes every other writer of the pipeline."""

    def counts(self, pipeline: str) -> Counts:
        """Count for the trigger."""

    def prompts(self, pipeline: str) -> Iterator[tuple[str, str | None, Turn]]:
        """Give the pipeline's prompt set: data row id, global key and prompt."""

    def standing_ids(self, pipeline: str) -> set[str]:
        """Give the data rows that give an example or a prompt now, and those that wait for a decision."""

    def rules_of(self, pipeline: str) -> str:
        """Give the rules by which all of a pipeline's examples were appraised, see ``Appraiser.rules``."""

    def note_rules(self, pipeline: str, rules: str) -> None:
        """Write that all were appraised by these."""

    def to_appraise(self, pipeline: str, made_with: str, *, after: str, limit: int) -> list[Example]:
        """Give examples that others rules appraised, or in which something was found, by data row id from one on."""

    def held(self, pipeline: str, *, code: str | None, limit: int) -> list[Example]:
        """Give examples that wait for a person's decision, in the order of their rows; those with a finding, or all."""

    def decide(
        self, pipeline: str, data_row_ids: Sequence[str], verb: Verb, *, only: Collection[str]
    ) -> Sequence[Change]:
        """Keep examples with what was found in them, or set them aside; for this content and these findings it lasts.

        Args:
            pipeline: Whose.
            data_row_ids: Those of which nothing may be decided are passed over.
            verb: What was decided.
            only: Pass over those in which anything else was found; empty for any.
        """

    def row_facts(self, example_ids: Sequence[str]) -> dict[str, RowFacts]:
        """Give what is known of the rows of these examples now, by example id."""

    def freeze(self, pipeline: str, *, counted_by: str) -> AbstractContextManager[Frozen]:
        """Read all active examples as of one moment; tokens that were counted by something else are left out."""


class StoryStore(Protocol):
    """What is known of one data row, for people who ask why."""

    def rows_named(self, name: str) -> list[str]:
        """Give the data rows that a label, data row or example id or a global key means."""

    def forgotten(self, data_row_id: str) -> Mapping[str, Any] | None:
        """Give when a row was forgotten, and on whose word; None if it was not."""

    def deliveries(self, data_row_id: str) -> list[Mapping[str, Any]]:
        """Give the deliveries that rang for a row, oldest first."""

    def standings(self, data_row_id: str) -> list[Mapping[str, Any]]:
        """Give how the row stands in each pipeline."""

    def history(self, example_id: str) -> list[Mapping[str, Any]]:
        """Give what became of it, oldest first."""

    def labels(self, data_row_id: str) -> list[str]:
        """Give every label ever seen on the row."""

    def exports_of(self, observed: Sequence[datetime]) -> dict[datetime, Mapping[str, Any]]:
        """Give the exports that were asked for at these moments; old ones are forgotten."""

    def runs_of(self, snapshot_ids: Sequence[str]) -> list[Run]:
        """Give the runs of these snapshots, oldest first."""

    def runs_named(self, name: str) -> list[Run]:
        """Give the runs that a run's or job's id, a model, a checkpoint or a file at the trainer belongs to."""
