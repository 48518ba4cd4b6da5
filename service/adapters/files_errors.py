"""What the many file systems behind fsspec say when they refuse, in our words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from service.domain.errors import FilesUnavailable

# fsspec gives most refusals as OSError; these say the rest in errors of their own.
_VENDORS = frozenset({"aiobotocore", "aiohttp", "azure", "botocore", "gcsfs", "google"})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn a refusal into FilesUnavailable with its remedy; a fault of ours stays what it is."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _VENDORS:
            raise
        words = getattr(error, "strerror", None) or str(error)
        raise FilesUnavailable(f"{place}: {type(error).__name__}: {words}", remedy=_remedy(error)) from error


def _remedy(error: Exception) -> str | None:
    if isinstance(error, PermissionError):
        return "Let the service read, write and delete there, or give it other credentials; it is tried again."
    if isinstance(error, FileNotFoundError):
        return "Make the bucket or folder, or correct TUNELOOP_FILES_URL; it is tried again."
    if isinstance(error, OSError) and error.errno in _FULL:
        return "Make room there; it is tried again."
    return None


def is_no_file(error: FileNotFoundError) -> bool:
    """Say whether only a file is missing: of S3's two answers of this kind one means the whole bucket."""
    answer = getattr(error.__cause__, "response", None) or {}
    return bool(answer.get("Error", {}).get("Code") != "NoSuchBucket")
