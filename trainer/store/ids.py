"""New ids, in the shapes that clients of the API know."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits
LENGTH = 24
SHORT_LENGTH = 8


def new_id(prefix: str) -> str:
    """Make an id such as ``ftjob-`` and 24 letters and digits."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def new_hex() -> str:
    """Make 32 hexadecimal digits."""
    return secrets.token_hex(16)


def new_short_id() -> str:
    """Make the last part of a tuned model's name."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SHORT_LENGTH))
