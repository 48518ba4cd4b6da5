"""The scenarios by name."""

from typing import Protocol

from sandbox.core import Sandbox
from sandbox.people import Writer
from sandbox.project import Project
from sandbox.scenarios import SupportChats
from sandbox.scripted import Scripted
from sandbox.scripts import chats, conversations, prompts, texts

SUPPORT_CHATS, ALL = "support-chats", "all"
_SCRIPTS = {
    script.name: script for script in (*prompts.SCRIPTS, *texts.SCRIPTS, *conversations.SCRIPTS, *chats.SCRIPTS)
}
SCENARIOS = (SUPPORT_CHATS, *_SCRIPTS, ALL)


class Scenario(Protocol):
    """A project to start with, and people who know it."""

    @property
    def project(self) -> Project:
        """The project."""

    def writer(self) -> Writer:
        """Give somebody who knows the answers."""

    def more_rows(self, project_id: str) -> None:
        """Send more rows to the project, if it is this one."""


def make_scenarios(sandbox: Sandbox, name: str, *, rows: int, in_files: bool) -> list[Scenario]:
    """Make the project of a scenario, or one of each kind.

    Args:
        sandbox: Where.
        name: One of ``SCENARIOS``.
        rows: How many rows each begins with.
        in_files: Whether texts lie in files behind signed addresses.
    """
    made: list[Scenario] = []
    if name in {SUPPORT_CHATS, ALL}:
        made.append(SupportChats(sandbox, rows=rows, in_files=in_files))
    wanted = _SCRIPTS.values() if name == ALL else filter(None, [_SCRIPTS.get(name)])
    return [*made, *(Scripted(sandbox, script, rows=rows, in_files=in_files) for script in wanted)]
