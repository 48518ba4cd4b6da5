"""A label's whole story, told from the real stores."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_exports import SqlExportStore
from service.adapters.sql_stories import SqlStoryStore
from service.cli.cmd_explain import lines_of_story
from service.domain.contents import Turn
from service.domain.errors import NotFound
from service.domain.labels import RowOutcome
from service.domain.reasons import CHOICES, REASONS
from service.usecases.explain import explain
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_refusal
from tests.support.workshop import Workshop

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(engine: sa.Engine, tmp_path: Path) -> Workshop:
    return Workshop(engine, tmp_path)


def story(shop: Workshop, name: str) -> dict[str, object]:
    (found,) = explain(
        name,
        stories=SqlStoryStore(shop.engine),
        snapshots=shop.snapshots,
        evaluations=shop.evaluations,
        files=shop.files,
    )
    return found


def write(shop: Workshop, *outcomes: RowOutcome) -> None:
    write_outcomes(
        shop.examples,
        shop.pipelines["summaries"],
        outcomes,
        appraisers=appraisers,
        gone=(),
        observed_at=shop.clock.now,
        audit=audit(shop),
    )


def audit(shop: Workshop) -> list[dict[str, object]]:
    at = shop.clock.now
    return [
        {
            "entry_id": f"{at.timestamp()}",
            "delivery_key": "k",
            "topic": "LABEL_CREATED",
            "project_id": "project-1",
            "data_row_id": "row-1",
            "label_id": "label-row-1",
            "outcome": "converted",
            "received_at": at - timedelta(seconds=2),
            "converted_at": at,
        }
    ]


def test_a_label_leads_to_its_deliveries_its_example_its_snapshot_its_job_and_its_model(shop: Workshop) -> None:
    shop.fill()
    write(shop)
    run = shop.go(shop.train())
    told = story(shop, "label-row-1")
    assert told["data_row_id"] == "row-1"
    (standing,) = told["pipelines"]  # type: ignore[misc]
    assert (standing["status"], standing["choice"], standing["version"]) == ("active", "only", 1)
    (line,) = standing["snapshots"]
    assert (line["snapshot_id"], line["version"], line["split"]) == (run.snapshot_id, 1, standing["split"])
    (trained,) = standing["runs"]
    assert (trained["run_id"], trained["job_id"], trained["tuned_model"]) == (run.run_id, run.job_id, run.tuned_model)
    assert trained["is_champion"]
    assert [item["topic"] for item in told["deliveries"]] == ["LABEL_CREATED"]  # type: ignore[union-attr]


def test_every_name_of_a_row_leads_to_the_same_story(shop: Workshop) -> None:
    outcome = make_outcome("row-1", at=shop.clock.now)
    write(shop, RowOutcome(outcome.data_row_id, "key-1", outcome.activity_at, ("label-row-1", "label-2"),
                           label_id="label-row-1", choice="selected", content=outcome.content))  # fmt: skip
    example_id = shop.examples.existing("summaries", ["row-1"])["row-1"].example_id
    stories = [story(shop, name) for name in ("row-1", "key-1", "label-row-1", "label-2", example_id)]
    assert all(told == stories[0] for told in stories)
    assert stories[0]["label_ids"] == ["label-2", "label-row-1"]


def test_a_label_that_only_a_delivery_named_leads_to_its_row(shop: Workshop) -> None:
    write(shop, make_refusal("row-1", "not_labelled", at=shop.clock.now))
    assert story(shop, "label-row-1")["data_row_id"] == "row-1"


def test_touches_without_a_change_are_no_part_of_the_story(shop: Workshop) -> None:
    for _ in range(5):
        write(shop, make_outcome("row-1", at=shop.clock.forward(1)))
    (standing,) = story(shop, "row-1")["pipelines"]  # type: ignore[misc]
    assert len(standing["history"]) == 1


def test_what_became_of_a_row_is_told_in_order_with_its_reasons(shop: Workshop) -> None:
    write(shop, make_outcome("row-1", "one", at=shop.clock.now))
    write(shop, make_refusal("row-1", "not_done", at=shop.clock.forward(1)))
    write(shop, make_outcome("row-1", "two", at=shop.clock.forward(1)))
    (standing,) = story(shop, "label-row-1")["pipelines"]  # type: ignore[misc]
    told = [(item["status"], item["reason"], item["version"]) for item in standing["history"]]
    assert told == [("active", None, 1), ("withdrawn", "not_done", 1), ("active", None, 2)]


def test_a_change_names_the_export_that_showed_it(shop: Workshop) -> None:
    at = shop.clock.now
    store = SqlExportStore(shop.engine)
    export = store.turn("project-1", "rows", lambda _: {}, create=True, at_once=4, now=at, until=at)
    assert export is not None
    store.write(replace(export, task_id="task-1", asked_at=at), now=at)
    write(shop, make_outcome("row-1", at=at))
    told = "\n".join(lines_of_story(story(shop, "row-1"), with_text=False))
    assert "(rows, Labelbox task task-1)" in told


def test_a_row_that_never_gave_an_example_says_why(shop: Workshop) -> None:
    write(shop, make_refusal("row-1", "skipped", at=shop.clock.now))
    told = "\n".join(lines_of_story(story(shop, "row-1"), with_text=False))
    assert "rejected, because skipped: every label on the row was skipped" in told


def test_the_story_shows_texts_only_where_they_are_asked_for(shop: Workshop) -> None:
    write(shop, make_outcome("row-1", "a secret summary", at=shop.clock.now))
    told = story(shop, "row-1")
    assert "a secret summary" not in "\n".join(lines_of_story(told, with_text=False))
    assert "a secret summary" in "\n".join(lines_of_story(told, with_text=True))


def test_an_unknown_name_is_an_error_with_its_remedy(shop: Workshop) -> None:
    with pytest.raises(NotFound) as raised:
        story(shop, "nobody")
    assert "sync" in raised.value.remedy


def test_a_prompt_without_an_answer_is_kept_and_no_snapshot_holds_it(shop: Workshop) -> None:
    shop.fill()
    prompt = RowOutcome("row-p", None, shop.clock.now, ("l-p",), label_id="l-p", content=(Turn("user", "Why?"),))
    write(shop, prompt)
    shop.go(shop.train())
    (standing,) = story(shop, "l-p")["pipelines"]  # type: ignore[misc]
    assert (standing["status"], standing["split"], standing["snapshots"]) == ("prompt", None, [])
    assert shop.examples.counts("summaries").prompts == 1
    assert [turn.content for _, _, turn in shop.examples.prompts("summaries")] == ["Why?"]


def test_every_reason_that_the_code_gives_is_explained_in_words_and_in_the_documentation() -> None:
    given = set()
    code = re.compile(r'NoExample\("(\w+)"\)|return "(\w+)"|reason="(\w+)"|^[A-Z_]+ = "(\w+)"$', re.MULTILINE)
    for name in ("labels", "label_choice", "row_contents", "chat_trees", "examples"):
        text = (ROOT / "service/domain" / f"{name}.py").read_text(encoding="utf-8")
        given |= set(code.findall(text))
    codes = {code for found in given for code in found if code}
    assert codes - {"no", "user", "active", "rejected"} <= REASONS.keys()
    page = (ROOT / "docs/labels.md").read_text(encoding="utf-8")
    assert [reason for reason in REASONS if f"`{reason}`" not in page] == []
    assert set(CHOICES) == {"only", "selected", "highest_score", "newest"}
