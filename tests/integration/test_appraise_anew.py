"""What a snapshot takes was checked by what is configured when it is frozen."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain.pipelines import ChecksPolicy, DatasetPolicy
from service.domain.runs import RunState
from service.usecases.appraise_anew import appraise_anew
from service.usecases.steps.parts import Timing
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.workshop import Workshop

LENIENT = ChecksPolicy(actions={"personal_email": "note"})


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    """A pipeline whose checks only noted addresses when its examples were written."""
    shop = Workshop(sqlite_engine, tmp_path, pipelines={"summaries": make_pipeline(checks=LENIENT)})
    shop.fill()
    shop.fill(60, 64, answer=lambda prompt: f"Write to {prompt.split()[5]}.")
    return shop


def configure(shop: Workshop, **fields: object) -> None:
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], **fields)  # type: ignore[arg-type]


def test_a_run_holds_back_what_the_checks_of_today_hold_back(shop: Workshop) -> None:
    assert shop.examples.counts("summaries").held == 0
    configure(shop, checks=ChecksPolicy())
    run = shop.go(shop.start(), RunState.SNAPSHOTTED)
    snapshot = shop.snapshots.get(run.snapshot_id or "")
    assert sum(entry.examples or 0 for entry in snapshot.files.values()) == 60
    assert snapshot.head["reasons"]["personal_email"] == 4
    assert shop.examples.counts("summaries").held == 4


def test_what_was_held_back_is_taken_again_by_softer_checks(shop: Workshop) -> None:
    configure(shop, checks=ChecksPolicy())
    shop.go(shop.start(), RunState.SNAPSHOTTED)
    configure(shop, checks=LENIENT)
    appraise_anew(
        shop.pipelines["summaries"], examples=shop.examples, appraisers=appraisers, after="", may_go_on=lambda: True
    )
    counts = shop.examples.counts("summaries")
    assert (counts.held, counts.train + counts.validation + counts.held_out) == (0, 64)


def test_appraising_is_done_a_while_at_a_time_and_goes_on_where_it_was(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = Workshop(sqlite_engine, tmp_path, timing=Timing(slice=timedelta(0)))
    shop.fill(0, 1200)
    configure(shop, dataset=DatasetPolicy(max_tokens=30_000))
    run_id, seen = shop.start(), []
    while shop.runs.get(run_id).state is RunState.CLAIMED:
        shop.advance(run_id)
        seen.append(shop.runs.get(run_id).fact("checked_to"))
    assert len(set(seen)) == 3
    marks = {row.appraised for row in shop.examples.existing("summaries", [f"row-{n}" for n in range(1200)]).values()}
    assert marks == {appraisers(shop.pipelines["summaries"]).made_with + ":-"}


def test_what_a_converter_wrote_meanwhile_is_left_alone(shop: Workshop) -> None:
    configure(shop, checks=ChecksPolicy())
    pipeline, at = shop.pipelines["summaries"], shop.clock.forward(60)
    real = shop.examples.to_appraise

    def and_then_somebody_edits(*arguments: object, **options: object) -> object:
        found = real(*arguments, **options)  # type: ignore[arg-type]
        edited = make_outcome("row-60", "no address any more", prompt="another", at=at)
        write_outcomes(shop.examples, pipeline, [edited], appraisers=appraisers, gone=(), observed_at=at)
        return found

    shop.examples.to_appraise = and_then_somebody_edits  # type: ignore[method-assign, assignment]
    appraise_anew(pipeline, examples=shop.examples, appraisers=appraisers, after="", may_go_on=lambda: False)
    found = shop.examples.existing("summaries", ["row-60", "row-61"])
    assert (found["row-60"].content[-1].content, found["row-60"].status) == ("no address any more", "active")
    assert found["row-61"].status == "held"


def test_groups_of_the_uploader_are_kept(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    by_customer = DatasetPolicy(group_by="metadata:customer")
    shop = Workshop(sqlite_engine, tmp_path, pipelines={"summaries": make_pipeline(dataset=by_customer)})
    at = shop.clock.forward(1)
    outcomes = [
        replace(make_outcome(f"row-{n}", at=at), metadata={"customer": "one"}, is_choice=True) for n in range(20)
    ]
    write_outcomes(shop.examples, shop.pipelines["summaries"], outcomes, appraisers=appraisers, gone=(), observed_at=at)
    before = shop.examples.existing("summaries", ["row-1"])["row-1"]
    configure(shop, dataset=replace(by_customer, max_tokens=30_000))
    appraise_anew(
        shop.pipelines["summaries"], examples=shop.examples, appraisers=appraisers, after="", may_go_on=lambda: True
    )
    after = shop.examples.existing("summaries", ["row-1"])["row-1"]
    assert (after.group, after.split, after.observed_at) == (before.group, before.split, before.observed_at)
    assert after.appraised != before.appraised
    assert after.appraised.endswith(":choice-")
