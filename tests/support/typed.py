"""Commands: as texts name them, read by the real parser, and typed at an installation with one pipeline."""

import re
from collections.abc import Callable
from typing import Any

from typer.main import get_command

import service.cli.commands  # noqa: F401 - registers the commands
from service.cli.app import app

# Types a command; gives its exit code, what it printed, and what it complained about.
Says = Callable[..., tuple[int, str, str]]
ONE_PIPELINE = """
[trainers.box]
dialect = "generic"
base_url = "http://127.0.0.1:9/v1"

[pipelines.p]
labels = { project = "cl1" }
train = { trainer = "box", model = "m1" }
"""
_COMMAND = re.compile(r"(?<![\w/])tuneloop ((?:[^\s,;:()|]+ ?)+)")
_FEWEST_WORDS = 1


def commands_in(text: str) -> list[list[str]]:
    """Give every command that a text names, with the words that follow it up to the next mark."""
    return [found[1].removesuffix(".").split() for found in _COMMAND.finditer(text)]


def parsed(words: list[str]) -> list[str] | None:
    """Give the longest beginning that is a whole command; None where there is none."""
    for length in range(len(words), _FEWEST_WORDS - 1, -1):
        if _is_command([word.rstrip(".") for word in words[:length]]):
            return words[:length]
    return None


def _is_command(arguments: list[str]) -> bool:
    command: Any = get_command(app)
    try:
        context = command.make_context("tuneloop", list(arguments))
        while hasattr(command, "resolve_command"):
            name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])  # noqa: SLF001 - where click keeps a group's words
            context = command.make_context(name, rest, parent=context)
    except Exception as error:
        if hasattr(error, "exit_code"):  # typer's own: wrong usage, or nothing but a group
            return False
        raise
    return True
