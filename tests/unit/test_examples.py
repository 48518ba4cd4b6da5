import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.contents import content_hash_of, messages_of, pair
from service.domain.examples import (
    FORGOTTEN,
    SET_ASIDE,
    SPLIT_CONFLICT,
    Change,
    Decision,
    Example,
    Planner,
    Standing,
    decided,
    example_id_of,
    may_decide,
    withdrawn,
)
from service.domain.label_choice import NOT_LABELLED
from service.domain.labels import RowOutcome
from service.domain.pipelines import ChecksPolicy, DatasetPolicy
from service.domain.placements import Place, Places
from service.domain.splits import Split, group_key
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline, make_refusal
from tests.support.fakes import NOON

POLICY = DatasetPolicy()


@dataclass
class Table:
    """The examples and splits of one pipeline, as a store keeps them."""

    rows: dict[str, Example] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    near: dict[int, list[Place]] = field(default_factory=dict)
    decisions: dict[tuple[str, str], Decision] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    checks: ChecksPolicy = field(default_factory=ChecksPolicy)
    news: int = 0
    added: list[Place] = field(default_factory=list)

    def plan(self, *outcomes: RowOutcome, at: datetime = NOON, policy: DatasetPolicy = POLICY) -> list[Change]:
        pipeline = make_pipeline("p", dataset=policy, checks=self.checks)
        appraiser = appraisers(pipeline)
        planner = Planner(pipeline, at, appraiser.appraise, appraiser.mark)
        known = Places(known=dict(self.places), near={bucket: list(met) for bucket, met in self.near.items()})
        changes = planner.plan(outcomes, Standing(self.rows, known, self.decisions, frozenset(self.forgotten)))
        self.added = known.added
        return changes

    def look(self, *outcomes: RowOutcome, at: datetime = NOON, policy: DatasetPolicy = POLICY) -> list[Change]:
        changes = self.plan(*outcomes, at=at, policy=policy)
        for change in changes:
            self.rows[change.example.data_row_id] = change.example
        for place in self.added:
            assert place.key not in self.places or not self.places[place.key].cluster
            self.places[place.key] = place
            for bucket in place.fingerprint.buckets if place.fingerprint else ():
                self.near.setdefault(bucket, []).append(place)
        self.news += sum(change.is_news for change in changes)
        return changes


def hours(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def told(example: Example | None) -> tuple[object, ...]:
    """Give what Labelbox's own state decides of an example, and nothing of how we came to know it."""
    if example is None:
        # A row that nobody has labelled yet is not even written down.
        return (False, NOT_LABELLED)
    if example.status != "active":
        return (False, example.reason)
    given_once = (example.content, example.group, example.split)
    return (True, example.reason, example.label_id, example.activity_at, *given_once)


contents = st.sampled_from(["one", "other", "third"])
just_refused = st.just(make_refusal("row-1", "not_done"))
histories = st.lists(contents | just_refused | st.just(make_refusal("row-1", NOT_LABELLED)), min_size=1, max_size=5)


def outcome_of(state: str | RowOutcome, at: datetime) -> RowOutcome:
    return make_outcome("row-1", state, at=at) if isinstance(state, str) else replace(state, activity_at=at)


@given(history=histories, looks=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=12))
def test_whatever_looks_came_before_the_last_one_tells_the_truth(
    history: list[str | RowOutcome], looks: list[tuple[int, int]]
) -> None:
    """Looks may be doubled, late and out of order, and may show an older state than there was."""
    outcomes = [outcome_of(state, hours(number)) for number, state in enumerate(history)]
    table = Table()
    for index, delay in looks:
        table.look(outcomes[index % len(outcomes)], at=hours(index + delay))
    table.look(outcomes[-1], at=hours(100))
    straight = Table()
    straight.look(outcomes[-1], at=hours(100))
    assert told(table.rows.get("row-1")) == told(straight.rows.get("row-1"))


# Not of a row without a label: what was never written down cannot be newer than anything, until a reconcile looks.
@given(history=st.lists(contents | just_refused, min_size=1, max_size=5), order=st.randoms(use_true_random=False))
def test_looks_at_true_states_may_arrive_in_any_order(history: list[str | RowOutcome], order: Random) -> None:
    outcomes = [(outcome_of(state, hours(number)), hours(number + 0.5)) for number, state in enumerate(history)]
    shuffled = list(outcomes)
    order.shuffle(shuffled)
    table, straight = Table(), Table()
    for outcome, at in shuffled:
        table.look(outcome, at=at)
    straight.look(outcomes[-1][0], at=outcomes[-1][1])
    assert told(table.rows.get("row-1")) == told(straight.rows.get("row-1"))


