"""Reads the text of a GraphQL request: one operation, fields, arguments, variables, inline values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from sandbox.errors import UnparsableQuery

_TOKEN = re.compile(
    r"""[\s,]+ | \#[^\n]*
      | (?P<token> \.\.\. | [!$&():=@\[\]{|}]
                 | [A-Za-z_]\w*
                 | -?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?
                 | "(?:[^"\\\n]|\\.)*" )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that comes with the request, not with its text."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field asked for, the name it has in the answer, its arguments and the fields wanted of it."""

    name: str
    key: str
    arguments: Mapping[str, object]
    selection: tuple["Field", ...]


class Parser:
    """Reads one text.

    Args:
        text: The whole of it; not more GraphQL than the SDK writes is understood.

    Raises:
        UnparsableQuery: A character that is no GraphQL.
    """

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0

    def operation(self) -> tuple[Field, ...]:
        """Read an operation into its root fields.

        Raises:
            UnparsableQuery: It is no GraphQL, or more of it than is imitated.
        """
        if self._next() in {"query", "mutation"}:
            self._place += 1
            while self._next() not in {"{", "("}:
                self._place += 1
            if self._next() == "(":
                self._skip_declarations()
        fields = self._selection()
        if self._place != len(self._tokens):
            self._fail()
        return fields

    def _selection(self) -> tuple[Field, ...]:
        self._take("{")
        fields: list[Field] = []
        while self._next() != "}":
            fields.extend(self._fragment() if self._next() == "..." else [self._field()])
        self._take("}")
        return tuple(fields)

    def _fragment(self) -> tuple[Field, ...]:
        self._take("...")
        self._take("on")
        self._name()
        return self._selection()

    def _field(self) -> Field:
        name = key = self._name()
        if self._next() == ":":
            self._take(":")
            name = self._name()
        arguments: dict[str, object] = {}
        if self._next() == "(":
            self._take("(")
            arguments = self._pairs(")")
        selection = self._selection() if self._next() == "{" else ()
        return Field(name, key, arguments, selection)

    def _pairs(self, end: str) -> dict[str, object]:
        pairs: dict[str, object] = {}
        while self._next() != end:
            name = self._name()
            self._take(":")
            pairs[name] = self._value()
        self._take(end)
        return pairs

    def _value(self) -> object:
        first = self._next()
        self._place += 1
        match first[0]:
            case "$":
                return Variable(self._name())
            case "{":
                return self._pairs("}")
            case "[":
                return self._list()
            case _:
                return self._plain(first)

    def _plain(self, written: str) -> object:
        if written[0] == '"':
            return _ESCAPE.sub(_unescape, written[1:-1])
        if written[0].isdigit() or written[0] == "-":
            return float(written) if set(written) & set(".eE") else int(written)
        if written[0].isalpha():
            return _WORDS.get(written, written)
        return self._fail()

    def _list(self) -> list[object]:
        items: list[object] = []
        while self._next() != "]":
            items.append(self._value())
        self._take("]")
        return items

    def _skip_declarations(self) -> None:
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(self._next(), 0)
            self._place += 1
            if depth == 0:
                return

    def _name(self) -> str:
        token = self._next()
        if not (token[0].isalpha() or token[0] == "_"):
            self._fail()
        self._place += 1
        return token

    def _take(self, wanted: str) -> None:
        if self._next() != wanted:
            self._fail()
        self._place += 1

    def _next(self) -> str:
        if self._place >= len(self._tokens):
            raise UnparsableQuery("Syntax Error: unexpected <EOF>")
        return self._tokens[self._place]

    def _fail(self) -> NoReturn:
        token = self._tokens[min(self._place, len(self._tokens) - 1)]
        raise UnparsableQuery(f"Syntax Error: unexpected {token}")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise UnparsableQuery(f"Syntax Error: unexpected character {text[place]!r}")
        place = found.end()
        if token := found.group("token"):
            tokens.append(token)
    return tokens


def _unescape(found: re.Match[str]) -> str:
    escape = found.group(1)
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _ESCAPED.get(escape, escape)
