"""What servers of OpenAI's shape ask of a training file, each rule with a code; ``docs/checks.md`` lists them.

Sources: the schema ``FineTuneChatRequestInput`` of the OpenAPI document; the guides "Supervised fine-tuning", "Vision
fine-tuning", "Direct preference optimization" and "Fine-tuning best practices"; the cookbook "Data preparation and
analysis for chat model fine-tuning".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from service.domain.checks import CHECKS

# ``error``: the trainer refuses the file, or cuts what is to be learned.
Severity = Literal["error", "warning"]

FEWEST_LINES = 10
MOST_FILE_BYTES = 512 * 1024**2
MOST_IMAGES = 10
# Room for ten images of 10 MB in base64, the most that a line may hold.
MOST_LINE_BYTES = 160 * 1024**2


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule for lines or files: what is wrong, what a person does about it, and how bad it is."""

    words: str
    remedy: str
    severity: Severity = "error"


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        # The bytes.
        "not_utf8": Rule("the line is not UTF-8", "Save the file as UTF-8."),
        "bom": Rule(
            "the line begins with a byte-order mark",
            "Save as UTF-8 without one; where Azure asks for it, the service adds it when it uploads.",
        ),
        "blank_line": Rule("the line is blank", "Remove it."),
        "no_final_newline": Rule("the last line does not end in a newline", "Add one.", "warning"),
        "line_too_large": Rule("the line is larger than 160 MiB", "Split it."),
        "not_json": Rule("the line is no JSON, or nested too deeply", "Write one JSON object a line, without NaN."),
        "not_an_object": Rule("the line is JSON, but no object", "Write one JSON object a line."),
        "half_character": Rule("an escaped surrogate stands alone", "Write the whole character."),
        "duplicate_key": Rule(
            "an object has a key twice, and each reader may take another", "Remove one of them.", "warning"
        ),
        "unknown_key": Rule("the line or a message has a key that the format does not know", "Correct or remove it."),
        # The messages.
        "no_messages": Rule(
            "there are no messages, no pair of answers, and no prompt with its completion",
            "Write the messages as a list that is not empty.",
        ),
        "message_not_object": Rule("a message is no object", "Write role and content."),
        "unknown_role": Rule("a role is none of system, user, assistant, tool and function", "Correct the role."),
        "developer_role": Rule("a role is developer, which training files do not know", "Write system."),
        "content_missing": Rule("a message has no content", "Only an assistant that calls a tool may leave it out."),
        "content_not_text": Rule("a content is neither text nor a list of parts", "Write a text, or documented parts."),
        "image_in_answer": Rule("a message of another role than the user holds an image", "Move it to the user."),
        "too_many_images": Rule("the line holds more than 10 images", "Leave some out."),
        "name_not_text": Rule("a name is no text", "Write it in quotes."),
        "bad_weight": Rule("a weight is neither 0 nor 1", "Write 0 or 1, without quotes."),
        "weight_not_assistant": Rule("a message that is not the assistant's has a weight", "Remove it."),
        "nothing_taught": Rule("every answer has weight 0", "Give weight 1 to what is to be learned."),
        "no_assistant": Rule("no message is the assistant's", "Add the answer."),
        "last_not_assistant": Rule("the last message is not the assistant's", "End with the answer."),
        # Tools.
        "malformed_tool": Rule(
            "a declared tool, a call or parallel_tool_calls has not the documented shape",
            "Write type, function, name and id as the API documents them.",
        ),
        "tool_not_declared": Rule("a tool is called that the line does not declare", "Add it to tools."),
        "tool_without_call": Rule("a tool answers a call that is not before it", "Correct tool_call_id."),
        "arguments_not_text": Rule("a call's arguments are no JSON written as a text", "Encode the object once."),
        "arguments_encoded_twice": Rule("a call's arguments were encoded twice", "Encode the object once."),
        "arguments_not_object": Rule("a call's arguments hold no object", "Write an object, also an empty one."),
        # Pairs and completions.
        "no_pair": Rule(
            "input, preferred_output or non_preferred_output is missing", "Write all three, with these names."
        ),
        "output_not_one_answer": Rule("an output is not exactly one message of the assistant", "Write one answer."),
        "input_ends_with_assistant": Rule("the input ends with the assistant's message", "End with the question."),
        "pair_not_text": Rule("a pair holds something else than text", "Preference training takes text only."),
        "outputs_equal": Rule("both answers of a pair are equal, which teaches nothing", "Leave it out.", "warning"),
        "no_completion": Rule("prompt or completion is missing or no text", "Write both as texts."),
        # The file.
        "mixed_forms": Rule(
            "the line is of another form than the file, or than --format says",
            "Give chats, pairs and completions a file each.",
        ),
        "too_few_lines": Rule("there are fewer lines than a job needs: 10, to validate 1", "Collect more examples."),
        "file_too_large": Rule("the file is larger than 512 MiB", "Leave examples out: a job takes one file."),
        "also_validates": Rule("the example stands in the validation file as well", "Take it out of one of the files."),
        "nearly_validates": Rule(
            "the validation file holds the same or nearly the same prompt",
            "Take it out of one of the files; the validation loss means little otherwise.",
            "warning",
        ),
    }
)


def severity_of(code: str) -> Severity:
    """Say how bad a finding in a file is, of either registry; of contents only the length is the trainer's business."""
    if code in RULES:
        return RULES[code].severity
    return "error" if code == "too_many_tokens" else "warning"


def words_of(code: str) -> tuple[str, str]:
    """Give what a code of either registry means, and its remedy."""
    found = RULES.get(code) or CHECKS[code]
    return found.words, found.remedy
