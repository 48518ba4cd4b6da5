"""Forgetting data rows: after the whole loop, nothing of their texts is left anywhere, and nothing comes back."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
import sqlalchemy as sa
from redis import Redis

from service.adapters.sql_engine import reading
from service.adapters.sql_tables import (
    answers,
    base_turns,
    dead_letters,
    decisions,
    evaluations,
    example_history,
    example_versions,
    examples,
    groups,
    job_events,
    judgements,
    run_history,
    runs,
    tombstones,
)
from service.adapters.sql_tallies import recount, tallied
from service.domain.deliveries import delivery_key
from service.domain.metric_specs import JudgeSpec
from service.domain.pipelines import VerdictPolicy
from service.domain.runs import RunState as S
from service.ports import JobEvent
from service.usecases.evaluate_base import BaseWanted, evaluate_base
from service.usecases.forget import Forgotten, forget
from service.usecases.survey import rows_of
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_delivery, make_outcome
from tests.support.erasing import ROWS, Installation, marker_of
from tests.support.workshop import SHORT_SLICES, leaking_answer

GARBLED = '{"dataRow": {"id": "%s"}, "label": "%s'


@pytest.fixture
def here(engine: sa.Engine, redis: Redis, tmp_path: Path) -> Installation:
    """Give an installation that has converted sixty labels."""
    made = Installation(engine, redis, tmp_path)
    for number in range(ROWS):
        made.label(number)
    made.desk.convert()
    return made


def train(here: Installation) -> str:
    """Bring a run to its verdict; its trainer quotes what it read."""
    taught = marker_of(here.row_in("train"))
    here.shop.trainer.reported = [
        JobEvent("event-1", 1, "warn", "message", f"odd line: Chat {taught}: please write to", {})
    ]
    return here.shop.go(here.shop.train()).run_id


def leave_traces(here: Installation, number: int) -> None:
    """Let a row's texts lie about wherever they can."""
    row_id, marker = f"row-{number:03}", marker_of(number)
    here.label(number, version="two")
    here.desk.convert()
    here.ring(number, project="of-nobody")
    here.desk.inbox.put_back(make_delivery((GARBLED % (row_id, marker)).encode()))
    here.desk.convert()
    with here.engine.begin() as connection:
        example = here.shop.examples.existing("summaries", [row_id])[row_id]
        decided = {
            "example_id": example.example_id,
            "content_hash": example.content_hash,
            "decision": "keep",
            "codes": "",
        }
        connection.execute(sa.insert(decisions).values(**decided, at=here.clock.now))
    left = here.folder / "exports" / f"export-{number}"
    left.mkdir(parents=True)
    (left / "rows.ndjson").write_text(json.dumps({"data_row": {"id": row_id, "row_data": marker}}))
    # Not converted yet.
    here.ring(number)


def test_after_the_whole_loop_nothing_of_a_forgotten_row_is_left_anywhere(here: Installation) -> None:
    run_id = train(here)
    numbers = [here.row_in("train"), here.row_in("held_out"), here.row_in("validation")]
    hashes = hashes_of(here, numbers)
    for number in numbers:
        leave_traces(here, number)
    markers = [marker_of(number) for number in numbers]
    before = {place.partition("/")[0] for place in here.traces(markers)}
    tables = (examples, example_versions, answers, dead_letters, job_events)
    assert before >= {table.name for table in tables} | {"exports", "files", "redis b'test:inbox'"}
    hashes |= hashes_of(here, numbers)
    assert here.traces(hashes)

    report = here.forget(*numbers, provider_files=True)

    assert report.left == []
    assert here.traces(markers) == []
    # The manifests alone, see ADR 0011.
    manifest = here.shop.files.location(here.shop.runs.get(run_id).snapshot_id or "")
    assert here.traces(hashes) == [str(Path(manifest).relative_to(here.folder))]
    uploaded = b"".join(here.shop.trainer.files.values())
    assert not any(marker.encode() in uploaded for marker in markers)


def hashes_of(here: Installation, numbers: list[int]) -> set[str]:
    """Give every hash that a guess at one of these texts could be compared with."""
    found = set()
    for pipeline in ("summaries", "second"):
        for example in here.shop.examples.existing(pipeline, [f"row-{number:03}" for number in numbers]).values():
            found |= {example.content_hash, example.prompt_key, example.group, example.cluster}
    return found


