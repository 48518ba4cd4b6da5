"""The rules for a whole line, one function for each kind of training.

Source: the schema ``FineTuneChatRequestInput`` of the OpenAPI document, and the guides "Supervised fine-tuning" and
"Direct preference optimization".
"""

from trainer.dataset.faults import as_list, as_object, only_keys, require
from trainer.dataset.messages import check_messages
from trainer.dataset.tools import declared_functions, declared_tools
from trainer.values import JsonObject, MethodType

CHAT_KEYS = {"messages", "tools", "parallel_tool_calls", "functions"}
PREFERENCE_KEYS = {"input", "preferred_output", "non_preferred_output"}
INPUT_KEYS = {"messages", "tools", "parallel_tool_calls"}


def check_line(line: JsonObject, method: MethodType) -> None:
    """Check a line.

    Raises:
        LineFault: The line breaks a rule.
    """
    if method == "dpo":
        _check_preference_line(line)
    else:
        _check_chat_line(line)


def _check_chat_line(line: JsonObject) -> None:
    require("messages" in line, "there are no messages; supervised training needs chat lines")
    only_keys(line, CHAT_KEYS, "the line")
    _check_parallel(line)
    messages = check_messages(line["messages"], "messages", declared_tools(line), declared_functions(line))
    require(messages[-1]["role"] == "assistant", "the last message must be the assistant's")


def _check_preference_line(line: JsonObject) -> None:
    for key in sorted(PREFERENCE_KEYS):
        require(key in line, f"there is no {key}; preference training needs {', '.join(sorted(PREFERENCE_KEYS))}")
    only_keys(line, PREFERENCE_KEYS, "the line")
    given = as_object(line["input"], "input")
    only_keys(given, INPUT_KEYS, "input")
    _check_parallel(given)
    messages = check_messages(given.get("messages"), "input.messages", declared_tools(given), ())
    require(messages[-1]["role"] != "assistant", "the input must end before the assistant's answer")
    _check_text_only(messages, "input.messages")
    _check_output(line["preferred_output"], "preferred_output")
    _check_output(line["non_preferred_output"], "non_preferred_output")


def _check_output(output: object, where: str) -> None:
    answer = as_list(output, where)
    require(len(answer) == 1, f"{where} must be one message")
    message = as_object(answer[0], f"{where}[0]")
    require(message.get("role") == "assistant", f"{where}[0].role must be assistant")
    checked = check_messages(answer, where, (), ())
    _check_text_only(checked, where)


def _check_text_only(messages: list[JsonObject], where: str) -> None:
    for place, message in enumerate(messages):
        content = message.get("content")
        images = isinstance(content, list) and any(part.get("type") == "image_url" for part in content)
        require(not images, f"{where}[{place}] holds an image; preference training takes text only")


def _check_parallel(line: JsonObject) -> None:
    require(isinstance(line.get("parallel_tool_calls", True), bool), "parallel_tool_calls must be true or false")
