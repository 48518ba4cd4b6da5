"""A training file read once, line by line, and everything that is wrong with it."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from service.adapters.line_index import LineIndex, LineKeys
from service.adapters.tokens import count_tokens
from service.domain.base_models import line_limit_of
from service.domain.checks import findings_of
from service.domain.contents import Form
from service.domain.errors import ConfigurationError
from service.domain.fingerprints import fingerprint_of
from service.domain.line_forms import Lesson, check_line, form_of
from service.domain.line_reading import JsonObject, read_line
from service.domain.line_rules import FEWEST_LINES, MOST_FILE_BYTES, MOST_LINE_BYTES
from service.domain.line_tokens import tokens_of
from service.domain.splits import group_key

_FORMS: tuple[Form, ...] = ("chat", "preference", "completion")
_PIECE_BYTES = 1 << 20


@dataclass(slots=True)
class Tally:
    """How many lines, and the first of their numbers."""

    shown: int
    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, numbers: Iterable[int], count: int = 1) -> None:
        """Count lines; their numbers are of no order."""
        self.count += count
        self.first = sorted([*self.first, *numbers])[: self.shown]


@dataclass(slots=True)
class Examined:
    """What is known of a file.

    Attributes:
        shown: How many numbers of lines are kept for each finding.
        index: Compares the lines; usable as long as ``examine`` is.
        findings: By code of ``CHECKS`` or ``RULES``; those about the file as a whole count once, without a line.
        tokens: Of all lines that can be read.
        forms: The lines of each form.
    """

    shown: int
    index: LineIndex
    lines: int = 0
    file_bytes: int = 0
    tokens: int = 0
    findings: dict[str, Tally] = field(default_factory=dict)
    forms: dict[Form, Tally] = field(default_factory=dict)

    def find(self, code: str, numbers: Iterable[int] = (), count: int = 1) -> None:
        """Count a finding."""
        self.findings.setdefault(code, Tally(self.shown)).add(numbers, count)

    @property
    def form(self) -> Form | None:
        """The form that most lines have."""
        # Of as many lines, the first form in this order.
        counted = [(self.forms[form].count, -place, form) for place, form in enumerate(_FORMS) if form in self.forms]
        return max(counted)[2] if counted else None


@contextmanager
def examine(path: Path, *, model: str, form: Form | None, fewest: int = FEWEST_LINES, shown: int) -> Iterator[Examined]:
    """Read a file and check every line, and all lines against each other.

    Args:
        path: The file, or ``-`` for standard input.
        model: Whose encoding and limit count.
        form: The form that lines must have; by default that of most lines.
        fewest: How many lines there must be.
        shown: How many numbers of lines are kept for each finding.

    Raises:
        ConfigurationError: The file cannot be opened.
    """
    limit = line_limit_of(model)
    count = partial(count_tokens, model=model)
    with _opened(path) as file, closing(LineIndex()) as index:
        found = Examined(shown, index)
        for number, (line, size, ended) in enumerate(_lines(file), start=1):
            found.file_bytes += size
            codes: set[str] = set() if ended else {"no_final_newline"}
            _take(line, number, codes, found, form=form, limit=limit, count=count)
            for code in codes:
                found.find(code, [number])
        _look_at_all(found, form=form, fewest=fewest)
        yield found


def compare(training: Examined, validation: Examined) -> None:
    """Find what stands in both files; a finding of the training file."""
    exact, near = training.index.also_in(validation.index)
    _find_all(training, {"also_validates": exact, "nearly_validates": near})


def _take(
    line: bytes,
    number: int,
    codes: set[str],
    found: Examined,
    *,
    form: Form | None,
    limit: int,
    count: Callable[[str], int],
) -> None:
    read = read_line(line, codes)
    found.lines += "blank_line" not in codes
    if read is None:
        return
    try:
        own = form_of(read) or form
        if own is None:
            codes.add("no_messages")
            return
        lesson = check_line(read, own, codes)
        tokens = tokens_of(read, own, limit=limit, count=count)
        keys = _keys_of(read, line, own, lesson) if lesson and tokens <= limit else LineKeys(*[_number(line)] * 4)
    except RecursionError:
        codes.add("not_json")
        return
    found.forms.setdefault(own, Tally(found.shown)).add([number])
    found.tokens += tokens
    if tokens > limit:
        # Its words are not looked at: it may be a hundred megabytes.
        codes.add("too_many_tokens")
    elif lesson:
        codes.update(findings_of(lesson.content, tokens=tokens, max_tokens=limit))
    found.index.add(number, keys, fingerprint_of(lesson.question) if lesson and tokens <= limit else None)


def _keys_of(read: JsonObject, line: bytes, form: Form, lesson: Lesson) -> LineKeys:
    # Other spacing and another order of keys are no difference, but a large line is not written anew to see it.
    canonical = line if len(line) > _PIECE_BYTES else _written(read)
    asked, answer = _written(lesson.asked), _written(lesson.answer)
    if form == "preference":
        # One question has many pairs; what contradicts is the same pair the other way round.
        asked += _written(sorted(lesson.answer))
    return LineKeys(*map(_number, (canonical, _folded(asked), _folded(answer), _folded(lesson.question.encode()))))


def _written(value: Any) -> bytes:  # noqa: ANN401 - JSON can be anything
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()


def _folded(text: bytes) -> bytes:
    return group_key(text.decode()).encode() if len(text) <= _PIECE_BYTES else text


def _number(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def _look_at_all(found: Examined, *, form: Form | None, fewest: int) -> None:
    if found.lines < fewest:
        found.find("too_few_lines")
    if found.file_bytes > MOST_FILE_BYTES:
        found.find("file_too_large")
    for other, tally in found.forms.items():
        if other != (form or found.form):
            found.find("mixed_forms", tally.first, tally.count)
    index = found.index
    _find_all(
        found,
        {
            "exact_duplicate": index.doubles(),
            "near_duplicate": index.nearly_equal(),
            "conflicting_answers": index.conflicts(),
        },
    )


def _find_all(found: Examined, numbers: dict[str, Any]) -> None:
    for code, lines in numbers.items():
        if len(lines):
            found.find(code, lines[: found.shown].tolist(), len(lines))


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    if str(path) == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return cast("IO[bytes]", path.open("rb", buffering=_PIECE_BYTES))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", remedy="Name a file that can be read, or -.") from error


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes, int, bool]]:
    """Give each line without its end, its size in the file, and whether it ended."""
    while line := file.readline(MOST_LINE_BYTES + 2):
        size = len(line)
        end = line[-1:]
        # What is too large for a line is passed over, up to its end.
        while end != b"\n" and (more := file.readline(_PIECE_BYTES)):
            size, end = size + len(more), more[-1:]
        # Not kept as it was: it may be a hundred megabytes.
        line = line.rstrip(b"\r\n")
        yield line, size, end == b"\n"