def test_what_uploaders_noted_is_forgotten_with_the_row(here: Installation) -> None:
    number, row = here.row_in("held_out"), here.desk.labelbox.rows_by_id
    assert here.desk.example(f"row-{number:03}").metadata["customer"] == f"{marker_of(number)} Limited"
    here.forget(number)
    assert here.desk.example(f"row-{number:03}").metadata == {}
    # Noted once more, and under another id: neither brings it back.
    row[f"row-{number:03}"].metadata = {"customer": f"{marker_of(number)} again"}
    row["row-new"] = row[f"row-{number:03}"]
    here.desk.labelbox.move("row-new", "DONE")
    here.desk.reconcile(whole=True)
    assert here.traces([marker_of(number)]) == []


def test_judgements_of_a_forgotten_question_go_and_those_of_others_stay(here: Installation) -> None:
    pipeline = here.shop.pipelines["summaries"]
    own = {"careful": JudgeSpec("box", "judge-1", "Which is better?")}
    verdict = VerdictPolicy("pii_leak", ("careful",))
    here.shop.pipelines["summaries"] = replace(pipeline, metrics=own, verdict=verdict)
    here.shop.trainer.voices["judge-1"] = lambda _: "tie"
    train(here)
    asked = count(here, judgements)
    assert here.forget(here.row_in("held_out")).left == []
    # Both orders.
    assert count(here, judgements) == asked - 2


def count(here: Installation, table: sa.Table) -> int:
    with here.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_others_keep_everything(here: Installation) -> None:
    train(here)
    number = here.row_in("train")
    others = [f"row-{other:03}" for other in range(ROWS) if other != number]
    before = here.shop.examples.existing("summaries", others)
    leave_traces(here, number)
    here.forget(number)
    assert here.shop.examples.existing("summaries", others) == before
    with here.engine.connect() as connection:
        left = connection.scalar(sa.select(sa.func.count()).select_from(groups).where(groups.c.pipeline == "summaries"))
        versions = sa.select(sa.func.count()).select_from(example_versions).where(example_versions.c.content != "")
        assert (left, connection.scalar(versions)) == (ROWS - 1, 2 * (ROWS - 1))


@pytest.mark.parametrize("how", ["webhook", "reconcile", "re-upload", "edit"])
def test_a_forgotten_row_does_not_come_back(here: Installation, how: str) -> None:
    number = here.row_in("train")
    here.forget(number)
    if how == "re-upload":
        row = here.desk.labelbox.rows_by_id.pop(f"row-{number:03}")
        here.desk.labelbox.rows_by_id["row-new"] = row
        here.desk.labelbox.move("row-new", "DONE")
        here.desk.ring("row-new", label_id=f"label-row-{number:03}")
    elif how == "edit":
        here.label(number, version="three")
    elif how == "webhook":
        here.ring(number)
    if how == "reconcile":
        here.desk.reconcile(whole=True)
    else:
        assert here.desk.convert().waiting == 0
    assert here.desk.inbox.depth() == 0
    here.desk.inbox.compact()
    assert here.traces([marker_of(number)]) == []
    row_id = "row-new" if how == "re-upload" else f"row-{number:03}"
    for pipeline in ("summaries", "second"):
        found = here.desk.example(row_id, pipeline)
        assert (found.status, found.reason) == ("rejected" if how == "re-upload" else "withdrawn", "forgotten")


def test_a_delivery_that_cannot_be_converted_later_leaves_no_text_in_its_dead_letter(here: Installation) -> None:
    number = here.row_in("train")
    here.forget(number)
    here.ring(number, project="of-nobody")
    here.desk.inbox.put_back(make_delivery((GARBLED % (f"row-{number:03}", marker_of(number))).encode()))
    here.desk.convert()
    here.desk.inbox.compact()
    assert sorted(here.desk.errors()) == ["UnknownProject", "UnreadableDelivery"]
    assert here.traces([marker_of(number)]) == []


