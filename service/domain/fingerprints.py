"""When two prompts are nearly the same: what of each is kept to tell, and the buckets in which likely pairs meet.

Texts are compared by their runs of three words: the share of runs that two have in common is their similarity
(Jaccard's). A signature tells it exactly up to 64 runs, and to about 0.05 above. Two texts that share 0.8 of their
runs meet in one of the six buckets (bands of MinHash values) in 95 of 100 cases, at 0.9 nearly always, at 0.5 in one
of three.
"""

import hashlib
import re
import sys
import unicodedata
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

# From this similarity on, two prompts count as the same one.
NEAR = 0.8
BANDS = 6
_ROWS = 4
_RUN = 3
_KEPT = 64
# A text of a mebibyte has 200,000 runs, and each takes 400 bytes while it is hashed.
_AT_ONCE = 4096
# Thai, Lao, Burmese, Japanese and Chinese put no spaces between words: there each character is one.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a text to find those that are nearly the same.

    Attributes:
        signature: The 64 smallest hashes of its runs, or all of them, four bytes each in ascending order.
        buckets: One signed 64-bit number a band; texts that are nearly the same share at least one.
    """

    signature: bytes
    buckets: tuple[int, ...]


def fingerprint_of(text: str) -> Fingerprint | None:
    """Take a text's fingerprint, the same on every machine; None below three words, which only equal themselves."""
    words = words_of(text)
    runs = {" ".join(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)}
    if not runs:
        return None
    hashes = {_hash(run) for run in runs}
    smallest = b"".join(number.to_bytes(4) for number in sorted(hashes)[:_KEPT])
    return Fingerprint(smallest, tuple(_bucket(band, values) for band, values in enumerate(_bands(hashes))))


def words_of(text: str) -> list[str]:
    """Give a text's words without what makes no difference to a reader."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def similarity(one: bytes, other: bytes) -> float:
    """Give the share of runs that two texts have in common, 0 to 1, from their signatures."""
    return similarity_of(runs_in(one), runs_in(other))


def similarity_of(these: frozenset[int], those: frozenset[int]) -> float:
    """Give the same from signatures that are read already, see ``runs_in``."""
    # Of long texts only the smallest hashes are known: those of both together are a fair sample.
    sample = sorted(these | those)[:_KEPT] if _KEPT in {len(these), len(those)} else these | those
    return len((these & those).intersection(sample)) / len(sample)


def _hash(run: str) -> int:
    return int.from_bytes(hashlib.blake2b(run.encode(), digest_size=4).digest())


def runs_in(signature: bytes) -> frozenset[int]:
    """Read a signature."""
    numbers = array("I", signature)
    if sys.byteorder == "little":
        numbers.byteswap()
    return frozenset(numbers)


def _bands(hashes: Iterable[int]) -> list[bytes]:
    found = _empty().copy()
    left = iter(hashes)
    while some := list(islice(left, _AT_ONCE)):
        found.update_batch(some)
    values = found.digest().astype("<u4")
    return [values[band * _ROWS : (band + 1) * _ROWS].tobytes() for band in range(BANDS)]


@cache
def _empty() -> Any:  # noqa: ANN401 - the library's MinHash
    from datasketch import MinHash  # takes a second

    # Everything that the values depend on is named: they are kept, and must mean the same in the next release.
    return MinHash(num_perm=BANDS * _ROWS, seed=1, hashfunc=_itself, scheme="affine32")


def _itself(hashed: int) -> int:
    return hashed


def _bucket(band: int, values: bytes) -> int:
    digest = hashlib.blake2b(values, digest_size=8, salt=band.to_bytes(2)).digest()
    return int.from_bytes(digest, signed=True)
