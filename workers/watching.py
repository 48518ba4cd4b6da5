"""Seeing that the service itself is well: the schedule looks, and puts a notice where it is not."""

from collections.abc import Iterator

from service.bootstrap import Deps, now
from service.domain.notices import Notice
from service.domain.watching import notice_of_letters, notice_of_silence
from service.usecases.take_stock import last_reconcile

# More than this a day nobody counts.
LETTERS_SHOWN = 1000


def watch(deps: Deps) -> None:
    """Put a notice of everything that does not go well; one a day of each."""
    for notice in _found(deps):
        deps.notices.put(notice, now=now())


def _found(deps: Deps) -> Iterator[Notice]:
    moment = now()
    letters = deps.letters.open(LETTERS_SHOWN)
    if notice := notice_of_letters(letters, total=deps.letters.count(), now=moment):
        yield notice
    for name in deps.settings.pipelines:
        reconciled = last_reconcile(name, deps.reconciles)
        every = deps.settings.service.reconcile_every
        if reconciled and (notice := notice_of_silence(name, reconciled.at, every=every, now=moment)):
            yield notice
