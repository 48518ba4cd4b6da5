"""Why a data row gives no example, in words; ``docs/labels.md`` says what to do about it."""

from collections.abc import Mapping
from types import MappingProxyType

from service.domain.checks import CHECKS

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "not_labelled": "nobody has labelled the row yet, or its label was deleted",
        "skipped": "every label on the row was skipped",
        "no_answer": "the question that counts was not answered",
        "not_done": "the row is not approved (any more)",
        "in_rework": "a reviewer sent the label back",
        "consensus_incomplete": "not all labels that consensus asks for are there yet",
        "status_unknown": "the export was made without project details",
        "rating": "the label's rating is not among those that `where` takes",
        "empty_prompt": "the prompt is empty",
        "prompt_not_text": "the data row is no text, and no conversation that can be read",
        "prompt_behind_address": "the prompt is behind an address, which `convert` never fetches",
        "address_scheme": "the prompt's address is not https",
        "address_malformed": "the prompt's address has a user, a port, a fragment or a trick in it",
        "address_host": "the host of the prompt's address is not in `fetch_hosts`",
        "address_private": "the prompt's address leads into a private network",
        "address_redirect": "the prompt's address only redirects",
        "address_too_large": "the text behind the address is too large",
        "address_not_text": "what is behind the address is no UTF-8 text",
        "broken_text": "a text holds a NUL or half a character",
        "no_selection": "nobody selected or ranked an answer of the chat",
        "judgements_contradict": "two judgements of the same answers contradict each other",
        "answers_contradict": "two answers to messages of the conversation claim one place",
        "selection_missing": "the label that Labelbox selected is not on the row",
        "no_output_chosen": "the labeler preferred none of the outputs",
        "several_preferences": "several questions ask for the preferred output; name one as `response`",
        "roles_unclear": "nobody can say who is the assistant; name them as `assistant`",
        "ends_with_assistant": "the conversation ends with the assistant; set `conversation` to turns or transcript",
        "message_not_text": "a message of the chat is no text",
        "unreadable_document": "the conversation has not the shape that Labelbox documents",
        "no_question": "no question asks for an answer to this kind of row",
        "no_loser": "there is no worse answer to set beside the better one",
        "several_turns": "a line of prompt and completion holds one question and its answer, not a longer chat",
        "not_in_project": "the row belongs to another project",
        "row_gone": "Labelbox does not have the data row any more",
        "split_conflict": "its group, its prompt or prompts nearly like it stand in different splits",
        "set_aside": "a person decided against what a check had held back",
        "forgotten": "its text was erased with tuneloop forget, and stays away",
        "unreadable_row": "the export row has not the shape that Labelbox documents",
        "not_json": "the line is no JSON",
        "not_one_project": "the row has none or several projects; name one with --project",
        "prompt_only": "a prompt without an answer",
    }
)

CHOICES: Mapping[str, str] = MappingProxyType(
    {
        "only": "the only label that was not skipped",
        "selected": "the one that Labelbox selected",
        "highest_score": "the one with the highest consensus or benchmark score",
        "newest": "the one with the newest content",
    }
)


def words_of(reason: str | None) -> str | None:
    """Give the words of a reason, which may be what a check found."""
    check = CHECKS.get(reason or "")
    return check.words if check else REASONS.get(reason or "")


def in_words(reason: str | None) -> str:
    """Give a reason with its words."""
    words = words_of(reason)
    return f"{reason}: {words}" if words else str(reason)