def test_what_rang_for_other_rows_as_well_still_rings(here: Installation) -> None:
    number, other = here.row_in("train"), here.row_in("held_out")
    rows = [{"id": f"row-{each:03}", "rowData": marker_of(each)} for each in (number, other)]
    for project in ("of-nobody", "project-1"):
        body = json.dumps({"projectId": project, "dataRows": rows}).encode()
        here.desk.inbox.put_back(make_delivery(body, "WORKFLOW_ACTION"))
        if project == "of-nobody":
            here.desk.convert()
    here.forget(number)
    (letter,) = here.shop.letters.open(9)
    delivery = here.shop.letters.take(letter["letter_id"])
    assert delivery is not None
    assert marker_of(number) not in delivery.body.decode()
    assert [
        json.loads(delivery.body)["dataRow"]["id"],
        *(row["id"] for row in json.loads(delivery.body)["dataRows"]),
    ] == [row["id"] for row in rows]
    assert here.desk.convert().settled == 1


def test_what_was_uploaded_under_the_same_key_is_forgotten_with_it(here: Installation) -> None:
    number = here.row_in("train")
    row = here.desk.labelbox.rows_by_id.pop(f"row-{number:03}")
    here.desk.labelbox.rows_by_id["row-again"] = row
    here.desk.labelbox.move("row-again", "DONE")
    here.desk.ring("row-again", label_id=f"label-row-{number:03}")
    here.desk.convert()
    assert here.desk.example("row-again").content
    rows = rows_of([f"row-{number:03}"], here.stories, in_advance=False)
    assert rows == [f"row-{number:03}", "row-again"]
    forget(rows, here.erasing, by="jane")
    assert here.traces([marker_of(number)]) == []


def test_answers_go_although_the_manifest_that_would_lead_to_them_is_lost(here: Installation) -> None:
    run_id = train(here)
    number = here.row_in("held_out")
    snapshot_id = here.shop.runs.get(run_id).snapshot_id or ""
    Path(here.shop.files.location(snapshot_id)).unlink()
    report = here.forget(number)
    assert [left.what for left in report.left] == ["snapshot lines"]
    assert report.done["answers"] == 2
    places = here.traces([marker_of(number)])
    # The file that nobody can take it out of.
    assert [place.partition("/")[0] for place in places] == ["files"]


def test_a_prompt_without_an_answer_is_forgotten_too(here: Installation) -> None:
    outcome = replace(make_outcome("row-p", prompt="Why is marker999qx late?", at=here.clock.now), label_id="label-p")
    said = replace(outcome, content=(outcome.content or ())[:1])
    pipeline = here.shop.pipelines["summaries"]
    write_outcomes(here.shop.examples, pipeline, [said], appraisers=appraisers, gone=(), observed_at=here.clock.now)
    assert here.traces(["marker999qx"])
    forget(["row-p"], here.erasing, by="jane")
    assert here.traces(["marker999qx"]) == []


def test_counts_history_and_tombstone_say_what_was_done(here: Installation) -> None:
    number = here.row_in("train")
    here.forget(number)
    here.forget(number)
    with here.engine.begin() as connection:
        kept = tallied(connection, "summaries")
        recount(connection, "summaries")
        assert tallied(connection, "summaries") == kept
        assert kept["withdrawn", "train", "forgotten"].examples == 1
        (stone,) = connection.execute(sa.select(tombstones)).all()
        assert (stone.data_row_id, stone.global_key, stone.asked_by) == (f"row-{number:03}", f"key-{number:03}", "jane")
        example_id = here.desk.example(f"row-{number:03}").example_id
        told = sa.select(example_history.c.status, example_history.c.reason, example_history.c.version)
        mine = told.where(example_history.c.example_id == example_id).order_by(example_history.c.position)
        assert [tuple(row) for row in connection.execute(mine)] == [("active", None, 1), ("withdrawn", "forgotten", 1)]


def test_the_report_says_who_saw_it_and_who_asks_the_same(here: Installation) -> None:
    number = here.row_in("train")
    twin = here.desk.labelbox.rows_by_id[f"row-{number:03}"]
    here.desk.labelbox.add("row-twin", twin.prompt.upper())
    here.desk.labelbox.label("row-twin", "Another answer.")
    here.desk.ring("row-twin")
    here.desk.convert()
    run = here.shop.runs.get(train(here))
    report = here.forget(number)
    (seen,) = report.survey.runs
    assert (seen.run.run_id, seen.splits, seen.provider_files) == (run.run_id, ("train",), [run.fact("training_file")])
    assert {(kin.pipeline, kin.data_row_id, kin.is_same) for kin in report.survey.kin} == {
        ("summaries", "row-twin", True),
        ("second", "row-twin", True),
    }
    assert report.survey.labels == [f"label-row-{number:03}"]
    # The twin still needs the prompt's group.
    assert here.desk.example("row-twin").status == "active"
    with reading(here.engine) as connection:
        key = here.desk.example("row-twin").prompt_key
        assert len(connection.execute(sa.select(groups).where(groups.c.group_key == key)).all()) == 2


