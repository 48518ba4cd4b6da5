"""Dead letters on the command line."""

import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, AtMost, dead_letters, print_json
from service.cli.showing import visible
from service.config import load
from service.domain.errors import ConfigurationError, NotFound
from service.domain.remedies import start_command
from service.usecases.tell import LETTER, send_again

LetterId = Annotated[str, typer.Argument(help="A letter's id or the beginning of it.")]


@dead_letters.command("list")
def list_dead_letters(limit: AtMost = 50, *, as_json: AsJson = False) -> None:
    """List what was set aside, newest first."""
    deps = _deps()
    found = deps.letters.open(limit)
    if as_json:
        print_json(found)
        return
    total = deps.letters.count()
    if total > len(found):
        typer.echo(f"The newest {len(found)} of {total}; --limit shows more.")
    for row in found:
        typer.echo(f"{row['letter_id']}  {row['created_at']:%Y-%m-%d %H:%M:%S}  {row['kind']:<9} {row['error']}")
        typer.echo(visible(f"    {row['message']}\n    What to do: {row['remedy']}"))
    if not found:
        typer.echo("Nothing is set aside.")


@dead_letters.command("show")
def show_dead_letter(letter_id: LetterId, *, as_json: AsJson = True) -> None:  # noqa: ARG001 - it is always JSON
    """Show one letter as JSON, without its content; a settled or dismissed one as well."""
    letter = dict(_deps().letters.find(letter_id))
    if letter["dismissed"] is not None:
        # One column holds when it was closed, whatever closed it.
        letter |= {"dismissed_at": letter["replayed_at"], "replayed_at": None}
    print_json(letter)


@dead_letters.command()
def dismiss(
    letter_id: LetterId,
    *,
    reason: Annotated[str, typer.Option(help="Why nothing is to be done about it.")] = "",
) -> None:
    """Put a letter away that nothing is to be done about: it is kept, and counts as open no more."""
    deps = _deps()
    letter = deps.letters.find(letter_id)
    letter_id = letter["letter_id"]
    if not deps.letters.dismiss(letter_id, reason=reason, now=now()):
        raise NotFound(
            f"dead letter {letter_id} is closed already", remedy=f"See tuneloop dead-letters show {letter_id}"
        )
    typer.echo(visible(f"Dismissed {letter_id}: {letter['kind']} {letter['subject']}."))


@dead_letters.command()
def replay(
    letter_id: Annotated[str | None, typer.Argument(help="A letter's id or the beginning of it.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every letter that holds a delivery or a notice.")] = False,
) -> None:
    """Put a letter's work back where it was."""
    deps = _deps()
    if (letter_id is None) != every:
        raise ConfigurationError("name one letter, or give --all", remedy="tuneloop dead-letters list shows them.")
    letters = deps.letters.open(1_000_000) if letter_id is None else [deps.letters.find(letter_id)]
    done = sum(_replay(deps, letter) for letter in letters)
    if letter_id is not None and not done:
        raise NotFound(
            f"dead letter {letter_id} holds no delivery and no notice", remedy=_remedy_instead(letters[0], deps)
        )
    deps.queue.wake("convert_deliveries")
    typer.echo(f"Put back {done} of {len(letters)}.")


def _replay(deps: Deps, letter: Mapping[str, Any]) -> bool:
    letter_id, taken_at = letter["letter_id"], now()
    if letter["replayed_at"] is not None and letter["dismissed"] is None:
        return False  # it was put back before, or nothing is left to be done
    if letter["kind"] == LETTER:
        # The sweep finds it, so that nothing need be woken.
        if not send_again(letter["subject"], deps.outbox, now):
            return False
        deps.letters.close(letter_id, taken_at=taken_at)
        return True
    delivery = deps.letters.take(letter_id)
    if delivery is None:
        return False
    deps.inbox.put_back(delivery)
    deps.letters.close(letter_id, taken_at=taken_at)
    return True


def _remedy_instead(letter: Mapping[str, Any], deps: Deps) -> str:
    put_away = f"or put it away: tuneloop dead-letters dismiss {letter['letter_id']}"
    if letter["kind"] == "run":
        return f"Start another run: {start_command(deps.runs.get(letter['subject']))}, {put_away}"
    return f"Do what its remedy says: tuneloop dead-letters show {letter['letter_id']}, {put_away}"


def _deps() -> Deps:
    return Deps(load(os.environ))
