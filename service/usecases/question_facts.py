"""What is known of held-out examples beside their lines: their rows' metadata, and what humans placed lower."""

import hashlib
from collections.abc import Callable
from itertools import takewhile

from service.domain.manifests import Line
from service.domain.questions import QuestionFacts, question_in
from service.domain.snapshots import Snapshot, read_chats
from service.usecases.archive import Archive
from service.usecases.mend_snapshot import opened


def question_facts(
    snapshot: Snapshot, archive: Archive, *, keep: Callable[[], object] = lambda: None
) -> dict[str, QuestionFacts]:
    """Give what is known of a snapshot's held-out questions, by their keys.

    Metadata are those that the rows have now; of a forgotten row nothing is known.
    """
    keys = _keys_by_line(snapshot, archive, keep)
    entries = [line for line in _held_out(snapshot, archive) if line.sha256 in keys]
    known = archive.examples.row_facts([line.example_id for line in entries])
    contents = archive.snapshots.contents([(line.example_id, line.version) for line in entries])
    found: dict[str, QuestionFacts] = {}
    for line in entries:
        row, content = known.get(line.example_id), contents.get((line.example_id, line.version))
        facts = QuestionFacts(
            metadata=row.metadata if row else {},
            is_choice=bool(row and row.is_choice),
            rejected=content[-1].rejected if content else (),
        )
        # Rows that share a prompt are one question: the first one's, as its answer is.
        found.setdefault(keys[line.sha256], facts)
    return found


def _held_out(snapshot: Snapshot, archive: Archive) -> list[Line]:
    # Sorted by split, and this is the first one.
    return list(takewhile(lambda line: line.split == "held_out", archive.snapshots.lines(snapshot.snapshot_id)))


def _keys_by_line(snapshot: Snapshot, archive: Archive, keep: Callable[[], object]) -> dict[str, str]:
    with opened(snapshot, "held_out", archive, keep=keep) as lines:
        return {
            hashlib.sha256(line).hexdigest(): question_in(messages).key
            for line in lines
            for messages in read_chats([line])
        }