def test_files_at_the_trainer_go_only_when_nobody_needs_them(here: Installation) -> None:
    number = here.row_in("train")
    run_id = here.shop.start()
    here.shop.go(run_id, S.SUBMITTED)
    report = here.forget(number, provider_files=True)
    (left,) = report.left
    assert run_id in left.error
    assert "runs cancel" in left.remedy
    assert any(marker_of(number).encode() in content for content in here.shop.trainer.files.values())
    here.shop.finish_job()
    here.shop.go(run_id)
    assert here.forget(number, provider_files=True).left == []
    assert not any(marker_of(number).encode() in content for content in here.shop.trainer.files.values())


def test_a_trainer_that_is_gone_is_reported(here: Installation) -> None:
    train(here)
    here.shop.accounts.clear()
    (left,) = here.forget(here.row_in("train"), provider_files=True).left
    assert "box" in left.what
    assert "configured" in left.error


@pytest.mark.parametrize("state", [S.SNAPSHOTTED, S.UPLOADED, S.EVALUATING])
def test_a_run_that_is_open_goes_on_without_what_was_forgotten(here: Installation, state: S) -> None:
    number, asked = here.row_in("train"), here.row_in("held_out")
    run_id = here.shop.start()
    here.shop.go(run_id, S.SUBMITTED if state is S.EVALUATING else state)
    if state is S.EVALUATING:
        here.shop.finish_job()
        here.shop.go(run_id, S.EVALUATING)
    here.forget(number, asked)
    here.shop.trainer.asked.clear()
    run = here.shop.go(run_id, S.SUBMITTED)
    if state is not S.EVALUATING:
        here.shop.finish_job()
        run = here.shop.go(run_id)
    assert run.state == S.PROMOTED
    assert not any(marker_of(asked) in prompt for _, prompt in here.shop.trainer.asked)
    uploaded = here.shop.trainer.files[run.fact("training_file")]
    assert (marker_of(number).encode() in uploaded) == (state is not S.SNAPSHOTTED)
    here.desk.inbox.compact()
    assert here.traces([marker_of(number), marker_of(asked)]) == []


def test_a_worker_that_does_not_end_its_step_is_waited_for_and_named(here: Installation) -> None:
    run_id = here.shop.start()
    far = here.clock.now.replace(year=here.clock.now.year + 1)
    assert here.shop.runs.lease(run_id, until=far, now=here.clock.now)
    (left,) = here.forget(here.row_in("train")).left
    assert run_id in left.error


# An untuned model that is being measured: no run, and still at work.


def test_who_forgets_waits_until_an_untuned_model_is_measured(here: Installation) -> None:
    number = here.row_in("held_out")
    is_waiting, is_measured, found = Event(), Event(), list[Forgotten]()

    def wait(seconds: float) -> None:
        is_waiting.set()
        assert is_measured.wait(60)
        here.clock.forward(seconds)

    def go() -> None:
        found.append(forget([f"row-{number:03}"], replace(here.erasing, wait=wait), by="jane"))

    forgetting = Thread(target=go)

    def voice(prompt: str) -> str:
        if not forgetting.ident:
            forgetting.start()
            assert is_waiting.wait(60)
        return leaking_answer(prompt)

    here.shop.trainer.voices["base-model"] = voice
    evaluate_base(BaseWanted("summaries"), here.shop.parts, wait=here.clock.forward, tell=len)
    is_measured.set()
    forgetting.join()
    assert [report.left for report in found] == [[]]
    (stored,) = here.shop.evaluations.base_evaluations("summaries")
    assert stored.facts["questions"].count("") == 1
    here.desk.inbox.compact()
    assert here.traces([marker_of(number)]) == []


