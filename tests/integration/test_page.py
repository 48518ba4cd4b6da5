"""What the page shows: every reason, what needs a person, runs and snapshots; and that nothing odd runs in it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.adapters.sql_tables import example_versions, runs, snapshots
from service.bootstrap import now
from service.cli.valkey import free_port
from service.config import TrainerSettings
from service.domain.errors import TrainedAlready
from service.domain.pipelines import TriggerPolicy
from service.domain.reigns import Grounds
from service.domain.runs import RETRAINING, Run, RunState, Step
from service.domain.triggers import BY_HAND
from service.ports import RemoteModel
from service.usecases.start_run import start_by_hand
from service.usecases.take_stock import take_stock
from service.web.app import create_app
from service.web.pages import lists
from tests.support.builders import make_pipeline, make_run
from tests.support.page_stage import ESCAPED, ODD, STEPS, Scene, page_scene, page_settings
from tests.support.serving import serving
from tests.support.web_stage import Stage, make_settings, staged

VOID = {"meta", "link", "input", "br", "line", "path", "circle"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, valkey_url: str, sqlite_template: Path) -> Iterator[Scene]:
    with page_scene(tmp_path_factory.mktemp("page"), valkey_url, sqlite_template) as made:
        yield made


def markup(stage: Stage, path: str, status: int = 200) -> str:
    reply = stage.get(path)
    assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")
    return reply.body.decode()


def text(stage: Stage, path: str, status: int = 200) -> str:
    """Give what a reader reads, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup(stage, path, status))).split())