@given(history=histories)
def test_planning_twice_changes_nothing(history: list[str | RowOutcome]) -> None:
    table = Table()
    for number, state in enumerate(history):
        outcome = outcome_of(state, hours(number))
        table.look(outcome, at=hours(number))
        before = dict(table.rows)
        assert table.look(outcome, at=hours(number)) == []
        assert table.look(outcome, at=hours(number + 0.5)) == []
        assert table.rows == before


@given(history=histories)
def test_a_row_is_never_both_example_and_reject(history: list[str | RowOutcome]) -> None:
    table = Table()
    for number, state in enumerate(history):
        table.look(outcome_of(state, hours(number)), at=hours(number))
        assert len(table.rows) <= 1
        for example in table.rows.values():
            assert (example.status == "active") == (example.reason is None)
            assert (example.status == "rejected") == (example.version == 0)
            if example.status == "active":
                assert example.content_hash == content_hash_of(example.content)
                assert example.split is not None


@given(history=histories)
def test_a_version_counts_contents_and_only_a_new_content_is_news(history: list[str | RowOutcome]) -> None:
    table = Table()
    shown: list[str] = []
    for number, state in enumerate(history):
        table.look(outcome_of(state, hours(number)), at=hours(number))
        if isinstance(state, str) and shown[-1:] != [state]:
            shown.append(state)
        version = table.rows["row-1"].version if table.rows else 0
        assert version == table.news == len(shown)


policies = st.builds(DatasetPolicy, held_out_percent=st.floats(0, 60), validation_percent=st.floats(0, 40))
prompts = st.sampled_from(["How are you?", "how  are you?", "HOW ARE YOU?", "Where is my order?", "Help!"])


@given(
    looks=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "d"]), prompts, st.booleans(), policies), min_size=1, max_size=15
    )
)
def test_a_split_once_given_never_changes_and_holds_for_the_whole_group(
    looks: Sequence[tuple[str, str, bool, DatasetPolicy]],
) -> None:
    table = Table()
    first: dict[str, Split | None] = {}
    for number, (row_id, prompt, approved, policy) in enumerate(looks):
        at = hours(number)
        outcome = make_outcome(row_id, f"answer {number}", prompt=prompt, at=at)
        table.look(outcome if approved else make_refusal(row_id, at=at), at=at, policy=policy)
        for example in table.rows.values():
            if example.status == "active":
                assert example.group == group_key(example.content[0].content)
                assert first.setdefault(example.group, example.split) == example.split


def test_two_rows_of_one_prompt_in_one_export_share_their_split() -> None:
    table = Table()
    everything = [make_outcome(f"row-{number}", prompt=f"Chat {number // 2}") for number in range(60)]
    table.look(*everything)
    for number in range(0, 60, 2):
        assert table.rows[f"row-{number}"].split == table.rows[f"row-{number + 1}"].split
    assert {example.split for example in table.rows.values()} == {"train", "validation", "held_out"}


def test_approving_the_same_text_again_is_a_change_but_no_news() -> None:
    table = Table()
    table.look(make_outcome("row-1", at=hours(0)), at=hours(0))
    (taken_back,) = table.look(make_refusal("row-1", at=hours(1)), at=hours(1))
    assert (taken_back.example.status, taken_back.is_new_version) == ("withdrawn", False)
    assert taken_back.example.content[-1].content == "a summary"
    (again,) = table.look(make_outcome("row-1", at=hours(2)), at=hours(2))
    assert (again.example.status, again.example.version, again.is_new_version) == ("active", 1, False)


def test_a_row_whose_label_is_gone_is_written_down() -> None:
    table = Table()
    table.look(make_outcome("row-1", at=hours(0)), at=hours(0))
    table.look(make_refusal("row-1", NOT_LABELLED, at=hours(1)), at=hours(1))
    assert (table.rows["row-1"].status, table.rows["row-1"].reason) == ("withdrawn", NOT_LABELLED)


