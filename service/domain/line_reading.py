"""A line's bytes as a JSON object, or the code of what keeps it from being one."""

import json
from typing import Any

from service.domain.line_rules import MOST_LINE_BYTES

JsonObject = dict[str, Any]
_BOM = b"\xef\xbb\xbf"


def read_line(line: bytes, codes: set[str]) -> JsonObject | None:
    """Read a line, without its end; what is wrong goes into ``codes``, and None is given where nothing can be read.

    A byte-order mark or a doubled key is told, and the rest read all the same.
    """
    if len(line) > MOST_LINE_BYTES:
        codes.add("line_too_large")
        return None
    if line.startswith(_BOM):
        codes.add("bom")
        line = line.removeprefix(_BOM)
    if not line.strip():
        codes.add("blank_line")
        return None
    found = _decoded(line, codes)
    if found is None or isinstance(found, dict):
        return found
    codes.add("not_an_object")
    return None


def read_json(text: str, codes: set[str] | None = None) -> Any:  # noqa: ANN401 - JSON can be anything
    """Read JSON as its standard says, doubled keys told in ``codes``.

    Raises:
        ValueError: It is none; NaN and Infinity are none either.
        RecursionError: It is nested too deeply.
    """

    def together(pairs: list[tuple[str, Any]]) -> JsonObject:
        found = dict(pairs)
        if codes is not None and len(found) < len(pairs):
            codes.add("duplicate_key")
        return found

    return json.loads(text, object_pairs_hook=together, parse_constant=_refuse)


def _decoded(line: bytes, codes: set[str]) -> Any:  # noqa: ANN401 - JSON can be anything
    try:
        found = read_json(line.decode("utf-8"), codes)
        if b"\\ud" in line or b"\\uD" in line:
            # Half of a surrogate pair is JSON and no text: it can be neither stored nor sent.
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError:
        codes.add("not_utf8")
    except UnicodeEncodeError:
        codes.add("half_character")
    except (ValueError, RecursionError):
        codes.add("not_json")
    else:
        if found is not None:
            return found
        codes.add("not_an_object")
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
