"""The first step of a run: what gets into its snapshot, and what is said of what does not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from service.adapters.sql_tables import examples
from service.domain.contents import Turn
from service.domain.pipelines import DatasetPolicy, TrainPolicy
from service.domain.runs import Run
from service.domain.runs import RunState as S
from service.domain.splits import Split
from service.usecases.advance_run import advance_run
from service.usecases.redact_snapshot import redact_snapshot
from service.usecases.start_run import start_if_due
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.workshop import Workshop, good_answer, prompt_of
from workers.jobs import tell_snapshot


@pytest.fixture
def shop(engine: sa.Engine, tmp_path: Path) -> Workshop:
    shop = Workshop(engine, tmp_path)
    shop.fill()
    return shop


def frozen(shop: Workshop) -> Run:
    return shop.go(shop.start(), S.SNAPSHOTTED)


def texts_in(shop: Workshop, run: Run, split: str) -> list[str]:
    with shop.files.open(shop.snapshots.get(str(run.snapshot_id)).files[split].sha256) as lines:  # type: ignore[index]
        return [json.loads(line)["messages"][0]["content"] for line in lines]


def test_what_the_database_moves_out_of_the_held_out_set_is_still_not_trained_on(shop: Workshop) -> None:
    # A twin of a held-out row, which some fault gave another split.
    with shop.engine.begin() as connection:
        held = connection.execute(sa.select(examples).where(examples.c.split == "held_out").limit(1)).mappings().one()
        twin = {"data_row_id": "twin", "example_id": "ex-twin", "split": "train", "group_key": "of its own"}
        connection.execute(sa.insert(examples).values({**held, **twin}))
    run = frozen(shop)
    assert run.fact("reasons") == {"held_out_leak": 1}
    assert "left out or noted: 1 held_out_leak" in shop.runs.history(run.run_id)[-1]["cause"]
    held_out = texts_in(shop, run, "held_out")
    assert held_out
    for split in ("train", "validation"):
        assert set(held_out).isdisjoint(texts_in(shop, run, split))


def test_a_leak_is_logged_as_a_warning_without_its_text(shop: Workshop) -> None:
    run = frozen(shop)
    with capture_logs() as logs:
        tell_snapshot(run)
        tell_snapshot(replace(run, facts={"reasons": {"held_out_leak": 2, "exact_duplicate": 1}}))
    facts = {"snapshot": run.snapshot_id, "held_out_leak": 2, "exact_duplicate": 1}
    # Other tests may have switched the lower levels off.
    assert [log for log in logs if log["log_level"] == "warning"] == [
        {"event": "snapshot_built", "log_level": "warning", **facts}
    ]


def test_a_freeze_that_takes_longer_than_its_lease_keeps_its_run(shop: Workshop) -> None:
    shop.fill(60, 300)
    run_id = shop.start()
    looks: list[Run | None] = []

    def count_slowly(text: str, _model: str) -> int:
        shop.clock.forward(0.25)
        if shop.clock.now - begin > 1.5 * shop.timing.lease and not looks:
            # Another worker comes by.
            looks.append(advance_run(run_id, shop.parts))
        return len(text)

    begin = shop.clock.now
    # Known by another encoding only, so that all tokens are counted anew.
    slow = replace(shop.archive, count_tokens=count_slowly, encoding_of=lambda _model: "letters")
    run = advance_run(run_id, replace(shop.parts, archive=slow))
    assert looks == [None]
    assert run is not None
    assert run.state == S.SNAPSHOTTED
    assert shop.clock.now - begin > 2 * shop.timing.lease


# Minimums: what counts is what was written.

TWINS = 3


def add_twins(shop: Workshop, split: Split) -> None:
    """Have a row of this split labelled three times more, word for word."""
    with shop.engine.connect() as connection:
        wanted = sa.select(examples.c.data_row_id).where(examples.c.split == split).limit(1)
        prompt = prompt_of(int(connection.execute(wanted).scalar_one().removeprefix("row-")))
    at = shop.clock.forward(1)
    twins = [make_outcome(f"twin-{number}", good_answer(prompt), prompt=prompt, at=at) for number in range(TWINS)]
    write_outcomes(shop.examples, shop.pipelines["summaries"], twins, appraisers=appraisers, gone=(), observed_at=at)


def require(shop: Workshop, split: Split, number: int) -> None:
    policy = DatasetPolicy(**{f"min_{split}": number})
    shop.pipelines["summaries"] = make_pipeline(dataset=policy)


@pytest.mark.parametrize(
    ("split", "word"), [("train", "training"), ("validation", "validation"), ("held_out", "held-out")]
)
def test_a_run_whose_files_are_below_a_minimum_ends_before_anything_is_sent(
    shop: Workshop, split: Split, word: str
) -> None:
    add_twins(shop, split)
    counted = getattr(shop.examples.counts("summaries"), split)
    require(shop, split, counted)
    run = shop.go(shop.start())
    assert run.state == S.FAILED
    assert f"{counted - TWINS} of {counted} {word} examples; left out or noted: 3 exact_duplicate" in run.fact("error")
    assert f"min_{split}" in run.fact("remedy")
    assert shop.letter_errors() == {f"run {run.run_id}": "TooFewExamples"}
    assert (run.snapshot_id, shop.snapshots.recent(None, None)) == (None, [])
    assert (shop.trainer.files, shop.trainer.jobs) == ({}, {})
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) == 0
    # One example less is enough.
    require(shop, split, counted - TWINS)
    assert frozen(shop).state == S.SNAPSHOTTED


def test_examples_that_give_no_line_of_the_run_s_form_do_not_count(shop: Workshop) -> None:
    shop.pipelines["summaries"] = make_pipeline(train=TrainPolicy("box", "base-model", method="preference"))
    run = shop.go(shop.start())
    assert run.state == S.FAILED
    assert "0 of 10 training examples; left out or noted" in run.fact("error")
    assert "no_line" in run.fact("error")


def test_a_run_that_failed_for_too_few_examples_is_not_started_again_on_the_same_ones(shop: Workshop) -> None:
    add_twins(shop, "train")
    require(shop, "train", shop.examples.counts("summaries").train)

    def look() -> Run | None:
        shop.clock.forward(shop.pipelines["summaries"].trigger.cooldown.total_seconds() + 1)
        return start_if_due(shop.pipelines["summaries"], shop, clock=shop.clock)[1]

    first = look()
    assert first is not None
    assert shop.go(first.run_id).state == S.FAILED
    assert look() is None
    threshold = shop.pipelines["summaries"].trigger.threshold
    shop.fill(60, 60 + threshold - 1)
    assert look() is None
    shop.fill(60 + threshold, 61 + threshold)
    again = look()
    assert again is not None
    assert shop.go(again.run_id, S.SNAPSHOTTED).state == S.SNAPSHOTTED


def test_what_is_taken_out_of_a_snapshot_takes_its_tokens_along(shop: Workshop) -> None:
    pipeline = make_pipeline(system="Be kind.", train=TrainPolicy("box", "base-model", method="preference"))
    shop.pipelines["summaries"] = pipeline
    at = shop.clock.forward(1)
    answer = Turn("assistant", "A late parcel.", rejected=("No idea.", "Ask somebody else.", "No."))
    ranked = [
        replace(make_outcome(f"row-{number}", at=at), content=(Turn("user", prompt_of(number)), answer))
        for number in range(60)
    ]
    write_outcomes(shop.examples, pipeline, ranked, appraisers=appraisers, gone=(), observed_at=at)
    snapshot = shop.snapshots.get(str(frozen(shop).snapshot_id))
    assert min(entry.tokens for entry in snapshot.files.values()) > 0
    left = {line.example_id for line in shop.snapshots.lines(snapshot.snapshot_id)}
    redact_snapshot(snapshot.snapshot_id, left, shop.archive, now=shop.clock.now)
    files = shop.snapshots.get(snapshot.snapshot_id).files
    assert {split: (entry.lines, entry.tokens) for split, entry in files.items()} == dict.fromkeys(files, (0, 0))