def test_a_row_that_was_never_approved_is_rejected_with_its_reason() -> None:
    table = Table()
    table.look(make_refusal("row-1", "skipped"))
    assert (table.rows["row-1"].status, table.rows["row-1"].reason) == ("rejected", "skipped")


def test_another_label_with_the_same_text_is_noted_but_no_news() -> None:
    table = Table()
    table.look(make_outcome("row-1", at=hours(0)), at=hours(0))
    (change,) = table.look(replace(make_outcome("row-1", at=hours(1)), label_id="label-2"), at=hours(1))
    assert (change.example.label_id, change.is_new_version) == ("label-2", False)


def test_a_row_that_is_gone_is_withdrawn_and_keeps_its_text() -> None:
    table = Table()
    table.look(make_outcome("row-1"))
    gone = withdrawn(table.rows["row-1"], observed_at=hours(1))
    assert (gone.example.status, gone.example.reason, gone.example.label_id) == ("withdrawn", "row_gone", None)
    assert gone.example.content[-1].content == "a summary"
    assert not gone.is_new_version


def test_an_export_asked_for_before_the_row_was_gone_does_not_bring_it_back() -> None:
    table = Table()
    table.look(make_outcome("row-1", at=hours(0)), at=hours(0))
    table.rows["row-1"] = withdrawn(table.rows["row-1"], observed_at=hours(5)).example
    # Somebody edited it at 2 and deleted its row at 3; this export was asked for in between and is late.
    assert table.look(make_outcome("row-1", "edited", at=hours(2)), at=hours(2.5)) == []
    assert table.rows["row-1"].status == "withdrawn"


def test_an_activity_that_went_back_is_believed_once_no_lag_explains_it() -> None:
    table = Table()
    table.look(make_outcome("row-1", at=hours(1)), at=hours(1))
    # Its label was deleted, and that took the time of the last activity back.
    deleted = make_refusal("row-1", NOT_LABELLED, at=hours(0))
    assert table.look(deleted, at=hours(1.5)) == []
    table.look(deleted, at=hours(2.5))
    assert (table.rows["row-1"].status, table.rows["row-1"].reason) == ("withdrawn", NOT_LABELLED)


def test_a_touch_that_changes_nothing_is_no_part_of_the_story() -> None:
    table = Table()
    table.look(make_outcome("row-1", at=hours(0)), at=hours(0))
    (touched,) = table.look(make_outcome("row-1", at=hours(1)), at=hours(1))
    assert (touched.is_told, touched.is_new_version) == (False, False)


def test_a_row_that_came_back_is_an_example_again() -> None:
    table = Table()
    table.look(make_outcome("row-1", at=hours(0)), at=hours(0))
    table.rows["row-1"] = withdrawn(table.rows["row-1"], observed_at=hours(5)).example
    table.look(make_outcome("row-1", at=hours(0)), at=hours(6))
    assert (table.rows["row-1"].status, table.rows["row-1"].version) == ("active", 1)


# Ids, hashes and chats.


@given(st.text(), st.text(), st.text(), st.text())
def test_contents_have_the_same_hash_only_if_both_texts_are_the_same(a: str, b: str, c: str, d: str) -> None:
    assert (content_hash_of(pair(a, b)) == content_hash_of(pair(c, d))) == ((a, b) == (c, d))


def test_moving_a_character_between_the_texts_changes_the_hash() -> None:
    assert content_hash_of(pair("ab", "c")) != content_hash_of(pair("a", "bc"))


def test_an_example_id_is_stable_and_differs_by_pipeline() -> None:
    # Written down once: snapshots and their explanations are kept under it.
    assert example_id_of("p", "row-1") == "ex-d2af89c6dbcaa16340c2eb4a"
    assert len({example_id_of("p", "row-1"), example_id_of("q", "row-1"), example_id_of("p", "row-2")}) == 3


@given(prompt=st.text(), response=st.text())
def test_a_chat_holds_the_texts_as_they_are(prompt: str, response: str) -> None:
    content = pair(prompt, response)
    assert messages_of(content, system="Be kind.") == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": response},
    ]
    assert [message["role"] for message in messages_of(content, system=None)] == ["user", "assistant"]
    json.dumps(messages_of(content, system=None))


