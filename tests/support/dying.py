"""Dying at every call that a run makes: each port is watched, and at a chosen call the worker is killed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from service.usecases.steps.parts import Parts, TrainerAccount

Mode = Literal["before", "after", "lost"]
# What a worker asks of these changes nothing and cannot be lost.
_HARMLESS = frozenset({"clock", "timing", "pipelines", "appraisers", "metrics", "overall_budget"})
_HELD_BY_ARCHIVE = ("examples", "snapshots", "files")


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing more is done."""


@dataclass
class Fate:
    """Counts the calls of all ports together and says what becomes of each.

    Attributes:
        strikes_at: The number of the call that it happens to, from 0, or the name of which it is the first; None never.
        mode: Killed before the call, killed after it did its work, or its answer is lost and an error comes instead.
        answers_lost_as: Gives the error of a lost answer, by the call's name; None where a call cannot lose it.
        calls: The names of the calls so far.
    """

    strikes_at: int | str | None = None
    mode: Mode = "before"
    answers_lost_as: Callable[[str], Exception | None] = lambda _name: None
    calls: list[str] = field(default_factory=list)

    def meet(self, name: str, act: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the port gives
        """Let a call happen, or not."""
        is_struck = self.strikes_at == len(self.calls) or (self.strikes_at == name and name not in self.calls)
        self.calls.append(name)
        if is_struck and self.mode == "before":
            raise Killed(name)
        given = act()
        if is_struck and self.mode == "after":
            raise Killed(name)
        if is_struck and (error := self.answers_lost_as(name)):
            raise error
        return given


class Watched:
    """Stands before a port; every call of it, every step of what it iterates, and every context it opens is counted."""

    def __init__(self, part: Any, name: str, fate: Fate) -> None:  # noqa: ANN401 - any port
        self._part, self._name, self._fate = part, name, fate

    def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401 - any method
        found = getattr(self._part, attribute)
        if not callable(found):
            return found
        name = f"{self._name}.{attribute}"

        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - any method
            given = self._fate.meet(name, lambda: found(*arguments, **options))
            return self._within(given, name)

        return call

    def __enter__(self) -> Any:  # noqa: ANN401 - whatever the context gives
        given = self._fate.meet(f"{self._name} opened", self._part.__enter__)
        return Watched(given, self._name, self._fate) if hasattr(given, "commit") else given

    def __exit__(self, *error: object) -> Any:  # noqa: ANN401 - as the context wants
        return self._part.__exit__(*error)

    def _within(self, given: Any, name: str) -> Any:  # noqa: ANN401 - whatever the port gives
        if isinstance(given, Iterator):
            return self._iterate(given, name)
        return Watched(given, name, self._fate) if isinstance(given, AbstractContextManager) else given

    def _iterate(self, items: Iterator[Any], name: str) -> Iterator[Any]:
        end = object()
        while (item := self._fate.meet(f"{name} goes on", lambda: next(items, end))) is not end:
            yield item


def watched(parts: Parts, fate: Fate) -> Parts:
    """Put every port of these parts before the same fate."""
    ports = {
        item.name: Watched(getattr(parts, item.name), item.name, fate)
        for item in fields(parts)
        if item.name not in _HARMLESS | {"archive", "accounts"}
    }
    held = {name: Watched(getattr(parts.archive, name), name, fate) for name in _HELD_BY_ARCHIVE}
    accounts = {name: _watched_account(account, fate) for name, account in parts.accounts.items()}
    return replace(parts, archive=replace(parts.archive, **held), accounts=accounts, **ports)


def _watched_account(account: TrainerAccount, fate: Fate) -> TrainerAccount:
    return replace(account, connect=lambda: Watched(account.connect(), "trainer", fate))  # type: ignore[arg-type, return-value] # it stands for a trainer
