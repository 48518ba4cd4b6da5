"""The validation examples of a snapshot as questions."""

from service.domain.questions import Question, question_in
from service.domain.snapshots import Snapshot, frozen_lines, read_chats
from service.usecases.archive import Archive


def validation_questions(snapshot: Snapshot, archive: Archive) -> list[Question]:
    """Give what the validation examples ask, each once, as held-out ones are asked: whatever form the file has.

    From the examples and not from the file, whose pairs and completions are no chats. A forgotten one asks nothing.

    Args:
        snapshot: With its head.
        archive: Where everything is.

    Raises:
        CorruptFile: The manifest is lost.
    """
    listed = archive.snapshots.lines(snapshot.snapshot_id)
    # A pair each is a line, of one example.
    versions = list(dict.fromkeys((line.example_id, line.version) for line in listed if line.split == "validation"))
    contents = archive.snapshots.contents(versions)
    system, found = snapshot.head.get("system"), dict[str, Question]()
    for content in filter(None, (contents.get(version) for version in versions)):
        for messages in read_chats(frozen_lines(content, split="held_out", system=system, form="chat")):
            question = question_in(messages)
            found.setdefault(question.key, question)
    return list(found.values())
