"""The rules for tools in a training line: declared, called, answered."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from service.domain.line_reading import read_json

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def declared_names(line: Mapping[str, Any], codes: set[str]) -> set[str]:
    """Check ``tools``, and ``functions`` that came before them, and give the names they declare."""
    if not isinstance(line.get("parallel_tool_calls", True), bool):
        codes.add("malformed_tool")
    functions = [_function_of(tool) for tool in _listed(line.get("tools"), codes)]
    functions += _listed(line.get("functions"), codes)
    names = [_name_of(function) for function in functions]
    if None in names:
        codes.add("malformed_tool")
    return {name for name in names if name}


def check_calls(message: Mapping[str, Any], declared: Collection[str], codes: set[str]) -> set[str]:
    """Check what an assistant's message calls, and give the ids of the calls."""
    ids: set[str] = set()
    for call in _listed(message.get("tool_calls"), codes):
        function = _function_of(call)
        if function is None or not isinstance(call.get("id"), str) or not call["id"]:
            codes.add("malformed_tool")
            continue
        ids.add(call["id"])
        codes.update(_faults_of(function, declared))
    if message.get("function_call") is not None:
        codes.update(_faults_of(message["function_call"], declared))
    return ids


def calls_something(message: Mapping[str, Any]) -> bool:
    """Say whether a message calls a tool, so that it needs no content."""
    return bool(message.get("tool_calls") or message.get("function_call"))


def _faults_of(function: object, declared: Collection[str]) -> Iterator[str]:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        yield "malformed_tool"
        return
    if function["name"] not in declared:
        yield "tool_not_declared"
    try:
        arguments = read_json(function["arguments"]) if isinstance(function.get("arguments"), str) else None
    except (ValueError, RecursionError):
        arguments = None
    if arguments is None:
        yield "arguments_not_text"
    elif isinstance(arguments, str):
        yield "arguments_encoded_twice"
    elif not isinstance(arguments, dict):
        yield "arguments_not_object"


def _listed(given: object, codes: set[str]) -> list[Any]:
    if given is None or isinstance(given, list):
        return given or []
    codes.add("malformed_tool")
    return []


def _function_of(tool: object) -> Any:  # noqa: ANN401 - JSON can be anything
    return tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None


def _name_of(function: object) -> str | None:
    if not isinstance(function, dict) or not isinstance(function.get("parameters", {}), dict):
        return None
    name = function.get("name")
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None
