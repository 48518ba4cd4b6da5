"""What people should hear of, whatever the way it reaches them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened; told once.

    Attributes:
        kind: A stable word, such as ``budget_near``.
        key: With the kind, what makes two notices the same: the second is not told again.
        title: One line.
        text: What happened, with its numbers, and what to do; never a label's text, a prompt or a secret.
        pipeline: Whose it is, None where it is nobody's in particular.
        facts: The same for programs, as JSON holds it.
    """

    kind: str
    key: str
    title: str
    text: str
    pipeline: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
