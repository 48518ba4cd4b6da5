"""What a person is told to do about each shut door."""

import re
from pathlib import Path

import pytest

from service.domain.door_remedies import remedies_of
from service.domain.triggers import Reason

ROOT = Path(__file__).parents[2]
FACTS = {"run": "run-9", "budget": "trainer:box", "trainer": "box", "remedy": "start it"}


def codes_by_hand() -> list[str]:
    """Give the codes of the document that stand in the way of runs by hand: the first table, without "by itself"."""
    table = (ROOT / "docs" / "trigger.md").read_text().partition("Moments are in UTC")[0]
    rows = re.findall(r"^\| (`[a-z_`, ]+) \| (.*)$", table, flags=re.MULTILINE)
    by_hand = [codes for codes, words in rows if not words.startswith("by itself")]
    return re.findall(r"[a-z_]+", " ".join(by_hand))


@pytest.mark.parametrize("code", codes_by_hand())
def test_every_door_that_is_shut_by_hand_has_its_remedy(code: str) -> None:
    told = remedies_of([Reason(code, "no", FACTS)], "summaries")
    assert told.endswith(".")
    assert "{" not in told
    # That page tells of the pipeline's own trainer and model, which need not be those of the run.
    assert "tuneloop why" not in told


def test_what_two_doors_have_in_common_is_said_once() -> None:
    few = [Reason(code, "no", FACTS) for code in ("too_few_training", "too_few_held_out")]
    told = remedies_of([*few, Reason("run_open", "no", FACTS)], "summaries")
    assert told == (
        "Label more, or lower its minimum in [pipelines.summaries.dataset]; "
        "wait for it, or: tuneloop runs cancel run-9."
    )
