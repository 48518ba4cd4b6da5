"""The states that one row went through, newest last, so that an export can lag behind."""

from datetime import datetime, timedelta

from sandbox.records import ProjectRow

MAX_LAG = timedelta(minutes=10)


class Versions:
    """One row's states of the last ten minutes, and the one before those.

    Args:
        row: The first state.
        at: When it began.
    """

    __slots__ = ("_states",)

    def __init__(self, row: ProjectRow, at: datetime) -> None:
        self._states = [(at, row)]

    @property
    def current(self) -> ProjectRow:
        """The newest state."""
        return self._states[-1][1]

    def put(self, row: ProjectRow, at: datetime) -> None:
        """Add the newest state and forget what no export can ask for any more."""
        horizon = at - MAX_LAG
        while len(self._states) > 1 and self._states[1][0] <= horizon:
            del self._states[0]
        self._states.append((at, row))

    def as_of(self, at: datetime) -> ProjectRow | None:
        """Give the state that held at this moment, or None where the row was not there yet."""
        for since, row in reversed(self._states):
            if since <= at:
                return row
        return None
