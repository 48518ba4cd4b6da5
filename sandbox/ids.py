"""Ids that look like Labelbox's, the same ones in the same order for the same seed."""

import random
import uuid

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_CUID_COUNTER_DIGITS = 6
_CUID_RANDOM_DIGITS = 16


def seeded(*parts: object) -> random.Random:
    """Give a source of chance that depends on nothing but its parts."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - simulated people, not cryptography


class Ids:
    """Makes ids.

    Args:
        seed: The same seed gives the same ids in the same order.
    """

    def __init__(self, seed: int) -> None:
        self._chance = seeded("ids", seed)
        self._made = 0

    def cuid(self) -> str:
        """Make one of the 25 characters that most things in Labelbox are named by."""
        self._made += 1
        tail = "".join(self._chance.choices(_ALPHABET, k=_CUID_RANDOM_DIGITS))
        return f"cm{_base36(self._made)}{tail}m"

    def uuid(self) -> str:
        """Make one of the kind that names batches and task queues."""
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_CUID_COUNTER_DIGITS, "0")
