"""Which rows an export takes: the filters as the SDK writes them on the wire."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.errors import MalformedRequest
from sandbox.records import ProjectRow, Status
from sandbox.stamps import filter_moment, whole_second

Keep = Callable[[ProjectRow], bool]

_STATUSES: dict[str, Status] = {"InReview": "IN_REVIEW", "InRework": "IN_REWORK", "Done": "DONE"}


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows wanted.

    Attributes:
        ids: Data row ids or global keys, the only rows to look at; None for all of the project.
        are_global_keys: Which of the two.
        keep: Every one must hold.
    """

    ids: Sequence[str] | None = None
    are_global_keys: bool = False
    keep: tuple[Keep, ...] = ()

    def takes(self, row: ProjectRow) -> bool:
        """Tell whether a row passes every filter other than the ids."""
        return all(keep(row) for keep in self.keep)


def read_filters(query: Iterable[Mapping[str, Any]]) -> Selection:
    """Read ``filters.searchQuery.query``.

    Raises:
        MalformedRequest: A filter that the sandbox does not imitate, or a date it cannot read.
    """
    ids: Sequence[str] | None = None
    are_global_keys = False
    keep: list[Keep] = []
    for item in query:
        if item["type"] in {"data_row_id", "global_key"}:
            ids, are_global_keys = item["ids"], item["type"] == "global_key"
        else:
            keep.append(_filter(item))
    return Selection(ids, are_global_keys, tuple(keep))


def _filter(item: Mapping[str, Any]) -> Keep:
    kind = item["type"]
    if kind == "batch":
        batch_ids = frozenset(item["ids"])
        return lambda row: row.batch.id in batch_ids
    if kind == "task_queue_not_exist":
        return lambda row: row.status == "TO_LABEL"
    if kind == "task_queue_status" and item["status"] in _STATUSES:
        wanted = _STATUSES[item["status"]]
        return lambda row: row.status == wanted
    if kind == "data_row_last_activity_at":
        active_within = _between(item["value"])
        return lambda row: active_within(row.last_activity_at)
    if kind == "labeled_at":
        made_within = _between(item["value"])
        return lambda row: any(made_within(whole_second(label.created_at)) for label in row.labels)
    raise MalformedRequest(f"the export filter {kind!r} is not imitated")


def _between(value: Mapping[str, Any]) -> Callable[[datetime], bool]:
    """Read a range; both ends belong to it, and a day without a time means its first moment."""
    operator, given = value["operator"], value["value"]
    if operator == "BETWEEN":
        low, high = filter_moment(given["min"]), filter_moment(given["max"])
        return lambda at: low <= at <= high
    moment = filter_moment(given)
    if operator == "GREATER_THAN_OR_EQUAL":
        return lambda at: at >= moment
    if operator == "LESS_THAN_OR_EQUAL":
        return lambda at: at <= moment
    raise MalformedRequest(f"the operator {operator!r} is not imitated")
