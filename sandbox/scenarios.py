"""The project of the demo: support chats to summarise, and people who know how."""

from collections.abc import Callable

from sandbox.chats import SupportChat, support_chats
from sandbox.core import Sandbox
from sandbox.imports import add_texts
from sandbox.people import KnownTexts, Texts, Writer
from sandbox.plain_writer import PlainWriter
from sandbox.project import Project
from sandbox.records import Json

QUESTION: Json = {
    "type": "text",
    "name": "summary",
    "instructions": "Summary",
    "required": True,
    "options": [],
    "scope": "global",
}
_WAVE_ROWS = 200


class SupportChats:
    """Support chats to summarise without personal data.

    Args:
        sandbox: Where the project is made.
        rows: How many chats it begins with; more follow when the queue runs dry.
        generate: Gives chats: the first ``count`` of a seed.
        in_files: Whether the chats lie in files behind signed addresses.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        rows: int,
        generate: Callable[[int, int], list[SupportChat]] = support_chats,
        in_files: bool = False,
    ) -> None:
        self._in_files = in_files
        self._sandbox = sandbox
        self._generate = generate
        self._texts: dict[str, Texts] = {}
        self._count = 0
        organization = sandbox.organization
        at = sandbox.now()
        self._dataset_id = organization.create_dataset("Support chats", description="", at=at).id
        self.project: Project = organization.create_project(
            "Support chat summaries", description="", media_type="TEXT", at=at
        )
        self.project.ontology = organization.create_ontology(
            "Support chat summaries", {"classifications": [QUESTION]}, media_type="TEXT", at=at
        )
        self._add(rows)

    def writer(self) -> Writer:
        """Give somebody who knows these chats' summaries."""
        return KnownTexts(self._texts.get, otherwise=PlainWriter())

    def more_rows(self, project_id: str) -> None:
        """Send another wave of chats to the project, if it is this one."""
        if project_id == self.project.id:
            self._add(_WAVE_ROWS)

    def _add(self, rows: int) -> None:
        self._count += rows
        sandbox = self._sandbox
        organization = sandbox.organization
        chats = {
            key: chat
            for chat in self._generate(sandbox.seed, self._count)
            if (key := f"support-{chat.id}") not in self._texts
        }
        self._texts |= {key: Texts(chat.summary, chat.careless_summary) for key, chat in chats.items()}
        with sandbox.lock:
            at = sandbox.now()
            shown = [(key, chat.chat) for key, chat in chats.items()]
            added = add_texts(organization, self._dataset_id, shown, at, in_files=self._in_files)
            batch = organization.create_batch(self.project, f"wave of {len(added)}", at)
            self.project.add(batch, added, priority=5, at=at)
