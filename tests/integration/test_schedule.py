"""What the schedule calls for: reconciles once a project, and exports that nobody has in hand."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis
from rq import Queue
from structlog.testing import capture_logs

from service.adapters.sql_tables import exports, gatherings, tallies
from service.bootstrap import Deps, now
from service.config import Settings
from service.domain.exports import ExportState
from service.domain.runs import RunState, Step
from service.domain.snapshots import Snapshot
from tests.support.builders import make_pipeline, make_run
from tests.support.freezing import build, make_frozen
from workers.schedule import EXPORTS_KEPT, INCOMING_KEPT, Beat, make_beats

LONG = timedelta(hours=1)


@pytest.fixture
def deps(settings: Settings, redis_url: str) -> Iterator[Deps]:
    """Give parts of our own: a web process that starts calls for the inbox too."""
    assert redis_url
    made = Deps(settings)
    yield made
    made.engine.dispose()


@pytest.fixture
def beats(deps: Deps) -> dict[str, Beat]:
    with deps.engine.begin() as connection:
        connection.execute(sa.delete(exports))
    return {beat.name: beat for beat in make_beats(deps)}


def queued(redis: Redis) -> list[tuple[str, list[str]]]:
    jobs = Queue("labels", connection=redis, serializer="json").jobs
    return sorted((job.func_name.rpartition(".")[2], list(job.args)) for job in jobs)


def test_a_project_is_wanted_once_however_many_pipelines_read_it(
    deps: Deps, beats: dict[str, Beat], redis: Redis
) -> None:
    assert {pipeline.labels.project for pipeline in deps.settings.pipelines.values()} == {"project-1"}
    beats["reconcile"].act()
    beats["reconcile"].act()
    (wanted,) = deps.export_store.due(now=now())
    assert (wanted.project, wanted.kind, wanted.state) == ("project-1", "window", ExportState.WANTED)
    # The web process of these tests wakes the conversion by itself.
    assert {job for job in map(str, queued(redis)) if "convert" not in job} == {"('reconcile', ['project-1'])"}


def test_gaps_are_looked_for_only_where_they_go_by_themselves(settings: Settings, redis: Redis) -> None:
    name, pipeline = next(iter(settings.pipelines.items()))
    automatic = replace(pipeline, gaps=replace(pipeline.gaps, automatic=True))
    for pipelines in (settings.pipelines, {**settings.pipelines, name: automatic}):
        deps = Deps(replace(settings, pipelines=pipelines))
        (gaps,) = [beat for beat in make_beats(deps) if beat.name == "gaps"]
        gaps.act()
        deps.engine.dispose()
    assert [job for job in queued(redis) if job[0] == "send_gaps"] == [("send_gaps", [name])]


def test_the_sweep_calls_for_what_stands_and_not_for_what_somebody_has(
    deps: Deps, beats: dict[str, Beat], redis: Redis
) -> None:
    at = now()
    held = deps.export_store.turn("a", "rows", lambda _: {}, create=True, at_once=4, now=at, until=at + LONG)
    left = deps.export_store.turn("b", "window", lambda _: {}, create=True, at_once=4, now=at, until=at + LONG)
    assert held is not None
    assert left is not None
    beats["sweep"].act()
    assert [job for job in queued(redis) if job[0] == "reconcile"] == []
    deps.export_store.write(replace(left, leased_until=None), now=at)
    beats["sweep"].act()
    assert [job for job in queued(redis) if job[0] == "reconcile"] == [("reconcile", ["b"])]
    deps.export_store.write(replace(held, leased_until=None), now=at)
    beats["sweep"].act()
    assert ("convert_deliveries", []) in queued(redis)


def test_the_sweep_calls_for_reports_that_are_due(deps: Deps, beats: dict[str, Beat], redis: Redis) -> None:
    at = now()
    deps.reports.begin("run-due", now=at)
    deps.reports.begin("run-held", now=at)
    assert deps.reports.take("run-held", until=at + LONG, now=at) is not None
    beats["sweep"].act()
    jobs = Queue("runs", connection=redis, serializer="json").jobs
    wanted = [list(job.args) for job in jobs if job.func_name == "workers.jobs.gather_reports"]
    assert wanted == [["run-due"]]
    with deps.engine.begin() as connection:
        connection.execute(sa.delete(gatherings))


def test_what_a_killed_process_left_half_written_is_removed_the_next_day(deps: Deps, beats: dict[str, Beat]) -> None:
    folder = Path(deps.files.location("0" * 64)).parents[2] / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    for name, age in (("new", timedelta(hours=1)), ("old", INCOMING_KEPT + LONG)):
        (folder / name).write_bytes(b"half a li")
        os.utime(folder / name, ((now() - age).timestamp(),) * 2)
    beats["forget"].act()
    assert [path.name for path in folder.iterdir()] == ["new"]
    (folder / "new").unlink()


def test_files_that_no_snapshot_names_are_removed_the_next_day(deps: Deps, beats: dict[str, Beat]) -> None:
    """Their builder was killed, or its run ended before they were named."""
    day = timedelta(days=1)
    at = {"old": now() - day - LONG, "new": now() - day + LONG}
    built = {
        age: build([make_frozen(number)], deps.files, pipeline=make_pipeline())
        for number, age in enumerate(("old", "new", "named"))
    }
    for age, moment in at.items():
        names = {built[age].snapshot_id, *(entry.sha256 for entry in built[age].files.values())}
        deps.snapshots.expect(names, now=moment)
    named = built["named"]
    deps.snapshots.add(Snapshot(named.snapshot_id, "summaries", 1, at["old"], named.files, named.head))
    beats["forget"].act()

    def is_whole(age: str) -> bool:
        hashes = (built[age].snapshot_id, built[age].files["train"].sha256)
        return all(Path(deps.files.location(sha256)).exists() for sha256 in hashes)

    assert {age: is_whole(age) for age in built} == {"old": False, "new": True, "named": True}
    # Of all of them the empty files are the same, which a snapshot names.
    assert Path(deps.files.location(built["old"].files["held_out"].sha256)).exists()


def test_files_that_a_killed_builder_left_are_removed_the_next_day(deps: Deps, beats: dict[str, Beat]) -> None:
    left = []
    for content, age in ((b"new", timedelta(hours=1)), (b"old", INCOMING_KEPT + LONG)):
        with deps.files.writer() as writer:
            writer.write(content)
            name, _ = writer.digest()
            deps.snapshots.expect([name], now=now() - age)
            writer.commit()
        left.append(Path(deps.files.location(name)))
    beats["forget"].act()
    assert [path.exists() for path in left] == [True, False]
    left[0].unlink()


def test_ended_exports_are_forgotten_after_some_days(deps: Deps, beats: dict[str, Beat]) -> None:
    for days in (1, EXPORTS_KEPT.days + 1):
        at = now() - timedelta(days=days)
        ended = deps.export_store.turn("a", "rows", lambda _: {}, create=True, at_once=4, now=at, until=at + LONG)
        assert ended is not None
        deps.export_store.write(replace(ended, state=ExportState.READ), now=at)
    beats["forget"].act()
    with deps.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(exports)) == 1


def test_counts_that_drifted_are_put_right_once_a_day_and_logged(deps: Deps, beats: dict[str, Beat]) -> None:
    assert beats["recount"].every == timedelta(days=1)
    row = {"pipeline": "summaries", "status": "active", "split": "train", "reason": "", "examples": 3}
    with deps.engine.begin() as connection:
        connection.execute(sa.insert(tallies).values(row))
    with capture_logs() as logs:
        beats["recount"].act()
        beats["recount"].act()
    told = {"event": "tallies_mended", "log_level": "warning", "pipeline": "summaries"}
    assert logs == [told | {"tallies": {"active train": "3 -> 0"}}]
    assert deps.examples.counts("summaries").train == 0


def test_people_are_warned_every_minute_of_what_is_new(settings: Settings, sqlite_url: str) -> None:
    deps = Deps(replace(settings, database_url=sqlite_url))
    (warn,) = [beat for beat in make_beats(deps) if beat.name == "warn"]
    assert warn.every == timedelta(minutes=1)
    for ordinal in (1, 2, 3):
        run = deps.runs.claim(make_run(f"run-{ordinal}", ordinal=ordinal))
        assert run is not None
        deps.runs.record(run, Step(RunState.FAILED, "x"), now=now())
    with capture_logs() as logs:
        warn.act()
        warn.act()
    deps.engine.dispose()
    assert logs == [{"event": "people_warned", "log_level": "warning", "notices": 1}]
