"""What a setup says: one line for each thing that was found or done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Did = Literal[
    "found",
    "made",
    "changed",
    "switched off",
    "would make",
    "would change",
    "would switch off",
    "differs",
    "refused",
    "missing",
]
Deed = Literal["made", "changed", "switched off"]
_WOULD: Mapping[Deed, Did] = {"made": "would make", "changed": "would change", "switched off": "would switch off"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was found or done; ``remedy`` says what to do about it, if anything."""

    did: Did
    what: str
    remedy: str = ""

    @property
    def is_as_wanted(self) -> bool:
        """Whether Labelbox is as the setup says, as far as this line goes, or will be once rows are given."""
        return self.did not in {"differs", "refused"}


@dataclass(frozen=True, slots=True)
class Report:
    """Where the lines go.

    Attributes:
        tell: Told of each thing as soon as it is found or done.
        dry_run: Whether only to say what would be done.
    """

    tell: Callable[[Line], None]
    dry_run: bool = False

    def say(self, did: Did, what: str, remedy: str = "") -> None:
        """Tell one line."""
        self.tell(Line(did, what, remedy))

    def may(self, deed: Deed, what: str) -> bool:
        """Tell whether to act; in a dry run what would be done is said instead."""
        if self.dry_run:
            self.say(_WOULD[deed], what)
        return not self.dry_run
