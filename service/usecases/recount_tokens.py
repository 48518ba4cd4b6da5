"""Count a frozen training file by the tokens of a model that it was not frozen for."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from service.domain.checks import MAX_LINE_TOKENS
from service.domain.line_tokens import tokens_of
from service.domain.snapshots import Snapshot
from service.usecases.archive import Archive
from service.usecases.mend_snapshot import opened

_KEPT_EVERY = 100


def tokens_for(snapshot: Snapshot, model: str, archive: Archive, *, keep: Callable[[], object]) -> int:
    """Give the tokens of a snapshot's training file, once, as a model counts them.

    Args:
        snapshot: With its head.
        model: The base model to be trained.
        archive: Where everything is.
        keep: Called again and again while lines are counted.
    """
    if _encoding(snapshot.head) == archive.encoding_of(model):
        return snapshot.files["train"].tokens
    tokens, form = 0, snapshot.head["form"]
    count = partial(_counted, archive, model)
    with opened(snapshot, "train", archive, keep=keep) as lines:
        for number, line in enumerate(lines):
            if number % _KEPT_EVERY == 0:
                keep()
            tokens += tokens_of(json.loads(line), form, limit=MAX_LINE_TOKENS, count=count)
    return tokens


def _counted(archive: Archive, model: str, text: str) -> int:
    return archive.count_tokens(text, model)


def _encoding(head: Any) -> str | None:  # noqa: ANN401 - JSON
    # Snapshots of the first release do not say by whose tokens they were counted.
    found: str | None = (head.get("configuration") or {}).get("encoding")
    return found
