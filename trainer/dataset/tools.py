"""The rules for tool declarations and tool calls in a line."""

import json
import re
from collections.abc import Collection
from typing import Any

from trainer.dataset.faults import LineFault, as_list, as_object, require
from trainer.values import JsonObject

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def declared_tools(line: JsonObject) -> set[str]:
    """Check the line's ``tools`` and give their names; an empty list declares none."""
    tools = line.get("tools")
    if tools in (None, []):
        return set()
    return {_declared_tool(tool, f"tools[{place}]") for place, tool in enumerate(as_list(tools, "tools"))}


def declared_functions(line: JsonObject) -> set[str]:
    """Check the deprecated ``functions`` and give their names."""
    functions = line.get("functions")
    if functions in (None, []):
        return set()
    named = enumerate(as_list(functions, "functions"))
    return {_declared_function(function, f"functions[{place}]") for place, function in named}


def check_tool_calls(calls: Any, where: str, declared: Collection[str]) -> set[str]:  # noqa: ANN401 - JSON
    """Check an assistant's ``tool_calls`` and give their ids."""
    return {
        _check_tool_call(call, f"{where}.tool_calls[{place}]", declared)
        for place, call in enumerate(as_list(calls, f"{where}.tool_calls"))
    }


def check_called_function(function: Any, where: str, declared: Collection[str]) -> None:  # noqa: ANN401 - JSON
    """Check a called function's name and arguments."""
    function = as_object(function, where)
    name = function.get("name")
    require(isinstance(name, str) and name in declared, f"{where} calls {name!r}, which the line does not declare")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        raise LineFault(f"{where}.arguments must be a JSON object written as a string")
    try:
        decoded = json.loads(arguments)
    except (ValueError, RecursionError):
        raise LineFault(f"{where}.arguments is not valid JSON") from None
    # Encoded twice, the decoded value would be a string again.
    require(isinstance(decoded, dict), f"{where}.arguments must hold a JSON object, not {type(decoded).__name__}")


def _check_tool_call(call: Any, where: str, declared: Collection[str]) -> str:  # noqa: ANN401 - JSON
    call = as_object(call, where)
    call_id = call.get("id")
    if not isinstance(call_id, str) or not call_id:
        raise LineFault(f"{where}.id must be a string")
    require(call.get("type") == "function", f'{where}.type must be "function"')
    check_called_function(call.get("function"), f"{where}.function", declared)
    return call_id


def _declared_tool(tool: Any, where: str) -> str:  # noqa: ANN401 - JSON
    tool = as_object(tool, where)
    require(tool.get("type") == "function", f'{where}.type must be "function"')
    return _declared_function(tool.get("function"), f"{where}.function")


def _declared_function(function: Any, where: str) -> str:  # noqa: ANN401 - JSON
    function = as_object(function, where)
    name = function.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise LineFault(f"{where}.name must be 1 to 64 letters, digits, _ or -")
    require(isinstance(function.get("parameters", {}), dict), f"{where}.parameters must be a JSON object")
    return name
