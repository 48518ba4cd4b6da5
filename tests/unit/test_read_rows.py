"""Exported rows as one pipeline sees them, with prompts that are behind addresses."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.contents import pair
from service.domain.errors import UnfetchablePrompt
from service.domain.pipelines import LabelPolicy
from service.usecases.read_rows import FETCHED_AT_ONCE, RowsRead, read_rows
from tests.support.builders import make_pipeline
from tests.support.export_rows import PROJECT, conversation, exported, label, ontology, question, written
from tests.support.fake_prompts import FakePrompts

ADDRESS = "https://storage.labelbox.com/chat.txt?Signature=s"
PIPELINE = replace(make_pipeline(), labels=LabelPolicy(PROJECT))


def behind(found: str | UnfetchablePrompt, *, row: dict[str, Any] | None = None) -> RowsRead:
    prompts = FakePrompts()
    prompts.texts_by_address[ADDRESS] = found
    rows = [row or exported(ADDRESS, label("l", written("summary", "s")))]
    return read_rows(rows, pipeline=PIPELINE, ontology=ontology(question("text", "summary")), prompts=prompts)


def test_the_text_behind_an_address_is_the_prompt() -> None:
    assert behind("A chat").outcomes["row-1"].content == pair("A chat", "s")


def test_a_conversation_behind_an_address_is_read_as_one() -> None:
    import json

    row = exported(ADDRESS, label("l", written("summary", "s")))
    row["media_attributes"]["asset_type"] = "conversational"
    content = behind(json.dumps(conversation(("User", "Hi"))), row=row).outcomes["row-1"].content
    assert content == pair("Hi", "s")


@pytest.mark.parametrize("reason", ["address_host", "address_private", "address_too_large"])
def test_an_address_that_may_not_be_fetched_is_a_reject_with_its_reason(reason: str) -> None:
    found = behind(UnfetchablePrompt(reason))
    assert (found.outcomes["row-1"].reason, found.outcomes["row-1"].label_ids) == (reason, ("l",))


def test_a_text_that_cannot_be_had_now_is_no_reject() -> None:
    found = behind(UnfetchablePrompt("address_unreachable"))
    assert (found.outcomes, list(found.delayed)) == ({}, ["row-1"])


@pytest.mark.parametrize(
    "row",
    [
        exported(ADDRESS, label("l", written("summary", "s")), status="IN_REVIEW"),
        exported(ADDRESS),
        exported("a text", label("l", written("summary", "s"))),
        exported(ADDRESS, label("l", written("summary", "s"))) | {"media_attributes": {"asset_type": "image"}},
    ],
)
def test_nothing_is_fetched_for_a_row_that_gives_no_example_anyway(row: dict[str, Any]) -> None:
    prompts = FakePrompts()
    read_rows([row], pipeline=PIPELINE, ontology=ontology(question("text", "summary")), prompts=prompts)
    assert prompts.asked == []


def test_many_addresses_are_fetched_a_few_at_a_time_and_each_once() -> None:
    addresses = [f"https://storage.labelbox.com/{number}" for number in range(250)]
    rows = [
        exported(address, label(f"l-{number}", written("summary", "s")), row_id=f"row-{number}-{turn}")
        for number, address in enumerate(addresses)
        for turn in range(2)
    ]
    prompts = FakePrompts(**dict.fromkeys(addresses, "A chat"))
    found = read_rows(rows, pipeline=PIPELINE, ontology=ontology(question("text", "summary")), prompts=prompts)
    assert len(found.outcomes) == 500
    assert max(map(len, prompts.asked)) <= FETCHED_AT_ONCE
    assert sorted(key for asked in prompts.asked for key in asked) == sorted(addresses)


def test_a_row_of_unexpected_shape_spoils_no_other() -> None:
    rows = [exported("a", label("l", written("summary", "s"))), {"data_row": {"id": "odd"}, "projects": 7}]
    found = read_rows(rows, pipeline=PIPELINE, ontology=ontology(question("text", "summary")), prompts=FakePrompts())
    assert (list(found.outcomes), list(found.unreadable)) == (["row-1"], ["odd"])