def test_an_answer_that_came_after_all_is_found_by_the_next_call(here: Installation) -> None:
    number = here.row_in("held_out")
    left = []

    def wait(seconds: float) -> None:
        # It lives, and its answer does not come.
        with here.engine.begin() as connection:
            connection.execute(sa.update(base_turns).values(leased_until=here.clock.forward(seconds + 60)))

    def voice(prompt: str) -> str:
        if not left:
            left.extend(forget([f"row-{number:03}"], replace(here.erasing, wait=wait), by="jane").left)
        return leaking_answer(prompt)

    here.shop.trainer.voices["base-model"] = voice
    evaluate_base(BaseWanted("summaries"), here.shop.parts, wait=here.clock.forward, tell=len)
    assert "somebody is still at work for evaluation eval-" in left[0].error
    assert here.forget(number).left == []
    here.desk.inbox.compact()
    assert here.traces([marker_of(number)]) == []


def test_an_untuned_model_is_not_asked_what_was_forgotten_since_its_last_turn(here: Installation) -> None:
    here.shop.timing = SHORT_SLICES
    forgotten = []

    def voice(prompt: str) -> str:
        here.clock.forward(1)
        return leaking_answer(prompt)

    def tell(_told: str) -> None:
        found = here.shop.examples.existing("summaries", [f"row-{number:03}" for number in range(ROWS)])
        asked = " ".join(prompt for _, prompt in here.shop.trainer.asked)
        held_out = (number for number in range(ROWS) if found[f"row-{number:03}"].split == "held_out")
        if not forgotten:
            forgotten.append(next(number for number in held_out if marker_of(number) not in asked))
            assert here.forget(*forgotten).left == []

    here.shop.trainer.voices["base-model"] = voice
    measured = evaluate_base(BaseWanted("summaries"), here.shop.parts, wait=here.clock.forward, tell=tell)
    asked = {prompt for _, prompt in here.shop.trainer.asked}
    assert len(asked) == measured.facts["held_out"] > 0
    assert not any(marker_of(forgotten[0]) in prompt for prompt in asked)
    here.desk.inbox.compact()
    assert here.traces([marker_of(forgotten[0])]) == []


def test_evaluations_keep_their_scores_and_lose_the_question(here: Installation) -> None:
    run_id = train(here)
    number = here.row_in("held_out")
    before = here.shop.evaluations.evaluation(run_id)
    here.forget(number)
    after = here.shop.evaluations.evaluation(run_id)
    assert before is not None
    assert after is not None
    assert after["questions"].count("") == 1
    assert {**after, "questions": before["questions"]} == before


def test_what_the_trainer_quoted_is_blotted_out_and_nothing_else(here: Installation) -> None:
    run_id = train(here)
    number = here.row_in("train")
    text = f"The customer of {marker_of(number)} asks, version one."
    with here.engine.begin() as connection:
        connection.execute(
            sa.update(run_history).where(run_history.c.after == "submitted").values(cause=f"job: {text}")
        )
        facts = {**(here.shop.runs.get(run_id).facts or {}), "error": [f"refused {text}", "an error"]}
        connection.execute(sa.update(runs).values(facts=facts))
    assert here.forget(number).done["quotes"] == 3
    assert here.shop.runs.get(run_id).fact("error") == ["(forgotten)", "an error"]
    assert [row["cause"] for row in here.shop.runs.history(run_id)].count("(forgotten)") == 1


def test_the_key_of_a_delivery_is_no_longer_a_hash_of_what_it_said(here: Installation) -> None:
    number = here.row_in("train")
    here.ring(number)
    here.forget(number)
    (item,) = here.desk.inbox.take(9)
    assert item.delivery.key == delivery_key(item.delivery.topic, item.delivery.body)
    keys = {row["delivery_key"] for row in here.stories.deliveries(f"row-{number:03}")}
    assert keys == {""}


def test_redis_that_is_away_is_reported_and_the_rest_is_erased(here: Installation) -> None:
    number = here.row_in("train")
    here.desk.inbox = RedisGone()  # type: ignore[assignment]
    report = here.forget(number)
    assert [left.what for left in report.left] == ["deliveries", "redis"]
    assert here.desk.example(f"row-{number:03}").content == ()


class RedisGone:
    def __getattr__(self, name: str) -> object:
        from service.domain.errors import InboxUnavailable

        raise InboxUnavailable(name)


def test_evaluations_table_is_searched_too(here: Installation) -> None:
    """The search itself: what is put into any table is found."""
    with here.engine.begin() as connection:
        row = {"run_id": "r", "pipeline": "p", "outcome": "o", "facts": {"a": ["Needle"]}, "at": here.clock.now}
        connection.execute(sa.insert(evaluations).values(row))
    assert "evaluations" in here.traces(["needle"])
