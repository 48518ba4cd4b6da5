"""Forgetting a data row wherever its text is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.contents import Content


@dataclass(frozen=True, slots=True)
class Kin:
    """Another data row that asks the same as one that is forgotten, or nearly the same."""

    pipeline: str
    data_row_id: str
    is_same: bool


class ErasureStore(Protocol):
    """Taking what data rows said out of the database, for good. Everything may be repeated."""

    def bury(self, rows: Mapping[str, str | None], *, by: str) -> None:
        """Leave a tombstone for each data row, with its global key: from now on it is refused."""

    def withdraw(self, pipeline: str, data_row_ids: Sequence[str]) -> None:
        """Let these give no example any more; when it returns, nobody who did not see the tombstones still writes."""

    def contents(self, example_ids: Sequence[str]) -> list[tuple[str, int, Content]]:
        """Give every text that these examples ever had and still have here, with its version."""

    def kin(self, pipeline: str, data_row_ids: Sequence[str], *, limit: int) -> list[Kin]:
        """Give other rows with the same prompts as these, or nearly the same."""

    def erase(self, pipeline: str, data_row_ids: Sequence[str]) -> int:
        """Take the texts, and everything that could be guessed from; give the number of examples that had some."""

    def erase_answers(self, questions: Sequence[str], run_ids: Sequence[str]) -> int:
        """Delete what models and judges answered about these questions, and their keys in these runs' evaluations."""

    def turns(self, *, now: datetime) -> dict[str, datetime]:
        """Give the evaluations that are no run and in hand right now, with when their turn began."""

    def erase_quotes(self, run_ids: Sequence[str], texts: Collection[str]) -> int:
        """Blot out what the trainer said of these runs where it quotes one of these texts; give the number."""

    def erase_letters(self, data_row_ids: Sequence[str]) -> int:
        """Take the texts out of dead letters about these rows, and delete letters about nothing else."""

    def scrub(self) -> int:
        """Take what was deleted off the disk; 0 where the database does that in its own time.

        Raises:
            StoreFailed: It is too busy.
        """