@given(percent=st.integers(0, 90), words=st.text(min_size=1))
def test_an_edited_prompt_keeps_the_example_in_its_split(percent: int, words: str) -> None:
    table, policy = Table(), DatasetPolicy(held_out_percent=percent, validation_percent=10)
    table.look(make_outcome("row-1", prompt="the first wording", at=hours(0)), at=hours(0), policy=policy)
    before = table.rows["row-1"].split
    table.look(make_outcome("row-1", prompt=f"edited: {words}", at=hours(1)), at=hours(1), policy=policy)
    assert table.rows["row-1"].split == before
    assert table.places[table.rows["row-1"].group].split == before


def test_a_prompt_edited_into_one_of_another_split_is_withdrawn_rather_than_moved() -> None:
    given: dict[str, Split] = {"a trained prompt": "train", "a secret one": "held_out"}
    table = Table(places={group_key(prompt): Place(group_key(prompt), split) for prompt, split in given.items()})
    table.look(make_outcome("row-1", prompt="a secret one", at=hours(0)), at=hours(0))
    table.look(make_outcome("row-1", prompt="a trained prompt", at=hours(1)), at=hours(1))
    found = table.rows["row-1"]
    assert (found.status, found.reason, found.split) == ("withdrawn", SPLIT_CONFLICT, "held_out")


# What checks find, and what people decide.

SUSPECT = "Write to jane@example.com."


def test_an_example_that_a_check_holds_back_is_kept_and_no_news() -> None:
    table = Table()
    (change,) = table.look(make_outcome("row-1", SUSPECT))
    assert (change.example.status, change.example.reason) == ("held", "personal_email")
    assert (change.example.content[-1].content, change.example.version) == (SUSPECT, 1)
    assert change.example.split is not None
    assert (change.is_new_version, change.is_news) == (True, False)


def test_a_finding_that_is_only_noted_holds_nothing_back() -> None:
    table = Table(checks=ChecksPolicy(actions={"personal_email": "note"}))
    (change,) = table.look(make_outcome("row-1", SUSPECT))
    assert (change.example.status, change.example.findings) == ("active", ("personal_email",))


def test_what_is_dropped_gives_no_example_and_says_why() -> None:
    table = Table()
    (change,) = table.look(make_outcome("row-1", "  "))
    assert (change.example.status, change.example.reason, change.example.content) == ("rejected", "empty_answer", ())
    assert not change.is_new_version


def test_what_a_person_keeps_counts_once() -> None:
    table = Table()
    table.look(make_outcome("row-1", SUSPECT))
    kept = decided(table.rows["row-1"], "keep")
    assert (kept.example.status, kept.example.reason, kept.is_news, kept.is_new_version) == (
        "active",
        None,
        True,
        False,
    )


def test_what_a_person_sets_aside_is_told() -> None:
    table = Table()
    table.look(make_outcome("row-1", SUSPECT))
    dropped = decided(table.rows["row-1"], "drop")
    assert (dropped.example.status, dropped.example.reason) == ("withdrawn", SET_ASIDE)


def test_a_decision_lasts_for_its_content_and_for_no_other() -> None:
    table = Table()
    table.look(make_outcome("row-1", SUSPECT, at=hours(0)), at=hours(0))
    held = table.rows["row-1"]
    table.decisions[held.example_id, held.content_hash] = Decision("keep", frozenset({"personal_email"}))
    table.look(make_outcome("row-1", SUSPECT, at=hours(1)), at=hours(1))
    assert table.rows["row-1"].status == "active"
    table.look(make_outcome("row-1", SUSPECT + " Or call.", at=hours(2)), at=hours(2))
    assert (table.rows["row-1"].status, table.rows["row-1"].version) == ("held", 2)
    table.decisions[held.example_id, table.rows["row-1"].content_hash] = Decision("drop")
    table.look(make_outcome("row-1", SUSPECT + " Or call.", at=hours(3)), at=hours(3))
    assert (table.rows["row-1"].status, table.rows["row-1"].reason) == ("withdrawn", SET_ASIDE)


def test_a_decision_covers_only_what_was_found_when_it_was_taken() -> None:
    table = Table()
    outcome = make_outcome("row-1", "Write to jane@example.com or call +1 212 555 0199.")
    table.look(outcome)
    held = table.rows["row-1"]
    assert held.findings == ("personal_email", "personal_phone")
    table.decisions[held.example_id, held.content_hash] = Decision("keep", frozenset({"personal_email"}))
    table.look(replace(outcome, activity_at=hours(1)), at=hours(1))
    assert (table.rows["row-1"].status, table.rows["row-1"].reason) == ("held", "personal_phone")