class Outline(HTMLParser):
    """What a screen reader goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(markup: str) -> Outline:
    parser = Outline()
    parser.feed(markup)
    return parser


def pages(scene: Scene) -> list[str]:
    snapshot = scene.stage.deps.runs.get(scene.promoted).snapshot_id
    run_pages = [f"/runs/{name}" for name in (scene.promoted, scene.failed, scene.waiting, scene.doubtful)]
    curves = ["/pipelines/summaries/curve", "/pipelines/idle/curve"]
    own = [*curves, "/pipelines/summaries", "/pipelines/idle", f"/datasets/{snapshot}"]
    return ["/", "/runs", "/runs?pipeline=summaries", "/datasets", "/dead-letters", *own, *run_pages]


def test_a_pipelines_page_tells_who_decided_and_that_the_champion_is_gone(
    tmp_path: Path, redis_url: str, sqlite_template: Path
) -> None:
    with staged(make_settings(tmp_path, redis_url), database=sqlite_template) as stage:
        at = now()
        claimed = stage.deps.runs.claim(make_run("run-1"))
        assert claimed is not None
        tuned = stage.deps.runs.record(claimed, Step(RunState.FAILED, "x", changes={"tuned_model": "ft:1"}), now=at)
        grounds = Grounds("by hand", {}, by="ada", reason=ODD)
        stage.deps.evaluations.promote(tuned, "by hand", now=at, grounds=grounds)
        champion = stage.deps.evaluations.champion("summaries")
        assert champion is not None
        assert "has not answered" not in text(stage, "/pipelines/summaries")
        stage.deps.evaluations.note_gone(champion, since=at, now=at)
        shown = text(stage, "/pipelines/summaries")
        assert "gone The model that serves has not answered since" in shown
        assert "tuneloop models rollback summaries" in shown
        written = markup(stage, "/pipelines/summaries")
        assert (f"<bdi>ada</bdi>: <bdi>{ESCAPED}</bdi>" in written, ODD in written) == (True, False)


# The first page.


def test_every_pipeline_says_every_reason_why_no_run_has_started(scene: Scene) -> None:
    shown, deps = text(scene.stage, "/"), scene.stage.deps
    for name, pipeline in deps.settings.pipelines.items():
        decision = take_stock(pipeline, deps, now=now()).decision
        assert len(decision.reasons) > 1
        in_detail = text(scene.stage, f"/pipelines/{name}")
        for reason in decision.reasons:
            assert f"{reason.text} {reason.code}" in in_detail
            assert f"{reason.text} {reason.code}" in shown
        assert "Next run waits for:" in in_detail
        for note in decision.notes:
            assert f"{note.text} {note.code}" in in_detail
            assert f"{note.text} {note.code}" in shown
    assert "no_price" in shown
    assert "a run now would cost about" in shown
    assert '<progress max="10" value="0">' in markup(scene.stage, "/")


def test_a_pipeline_that_is_due_says_so(tmp_path: Path, redis_url: str, sqlite_template: Path) -> None:
    ready = make_pipeline()
    ready = replace(
        ready, trigger=replace(ready.trigger, threshold=0), dataset=replace(ready.dataset, min_train=0, min_held_out=0)
    )
    with staged(make_settings(tmp_path, redis_url, pipelines=[ready]), database=sqlite_template) as stage:
        assert "A run is due now." in text(stage, "/")
        assert "tuneloop runs start summaries" in text(stage, "/pipelines/summaries")
        assert "A run is due now." in text(stage, "/pipelines/summaries")
        assert "Nothing: everything goes on by itself." in text(stage, "/")


def test_a_page_waits_for_no_trainer(tmp_path: Path, redis_url: str, sqlite_template: Path) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({"object": "list", "data": []})

    with serving(Starlette(routes=[Route("/{path:path}", answer)])) as port:
        trainer = TrainerSettings("box", "tuneloop", f"http://127.0.0.1:{port}/v1")
        settings = make_settings(tmp_path, redis_url, trainers={"box": trainer})
        with staged(settings, database=sqlite_template) as stage:
            claimed = stage.deps.runs.claim(make_run("run-1", created_at=now()))
            assert claimed is not None
            stage.deps.runs.record(claimed, Step(RunState.CANCELLED, "cancelled by hand"), now=now())
            assert [stage.get(path).status for path in ("/", "/pipelines/summaries", "/runs/run-1")] == [200] * 3
    assert asked == []


def test_what_needs_a_person_comes_first_each_with_its_remedy_and_command(scene: Scene) -> None:
    shown = text(scene.stage, "/").partition("Pipelines")[0]
    assert f"What to do: tuneloop runs approve {scene.waiting}, or set another budget" in shown
    assert f"12.40 USD is above 5.00 USD What to do: tuneloop runs approve {scene.waiting}" in shown
    # Its pipeline left the configuration, and it is still somebody's to decide.
    assert "retired, run 1, needs attention nobody can say whether the job was created" in shown
    assert f"tuneloop runs approve {scene.doubtful} goes on, once that is done" in shown
    assert "2 dead letters" in shown
    assert "1 data row differs from Labelbox" in shown
    assert "tuneloop labelbox sync --pipeline summaries" in shown


def test_a_dying_champion_and_an_open_breaker_need_a_person(
    tmp_path: Path, redis_url: str, sqlite_template: Path
) -> None:
    pipeline = make_pipeline(trigger=TriggerPolicy(max_failures=1))
    soon = now().date() + timedelta(days=13)
    with staged(make_settings(tmp_path, redis_url, pipelines=[pipeline]), database=sqlite_template) as stage:
        run = stage.deps.runs.claim(make_run("run-1", created_at=now(), updated_at=now()))
        assert run is not None
        _end(stage, run, RunState.FAILED, tuned_model="ft:1")
        assert "no run starts by itself any more 1 run failed in a row." in text(stage, "/").partition("Pipelines")[0]
        stage.deps.evaluations.promote(stage.deps.runs.get("run-1"), "by hand", now=now())
        stage.deps.models_seen.note(run.trainer, run.model, RemoteModel(run.model, soon), now=now())
        shown = text(stage, "/").partition("Pipelines")[0]
        assert f"summaries: its champion shuts down on {soon}, in 13 days ft:1 at {run.trainer}" in shown
        assert "tuneloop models dying lists what could be trained in its place" in shown


def test_the_first_page_tells_examples_drift_champion_money_and_inbox(scene: Scene) -> None:
    shown, counts = text(scene.stage, "/"), scene.stage.deps.examples.counts("summaries")
    assert f"{counts.train} train, {counts.validation} validation, {counts.held_out} held out" in shown
    assert "3 rows differed, 1 not mended" in shown
    assert "812 accepted labels in Labelbox, 809 examples here" in shown
    assert "Champion ft:base-model:1 since" in shown
    assert "No. 3 waits for approval" in shown
    assert re.search(r"Left all \d+\.\d\d USD", shown)
    assert re.search(r"trainer:box \d+\.\d\d USD \d+\.\d\d USD 50\.00 USD \d+\.\d\d USD", shown)
    assert "0 deliveries not converted yet" in shown


def test_without_redis_the_page_says_so_and_shows_the_rest(scene: Scene) -> None:
    settings = replace(scene.stage.deps.settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    deps = type(scene.stage.deps)(settings)
    with serving(create_app(deps)) as port:
        shown = text(Stage(port, deps), "/")
    deps.engine.dispose()
    assert "Redis does not answer" in shown
    assert "54 train" in shown


# A pipeline, a run, a snapshot.


def test_a_pipeline_shows_its_champions_runs_and_snapshots(scene: Scene) -> None:
    shown = text(scene.stage, "/pipelines/summaries")
    assert "ft:base-model:1" in shown
    assert [word in shown for word in ("No. 1", "No. 2", "No. 3", "waits for approval", "failed", "promoted")] == [
        True
    ] * 6
    assert shown.count(scene.stage.deps.runs.get(scene.promoted).snapshot_id or "-") == 0
    assert (scene.stage.deps.runs.get(scene.promoted).snapshot_id or "-")[:12] in shown
    # It would be refused: there is nothing to train on.
    assert "tuneloop runs start idle" not in text(scene.stage, "/pipelines/idle")


def test_a_run_shows_its_history_estimate_verdict_and_what_the_trainer_reported(scene: Scene) -> None:
    deps, shown = scene.stage.deps, text(scene.stage, f"/runs/{scene.promoted}")
    for row in deps.runs.history(scene.promoted):
        assert f"{row['at']:%Y-%m-%d %H:%M:%S} {row['before'] or '-'} {row['after']} {row['cause']}" in shown
    evaluation = deps.evaluations.evaluation(scene.promoted)
    assert evaluation is not None
    assert evaluation["sentence"] in shown
    assert "pii_leak answers with personal data, lower is better 100.0 % [78.2, 100.0] 0.0 % [0.0, 21.8]" in shown
    assert "15 better, 0 worse" in shown
    assert "tokens x 6 epochs x 3 USD a million (price of 2026-11-01)" in shown
    assert f"{STEPS + 1} events; the newest 1 that are no measurement" in shown
    assert f"Job succeeded {ODD}" in shown


def test_a_run_shows_its_losses_and_accuracies_as_pictures_with_their_words(scene: Scene) -> None:
    shown = markup(scene.stage, f"/runs/{scene.promoted}")
    assert shown.count('<svg viewBox="0 0 640 240" role="img"') == 2
    assert re.search(r"<title id=\"chart-1\">Loss by step: train loss from [0-9.]+ to [0-9.]+; full valid loss", shown)
    assert f"Accuracy, up to step {STEPS}" in shown


def test_a_run_that_failed_says_why_and_what_to_do(scene: Scene) -> None:
    shown = text(scene.stage, f"/runs/{scene.failed}")
    assert f"What went wrong no such model {ODD} What to do: Read the trainer's message" in shown
    # Another one is open: a start by hand would be refused as well.
    assert f"Another run could not be started now: run {scene.waiting} of 12.40 USD waits for approval" in shown
    # Its remedy names the command, which works once that one has ended; nothing else offers it.
    assert shown.count("tuneloop runs start") == 1


@pytest.mark.parametrize("cause", [BY_HAND, RETRAINING])
def test_a_run_that_was_cancelled_offers_the_start_that_would_work(
    tmp_path: Path, redis_url: str, sqlite_template: Path, cause: str
) -> None:
    ready = make_pipeline()
    ready = replace(ready, dataset=replace(ready.dataset, min_train=0, min_held_out=0))
    with staged(make_settings(tmp_path, redis_url, pipelines=[ready]), database=sqlite_template) as stage:
        snapshot = "5a" * 32
        made = make_run("run-1", cause=cause, model="another", snapshot_id=snapshot, created_at=now())
        claimed = stage.deps.runs.claim(made)
        assert claimed is not None
        stage.deps.runs.record(claimed, Step(RunState.CANCELLED, "cancelled by hand"), now=now())
        there = f"--snapshot {snapshot[:16]} --trainer box --model another trains"
        command = there if cause == RETRAINING else "summaries starts"
        assert f"tuneloop runs start {command}" in text(stage, "/runs/run-1")


def test_a_run_whose_examples_another_one_trained_offers_no_start_that_is_refused(
    tmp_path: Path, redis_url: str, sqlite_template: Path
) -> None:
    # No trainer runs here, and despite its list nobody asks it.
    ready = make_pipeline()
    ready = replace(ready, dataset=replace(ready.dataset, min_train=0, min_held_out=0))
    with staged(make_settings(tmp_path, redis_url, pipelines=[ready]), database=sqlite_template) as stage:
        started = start_by_hand(ready, stage.deps, clock=now, despite_list=True)
        _end(stage, started, RunState.FAILED, tuned_model="ft:1")
        second = start_by_hand(ready, stage.deps, clock=now, again=True, despite_list=True)
        _end(stage, second, RunState.CANCELLED)
        assert "tuneloop runs start summaries --again" in text(stage, f"/runs/{second.run_id}")
        third = stage.deps.runs.claim(make_run("run-3", ordinal=3, created_at=now(), updated_at=now()))
        assert third is not None
        _end(stage, third, RunState.CANCELLED)
        shown = text(stage, "/runs/run-3")
        assert f"could not be started now: no example has changed since run {started.run_id}" in shown
        with pytest.raises(TrainedAlready):
            start_by_hand(ready, stage.deps, clock=now, despite_list=True)


def _end(stage: Stage, run: Run, state: RunState, **changes: str) -> None:
    stage.deps.runs.record(run, Step(state, "ended", changes=changes), now=now())


def test_a_run_shows_its_money_and_says_where_an_amount_is_none(scene: Scene) -> None:
    deps, shown = scene.stage.deps, text(scene.stage, f"/runs/{scene.promoted}")
    reserved, billed, *_ = deps.ledger.entries_of(scene.promoted)
    assert f"reserved {reserved.usd:,.2f} USD {reserved.tokens:,} {reserved.note}" in shown
    assert f"billed {billed.usd:,.2f} USD {billed.tokens:,} {billed.note}" in shown
    # Its answers have no price.
    assert "answers no price" in shown
    assert "all: 1 run has a part without a price (training, answers or judges) and is not wholly" in text(
        scene.stage, "/"
    )


def test_a_run_that_waits_says_what_is_asked_and_what_it_will_cost(scene: Scene) -> None:
    shown = text(scene.stage, f"/runs/{scene.waiting}")
    assert f"What is asked 12.40 USD is above 5.00 USD What to do: tuneloop runs approve {scene.waiting}" in shown
    assert "1,377,778 tokens x 3 epochs x 3 USD a million (price of 2026-11-01) = 12.40 USD" in shown
    assert f"tuneloop runs cancel {scene.waiting}" in shown


def test_the_beginning_of_an_id_will_do(scene: Scene) -> None:
    assert scene.promoted in text(scene.stage, f"/runs/{scene.promoted[:12]}")


def test_a_run_leads_to_its_report_which_is_whole_and_runs_nothing(scene: Scene) -> None:
    path = f"/runs/{scene.promoted}/report"
    assert f'href="{path}"' in markup(scene.stage, f"/runs/{scene.promoted}")
    reply = scene.stage.get(path)
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("frame-ancestors 'none'")
    assert reply.headers["cache-control"] == "no-store"
    shown = markup(scene.stage, path)
    assert "Verdict: better" in text(scene.stage, path)
    assert "<script" not in shown
    found = outline(shown)
    assert found.open == []
    assert not [name for _, attributes in found.seen for name in attributes if name == "style" or name.startswith("on")]


def test_a_report_is_only_for_whoever_has_signed_in(scene: Scene) -> None:
    reply = scene.stage.get(f"/runs/{scene.promoted}/report", headers={})
    assert (reply.status, reply.body) == (303, b"")


def test_a_report_of_what_was_not_judged_is_not_there(scene: Scene) -> None:
    assert "has no evaluation" in text(scene.stage, f"/runs/{scene.failed}/report", 404)


def test_a_report_whose_texts_are_lost_says_how_to_mend_it(
    tmp_path: Path, redis_url: str, sqlite_template: Path
) -> None:
    with page_scene(tmp_path, redis_url, sqlite_template) as scene:
        deps = scene.stage.deps
        snapshot = deps.snapshots.find(str(deps.runs.get(scene.promoted).snapshot_id))
        for name in (snapshot.files["held_out"].sha256, snapshot.snapshot_id):
            deps.files.remove(name)
        with deps.engine.begin() as connection:
            connection.execute(sa.update(example_versions).values(content=""))
        assert "Not whole" in text(scene.stage, f"/runs/{scene.promoted}/report", 409)


def test_a_pipeline_leads_to_whether_labelling_still_pays(scene: Scene) -> None:
    assert 'href="/pipelines/summaries/curve"' in markup(scene.stage, "/pipelines/summaries")
    shown = text(scene.stage, "/pipelines/summaries/curve")
    assert "Whether labelling still pays cannot be told yet: 1 versions of different size" in shown
    assert "run 1, " in shown
    assert "No run was judged yet." in text(scene.stage, "/pipelines/idle/curve")
    assert "no pipeline 'none'" in text(scene.stage, "/pipelines/none/curve", 404)


def test_a_snapshot_shows_its_files_what_shaped_it_and_its_runs(scene: Scene) -> None:
    found = scene.stage.deps.runs.get(scene.promoted).snapshot_id or ""
    shown = text(scene.stage, f"/datasets/{found}")
    assert f"Id: {found}" in shown
    assert "train 41 41 1,271" in shown
    assert "dataset.held_out_percent 20" in shown
    assert f"No. 1 {scene.promoted[:12]} promoted" in shown


def test_a_snapshot_whose_manifest_is_lost_shows_the_rest_and_how_to_mend_it(
    scene: Scene, tmp_path: Path, redis_url: str, sqlite_template: Path
) -> None:
    with page_scene(tmp_path, redis_url, sqlite_template) as other:
        found = other.stage.deps.runs.get(other.promoted).snapshot_id or ""
        other.stage.deps.files.remove(found)
        shown = text(other.stage, f"/datasets/{found}")
    assert "The manifest cannot be read" in shown
    assert "tuneloop datasets verify --repair" in shown
    assert "train 41 41 1,271" in shown
    assert scene.stage.deps.snapshots.recent(None, 1)


def test_dead_letters_show_their_remedy_and_never_their_content(scene: Scene) -> None:
    shown = text(scene.stage, "/dead-letters")
    assert "2 set aside" in shown
    assert "Remove the topic from the webhook" in shown
    assert re.search(r"tuneloop dead-letters replay [0-9a-f]{16}", shown)
    for letter in scene.stage.deps.letters.open(9):
        assert f"tuneloop dead-letters dismiss {letter['letter_id']}" in shown
    assert f"tuneloop runs show {scene.failed}" in shown
    assert "what somebody wrote" not in shown


# Lists.


def test_lists_can_be_of_one_pipeline_also_of_one_that_left_the_configuration(scene: Scene) -> None:
    assert scene.doubtful[:12] in text(scene.stage, "/runs?pipeline=retired")
    assert scene.doubtful[:12] not in text(scene.stage, "/runs?pipeline=summaries")
    assert "Datasets of summaries" in text(scene.stage, "/datasets?pipeline=summaries")


def test_lists_are_bounded(scene: Scene, tmp_path: Path, redis_url: str, sqlite_template: Path) -> None:
    most = lists.SHOWN
    with staged(page_settings(tmp_path, redis_url), database=sqlite_template) as stage:
        for number in range(1, most + 21):
            stage.deps.runs.claim(make_run(f"run-{number:09}", ordinal=number, pipeline=f"p{number}"))
        with scene.stage.deps.engine.connect() as source, stage.deps.engine.begin() as connection:
            row = dict(source.execute(sa.select(snapshots).limit(1)).mappings().one())
            copies = [{**row, "snapshot_id": f"{number:064}"} for number in range(most + 20)]
            connection.execute(sa.insert(snapshots), copies)
            assert connection.scalar(sa.select(sa.func.count()).select_from(runs)) == most + 20
        assert markup(stage, "/runs").count('scope="row"') == most
        assert markup(stage, "/datasets").count('scope="row"') == most


def test_no_page_goes_through_all_examples(scene: Scene) -> None:
    """There may be a million: what counts them is kept with every write."""
    engine: sa.Engine = scene.stage.deps.engine
    asked: list[tuple[Any, ...]] = []

    def note(*event: object) -> None:
        asked.append(event)

    sa.event.listen(engine, "before_cursor_execute", note)
    for path in pages(scene):
        markup(scene.stage, path)
    sa.event.remove(engine, "before_cursor_execute", note)
    reads = {statement: parameters for _, _, statement, parameters, *_ in asked if statement.startswith("SELECT")}
    assert any("FROM examples" in statement for statement in reads)
    with engine.connect() as connection:
        plans = [
            str(row[3])
            for statement, parameters in reads.items()
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert [plan for plan in plans if re.match("SCAN (examples|example_|groups|row_labels|deliveries)", plan)] == []


def test_on_postgresql_every_page_answers_as_well(tmp_path: Path, redis_url: str, postgres_url: str) -> None:
    with page_scene(tmp_path, redis_url, database_url=postgres_url) as scene:
        for path in pages(scene):
            assert "Sign out" in markup(scene.stage, path)
        assert f"tuneloop runs approve {scene.waiting}" in text(scene.stage, "/")
        assert "nothing is spelled like that" in text(scene.stage, "/runs/%00", 404)


# Refusals.


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/runs/none", "no runs begin with 'none'"),
        ("/runs/run-", "2 runs begin with 'run-'"),
        ("/runs/%00", "nothing is spelled like that"),
        ("/datasets/none", "no snapshots begin with 'none'"),
        ("/pipelines/retired", "no pipeline 'retired' in the configuration"),
        ("/pipelines/%3Cscript%3E", "no pipeline '<script>' in the configuration"),
        ("/runs?pipeline=none", "no pipeline 'none', and no run of one"),
        ("/datasets?pipeline=%00", "and no run of one"),
    ],
)
def test_what_does_not_exist_is_said_in_words(scene: Scene, path: str, words: str) -> None:
    assert words in text(scene.stage, path, 404)


def test_without_a_schema_the_page_says_what_to_do(tmp_path: Path, redis_url: str) -> None:
    with staged(make_settings(tmp_path, redis_url)) as stage:
        reply = stage.get("/")
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert "tuneloop migrate" in text(stage, "/", 503)


def test_pages_only_answer_questions(scene: Scene) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert scene.stage.get("/", method=method).status == 405


# On every page.


def test_nothing_that_came_from_outside_becomes_markup(scene: Scene) -> None:
    found = [markup(scene.stage, path) for path in pages(scene)]
    assert sum(shown.count(ESCAPED) for shown in found) > 5
    for shown in found:
        assert shown.count("<script") == 1
        assert ODD not in shown


def test_every_page_is_well_formed_and_has_no_style_or_script_of_its_own(scene: Scene) -> None:
    for path in pages(scene):
        found = outline(markup(scene.stage, path))
        assert found.open == []
        for tag, attributes in found.seen:
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
            assert tag != "style"
            assert not str(attributes.get("src", "/")).startswith("http")


def test_every_page_can_be_heard(scene: Scene) -> None:
    for path in pages(scene):
        seen = outline(markup(scene.stage, path)).seen
        tags = [tag for tag, _ in seen]
        assert (tags.count("h1"), tags.count("main")) == (1, 1)
        assert tags.count("caption") == tags.count("table")
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in pairwise(levels))
        names = [attributes["id"] for _, attributes in seen if "id" in attributes]
        assert len(names) == len(set(names))
        assert {attributes["aria-labelledby"] for _, attributes in seen if "aria-labelledby" in attributes} <= {*names}
        assert all("scope" in attributes for tag, attributes in seen if tag == "th")


def test_every_link_leads_somewhere(scene: Scene) -> None:
    links = {
        str(attributes["href"])
        for path in pages(scene)
        for tag, attributes in outline(markup(scene.stage, path)).seen
        if tag == "a" and str(attributes["href"]).startswith("/")
    }
    # A pipeline that left the configuration keeps its runs, and has no page.
    dead = {path for path in links if scene.stage.get(path).status != 200}
    assert len(links) > 12
    assert dead <= {"/pipelines/retired"}


def test_a_deployed_model_is_shown_under_the_name_it_answers_to_as_well(scene: Scene) -> None:
    deployed = {"inference_model": "tuneloop-1"}
    run = make_run("run-deployed", pipeline="deployed", tuned_model="base.ft-1", facts=deployed)
    assert scene.stage.deps.runs.claim(run) is not None
    assert "Tuned model base.ft-1 Answers as tuneloop-1" in text(scene.stage, "/runs/run-deployed")
    assert "Answers as" not in text(scene.stage, f"/runs/{scene.promoted}")
