"""Where the text of data rows is, and who has seen it: what ``forget`` shows before it does anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.domain.errors import CorruptFile, NotFound
from service.domain.manifests import Line
from service.domain.runs import TERMINAL, Run, RunState
from service.domain.splits import Split
from service.ports import ErasureStore, Kin, StoryStore
from service.usecases.archive import Archive

MOST_KIN = 1000


@dataclass(frozen=True, slots=True)
class Holding:
    """Lines of one example in one snapshot.

    Attributes:
        is_out: Whether they were taken out of the files already.
    """

    snapshot_id: str
    pipeline: str
    data_row_id: str
    line: Line
    is_out: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A run whose snapshot held some of the rows.

    Attributes:
        splits: Where: train was taught, validation measured while training, held_out asked.
    """

    run: Run
    splits: tuple[Split, ...]

    @property
    def provider_files(self) -> list[str]:
        """The trainer's ids of uploaded files that hold some of the rows."""
        named = {"train": "training_file", "validation": "validation_file"}
        found = (self.run.fact(named[split]) for split in self.splits if split in named)
        return [str(file_id) for file_id in found if file_id]

    @property
    def needs_files(self) -> bool:
        """Whether a job of it still reads its files, or is going to."""
        return self.run.state not in {*TERMINAL, RunState.DEPLOYING, RunState.EVALUATING}


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of some data rows.

    Attributes:
        rows: Their global keys by id.
        examples: Their example ids, by pipeline and data row id.
        labels: Every label ever seen on them.
        lost: Snapshots of these pipelines whose manifest is lost: nobody can say what they hold.
        kin: Other rows that ask the same or nearly the same, at most ``MOST_KIN`` of them a pipeline.
    """

    rows: Mapping[str, str | None]
    examples: Mapping[tuple[str, str], str]
    labels: Sequence[str]
    holdings: Sequence[Holding]
    lost: Sequence[str]
    runs: Sequence[Seen]
    kin: Sequence[Kin]


def rows_of(names: Iterable[str], stories: StoryStore, *, in_advance: bool) -> list[str]:
    """Give the data rows that names mean, and those that have the same global key.

    Args:
        names: Ids of labels, data rows or examples, or global keys.
        stories: What is known.
        in_advance: Whether an unknown name is the id of a data row that shall never come in.

    Raises:
        NotFound: Nothing is known under one of them.
    """
    found: dict[str, None] = {}
    for name in names:
        rows = stories.rows_named(name) or ([name] if in_advance else [])
        if not rows:
            raise NotFound(
                f"nothing is known of {name!r}, so nothing was forgotten",
                remedy="Give the id of a label, a data row or an example, or a global key. To keep a data row out "
                "that never came in: its id, with --row.",
            )
        found |= dict.fromkeys(rows)
    # The key is refused as well: what was uploaded under it before or after is the same thing.
    keys = dict.fromkeys(row["global_key"] for row_id in found for row in stories.standings(row_id))
    return list(found | dict.fromkeys(row for key in keys if key for row in stories.rows_named(key)))


def survey(row_ids: Sequence[str], *, stories: StoryStore, archive: Archive, erasures: ErasureStore) -> Survey:
    """Look everywhere; changes nothing."""
    standings = [row for row_id in row_ids for row in stories.standings(row_id)]
    by_pipeline: dict[str, dict[str, str]] = {}
    for row in standings:
        by_pipeline.setdefault(row["pipeline"], {})[row["example_id"]] = row["data_row_id"]
    holdings, lost = [], []
    for pipeline, mine in by_pipeline.items():
        for snapshot in reversed(archive.snapshots.recent(pipeline, None)):
            try:
                lines = {_place(line): line for line in archive.snapshots.entries(snapshot.snapshot_id, mine)}
            except CorruptFile:
                lost.append(snapshot.snapshot_id)
                continue
            holdings += [
                Holding(snapshot.snapshot_id, pipeline, mine[key], line, key in snapshot.forgotten)
                for (_, key, _), line in lines.items()
            ]
    return Survey(
        rows={row_id: _key(row_id, standings) for row_id in row_ids},
        examples={(row["pipeline"], row["data_row_id"]): row["example_id"] for row in standings},
        labels=sorted({label for row_id in row_ids for label in stories.labels(row_id)}),
        holdings=holdings,
        lost=lost,
        runs=_runs(holdings, stories),
        kin=[kin for pipeline in by_pipeline for kin in erasures.kin(pipeline, row_ids, limit=MOST_KIN)],
    )


def _place(line: Line) -> tuple[str, str, int]:
    # An example's several preference lines are one place.
    return (line.split, line.example_id, line.version)


def _key(row_id: str, standings: Iterable[Mapping[str, str | None]]) -> str | None:
    return next((row["global_key"] for row in standings if row["data_row_id"] == row_id and row["global_key"]), None)


def _runs(holdings: Iterable[Holding], stories: StoryStore) -> list[Seen]:
    splits: dict[str, dict[Split, None]] = {}
    for held in holdings:
        splits.setdefault(held.snapshot_id, {})[held.line.split] = None
    return [Seen(run, tuple(splits[str(run.snapshot_id)])) for run in stories.runs_of(sorted(splits))]
