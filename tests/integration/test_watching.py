"""What the schedule does for notices: it calls the workers, looks after the service's health, and forgets."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from redis import Redis
from rq import Queue

from service.adapters.sql_tables import dead_letters, notice_deliveries, notices, reconciles
from service.bootstrap import Deps, now
from service.config import ChannelSettings, Settings
from service.domain.errors import TrainerRefused
from service.domain.notices import Notice
from workers.schedule import AUDIT_KEPT, Beat, make_beats

HOUR = timedelta(hours=1)


@pytest.fixture
def deps(settings: Settings, redis_url: str) -> Iterator[Deps]:
    assert redis_url
    secret = SecretStr("whsec_" + base64.b64encode(b"k" * 32).decode())
    ops = ChannelSettings("ops", webhook="http://127.0.0.1:9/", secret_env="S", secrets=(secret,))
    made = Deps(replace(settings, notify={"ops": ops}))
    with made.engine.begin() as connection:
        for table in (notices, notice_deliveries, dead_letters, reconciles):
            connection.execute(sa.delete(table))
    yield made
    made.engine.dispose()


@pytest.fixture
def beats(deps: Deps) -> dict[str, Beat]:
    return {beat.name: beat for beat in make_beats(deps)}


def kinds(deps: Deps) -> list[str]:
    return sorted(row["kind"] for row in deps.outbox.recent(100))


def test_the_sweep_calls_a_worker_for_each_channel_that_something_waits_for(
    deps: Deps, beats: dict[str, Beat], redis: Redis
) -> None:
    def queued() -> list[tuple[str, list[str]]]:
        jobs = Queue("notices", connection=redis, serializer="json").jobs
        return [(job.func_name, list(job.args)) for job in jobs]

    beats["sweep"].act()
    assert queued() == []
    deps.notices.put(Notice("failed", "a", "t", "x"), now=now())
    beats["sweep"].act()
    assert queued() == [("workers.jobs.send_notices", ["ops"])]


def test_new_dead_letters_are_told_once_a_day(deps: Deps, beats: dict[str, Beat]) -> None:
    beats["watch"].act()
    assert kinds(deps) == []
    for number in range(3):
        deps.letters.put("run", f"run-{number}", TrainerRefused("jane@example.com"), content=None, now=now())
    beats["watch"].act()
    deps.letters.put("run", "run-9", TrainerRefused("x"), content=None, now=now())
    beats["watch"].act()
    (told,) = deps.outbox.recent(9)
    assert (told["kind"], told["facts"]["total"]) == ("dead_letters", 3)
    assert "jane" not in repr(told)


def test_a_project_that_is_no_longer_read_is_told_once_a_day(deps: Deps, beats: dict[str, Beat]) -> None:
    for pipeline, hours in (("summaries", 0.5), ("second", 3)):
        at = now() - hours * HOUR
        deps.reconciles.reconciled(pipeline, {"rows": 1, "healed": 0}, until=at, now=at)
    for _ in range(2):
        beats["watch"].act()
    assert [(row["kind"], row["pipeline"]) for row in deps.outbox.recent(9)] == [("reconcile_failing", "second")]


def test_old_notices_are_forgotten_with_the_audit(deps: Deps, beats: dict[str, Beat]) -> None:
    for days in (AUDIT_KEPT.days - 1, AUDIT_KEPT.days + 1):
        deps.notices.put(Notice("failed", f"{days}", "t", "x"), now=now() - timedelta(days=days))
    deps.telling.call()
    beats["forget"].act()
    (kept,) = deps.outbox.recent(9)
    assert kept["key"] == f"{AUDIT_KEPT.days - 1}"
    assert deps.outbox.tally() == {("ops", "waiting"): 1}
