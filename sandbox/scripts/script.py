"""What a script is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from sandbox.dialogues import Dialogue
from sandbox.given import Given
from sandbox.kinds import Kind
from sandbox.people import Care
from sandbox.records import Consensus, Json

# What people write who have no mind to.
CARELESS = (
    "Please have a look at our help pages.",
    "Not sure. Perhaps try again tomorrow.",
    "We are working on it.",
    "That is how it is, sorry.",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One data row and its labels.

    Attributes:
        shown: The text or document of the row; nothing where the people write it themselves.
        labels: By how well they are made.
        metadata: By the field's name; of a field with options the option's name.
    """

    shown: str | Json
    labels: Mapping[Care, Given]
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """One kind of project.

    Attributes:
        name: Of the scenario; begins its global keys.
        title: Of the project.
        kind: Of the project.
        ontology: What is asked.
        write: Makes an item from a chat, and from chance that belongs to it alone.
        slot: The document of the empty rows, where the project makes its own.
        consensus: How many people label a row.
        metadata: The fields of its rows, as the SDK sends them.
    """

    name: str
    title: str
    kind: Kind
    ontology: Json
    write: Callable[[Dialogue, Random], Item]
    slot: Json | None = None
    consensus: Consensus | None = None
    metadata: Sequence[Json] = ()


def question(kind: str, name: str, shown: str, *options: Json | str, required: bool = False, **more: object) -> Json:
    """Write a question; an option that is a text is its own value."""
    written = [option if isinstance(option, dict) else choice(option) for option in options]
    item: Json = {"type": kind, "name": name, "instructions": shown, "required": required, "options": written}
    return {**item, "scope": "global", **more}


def choice(shown: str, *further: Json, **more: object) -> Json:
    """Write an option, and what is asked further of whoever takes it."""
    return {"label": shown, "value": value_of(shown), "options": list(further), **more}


def value_of(shown: str) -> str:
    """Give an option's value as Labelbox makes it from what is shown."""
    return shown.lower().replace(" ", "_").replace("'", "")
