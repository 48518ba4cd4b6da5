"""When two prompts are nearly the same: MinHash signatures, and the buckets in which likely pairs meet.

Texts are compared by their runs of three words. A signature estimates which share of those runs two texts have in
common (their Jaccard similarity), to about 0.04. Two that share 0.8 of their runs meet in one of the ten buckets in
95 of 100 cases, at 0.9 nearly always, at 0.5 in one of seven.
"""

import hashlib
import re
import unicodedata
import zlib
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

# From this similarity on, two prompts count as the same one.
NEAR = 0.8
BANDS = 10
_ROWS = 6
_PERMUTATIONS = 96
_RUN = 3
# A text of a mebibyte has 200,000 runs, and each takes 400 bytes while it is hashed.
_AT_ONCE = 4096
# Thai, Lao, Burmese, Japanese and Chinese put no spaces between words: there each character is one.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a text to find those that are nearly the same.

    Attributes:
        signature: The lowest byte of each of 96 MinHash values.
        buckets: One signed 64-bit number a band; texts that are nearly the same share at least one.
    """

    signature: bytes
    buckets: tuple[int, ...]


def fingerprint_of(text: str) -> Fingerprint | None:
    """Take a text's fingerprint, the same on every machine; None below three words, which only equal themselves."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    runs = {" ".join(words[start : start + _RUN]).encode() for start in range(len(words) - _RUN + 1)}
    if not runs:
        return None
    values = _minhash(runs)
    bands = (values[band * _ROWS : (band + 1) * _ROWS] for band in range(BANDS))
    buckets = tuple(_bucket(number, band.astype("<u4").tobytes()) for number, band in enumerate(bands))
    return Fingerprint(values.astype("uint8").tobytes(), buckets)


def similarity(one: bytes, other: bytes) -> float:
    """Estimate the share of runs that two texts have in common, 0 to 1, from their signatures."""
    same = sum(a == b for a, b in zip(one, other, strict=True)) / _PERMUTATIONS
    # Two different values have the same lowest byte once in 256 times.
    return max(0.0, (same - 1 / 256) / (1 - 1 / 256))


def _minhash(runs: set[bytes]) -> Any:  # noqa: ANN401 - numpy's array
    found = _empty().copy()
    left = iter(runs)
    while some := list(islice(left, _AT_ONCE)):
        found.update_batch(some)
    return found.digest()


@cache
def _empty() -> Any:  # noqa: ANN401 - the library's MinHash
    from datasketch import MinHash  # takes a second

    # Everything that the values depend on is named: they are kept, and must mean the same in the next release.
    return MinHash(num_perm=_PERMUTATIONS, seed=1, hashfunc=zlib.crc32, scheme="affine32")


def _bucket(band: int, values: bytes) -> int:
    digest = hashlib.blake2b(values, digest_size=8, salt=band.to_bytes(2)).digest()
    return int.from_bytes(digest, signed=True)