def test_a_decision_can_be_taken_back() -> None:
    table = Table()
    table.look(make_outcome("row-1", SUSPECT))
    kept = decided(table.rows["row-1"], "keep").example
    assert may_decide(kept)
    dropped = decided(kept, "drop").example
    assert (dropped.status, dropped.reason, may_decide(dropped)) == ("withdrawn", SET_ASIDE, True)
    again = decided(dropped, "keep")
    # The text counted when it was kept for the first time.
    assert (again.example.status, again.is_news) == ("active", False)


@pytest.mark.parametrize("reason", ["not_done", "skipped"])
def test_nothing_is_decided_of_rows_that_no_check_held_back(reason: str) -> None:
    table = Table()
    table.look(make_outcome("row-1"), make_refusal("row-2", reason))
    assert not any(map(may_decide, table.rows.values()))


def test_what_was_held_while_it_was_unapproved_still_counts_when_it_is_taken() -> None:
    table = Table()
    table.look(make_outcome("row-1", SUSPECT, at=hours(0)), at=hours(0))
    table.look(make_refusal("row-1", at=hours(1)), at=hours(1))
    table.checks = ChecksPolicy(actions={"personal_email": "note"})
    (change,) = table.look(make_outcome("row-1", SUSPECT, at=hours(2)), at=hours(2))
    assert (change.example.status, change.is_news) == ("active", True)


def test_a_text_that_was_trained_on_is_no_news_after_a_policy_held_it_and_a_person_kept_it() -> None:
    table = Table(checks=ChecksPolicy(actions={"personal_email": "note"}))
    table.look(make_outcome("row-1", SUSPECT, at=hours(0)), at=hours(0))
    table.checks = ChecksPolicy()
    table.look(make_outcome("row-1", SUSPECT, at=hours(1)), at=hours(1))
    assert table.rows["row-1"].status == "held"
    assert not decided(table.rows["row-1"], "keep").is_news


def test_another_limit_in_the_ontology_is_looked_at_anew() -> None:
    table = Table()
    table.look(make_outcome("row-1", "ten letters", at=hours(0)), at=hours(0))
    shorter = replace(make_outcome("row-1", "ten letters", at=hours(1)), limits=(None, 5))
    table.look(shorter, at=hours(1))
    assert (table.rows["row-1"].status, table.rows["row-1"].reason) == ("held", "too_long")


def test_another_action_for_a_check_reaches_what_stands_with_the_next_look() -> None:
    table = Table(checks=ChecksPolicy(actions={"personal_email": "note"}))
    table.look(make_outcome("row-1", SUSPECT, at=hours(0)), at=hours(0))
    table.checks = ChecksPolicy()
    (change,) = table.look(make_outcome("row-1", SUSPECT, at=hours(0)), at=hours(24))
    assert (change.example.status, change.example.reason) == ("held", "personal_email")


def test_a_row_that_was_forgotten_stays_away_by_its_id_and_by_its_key() -> None:
    table = Table(forgotten={"row-1", "key-2"})
    table.look(make_outcome("row-1"), replace(make_outcome("row-2"), global_key="key-2"), make_outcome("row-3"))
    assert [(row.status, row.reason, row.content) for row in table.rows.values()][:2] == [
        ("rejected", FORGOTTEN, ())
    ] * 2
    assert table.rows["row-3"].status == "active"


def test_what_an_uploader_notes_later_is_kept_and_is_no_news() -> None:
    table = Table()
    table.look(make_outcome("row-1"))
    (change,) = table.look(replace(make_outcome("row-1"), metadata={"channel": "mail"}), at=hours(1))
    assert change.example.metadata == {"channel": "mail"}
    assert (change.is_news, change.is_told, change.is_new_version) == (False, False, False)


def test_nothing_that_was_noted_of_a_row_without_an_example_is_kept() -> None:
    table = Table(forgotten={"row-2"})
    noted = {"customer": "Jane"}
    table.look(
        replace(make_refusal("row-1"), metadata=noted),
        replace(make_outcome("row-2"), metadata=noted),
        replace(make_outcome("row-3", ""), metadata=noted),
    )
    assert [row.metadata for row in table.rows.values()] == [{}, {}, {}]


# Groups of the uploader's own, near-duplicates, strata.

LONG = " ".join(f"word{number}" for number in range(60))


def test_a_prompt_that_is_nearly_the_same_goes_where_the_other_is() -> None:
    for number in range(20):
        table = Table()
        prompt = f"{LONG} of customer {number} {number}"
        table.look(make_outcome("row-1", prompt=prompt))
        table.look(make_outcome("row-2", prompt=prompt + " please"), make_outcome("row-3", prompt="well " + prompt))
        assert len({(row.split, row.cluster) for row in table.rows.values()}) == 1
        assert len({row.group for row in table.rows.values()}) == 3


def test_near_duplicates_may_be_told_apart() -> None:
    policy = DatasetPolicy(near_duplicates=1)
    table = Table()
    table.look(*(make_outcome(f"row-{n}", prompt=f"{LONG} {n}") for n in range(40)), policy=policy)
    assert {row.split for row in table.rows.values()} == {"train", "validation", "held_out"}


def test_a_prompt_between_two_splits_belongs_to_neither() -> None:
    words = LONG.split()
    table = Table()
    beginning, end = " ".join([*words[:-5], *"abcde"]), " ".join([*"vwxyz", *words[5:]])
    table.look(make_outcome("row-1", prompt=beginning), policy=DatasetPolicy(held_out_percent=100))
    table.look(make_outcome("row-2", prompt=end), policy=DatasetPolicy(held_out_percent=0, validation_percent=0))
    assert {row.split for row in table.rows.values()} == {"held_out", "train"}
    table.look(make_outcome("row-3", prompt=LONG))
    assert (table.rows["row-3"].status, table.rows["row-3"].reason) == ("rejected", SPLIT_CONFLICT)


def test_rows_of_one_group_are_never_divided_whatever_their_prompts() -> None:
    policy = DatasetPolicy(group_by="metadata:customer")
    table = Table()
    rows = [
        replace(make_outcome(f"row-{n}", prompt=f"Chat {n}"), metadata={"customer": f"c{n % 12}"}) for n in range(120)
    ]
    table.look(*rows, policy=policy)
    by_customer = {
        customer: {table.rows[row.data_row_id].split for row in rows if row.metadata["customer"] == customer}
        for customer in {row.metadata["customer"] for row in rows}
    }
    assert all(len(splits) == 1 for splits in by_customer.values())
    assert len(set.union(*by_customer.values())) > 1


def test_a_prompt_that_two_groups_share_keeps_its_split() -> None:
    policy = DatasetPolicy(group_by="global_key:/")
    table = Table()
    rows = [replace(make_outcome(f"row-{n}", prompt="the same"), global_key=f"g{n}/1") for n in range(30)]
    table.look(*rows, policy=policy)
    assert len({row.split for row in table.rows.values()}) == 1


def test_rare_answers_are_in_every_split_in_proportion() -> None:
    table = Table()
    answers = ["spam"] * 20 + ["ham"] * 180
    rows = [
        replace(make_outcome(f"r{n}", answer, prompt=f"Chat {n}"), is_choice=True) for n, answer in enumerate(answers)
    ]
    table.look(*rows)
    for answer, number in (("spam", 20), ("ham", 180)):
        held_out = sum(row.split == "held_out" for row in table.rows.values() if row.content[-1].content == answer)
        assert abs(held_out - number * 0.2) <= 2


def test_a_prompt_that_was_never_compared_with_others_is_compared_when_it_appears_again() -> None:
    """Prompts of the first release have a split and no fingerprint."""
    key, near = group_key(LONG), LONG + " please"
    table = Table(places={key: Place(key, "held_out")})
    table.look(make_outcome("row-1", prompt=LONG))
    assert (table.rows["row-1"].split, table.places[key].cluster) == ("held_out", key[:16])
    table.look(make_outcome("row-2", prompt=near))
    assert (table.rows["row-2"].split, table.rows["row-2"].cluster) == ("held_out", key[:16])


def test_thousands_of_prompts_that_are_all_alike_are_planned_in_one_batch() -> None:
    table = Table()
    table.look(*(make_outcome(f"row-{number}", prompt=f"{LONG} {number}") for number in range(2000)))
    assert len({row.cluster for row in table.rows.values()}) == 1
