"""Answers are gathered several at once, within limits, and a killed worker pays for few of them twice."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_tables import answers, judgements, runs
from service.bootstrap import now
from service.domain.errors import ModelNotReady, RunMoved, TrainerBusy, TrainerUnreachable
from service.domain.runs import RunState as S
from service.ports import Answer
from service.usecases.steps.asking import Asked, Payer
from service.usecases.steps.evaluate import held_out_questions
from service.usecases.steps.gather_answers import gather
from tests.contract.trainer_process import BASE, KEY, running_trainer
from tests.support.fakes import NOON
from tests.support.workshop import TUNED, Workshop, good_answer, leaking_answer


@pytest.fixture
def quick(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    """Give a workshop whose trainer is asked four questions at once."""
    shop = Workshop(sqlite_engine, tmp_path / "files", concurrency=4)
    shop.fill()
    return shop


def asked(shop: Workshop) -> Counter[tuple[str, str]]:
    return Counter(shop.trainer.asked)


def test_several_questions_are_on_their_way_at_once(quick: Workshop) -> None:
    run_id = quick.train()
    together = threading.Barrier(4, timeout=30)

    def in_company(prompt: str) -> str:
        # Passes only with three others.
        if len(quick.trainer.asked) <= 4:
            together.wait()
        return leaking_answer(prompt)

    quick.trainer.voices["base-model"] = in_company
    assert quick.go(run_id).state == S.PROMOTED
    assert set(asked(quick).values()) == {1}


def test_one_slow_answer_keeps_no_other_waiting(quick: Workshop) -> None:
    run_id = quick.train()
    others, number = threading.Event(), held_out_number(quick, run_id)
    slow: list[str] = []
    lock = threading.Lock()

    def voice(prompt: str) -> str:
        with lock:
            is_slow = not slow
            slow.append(prompt)
            if len(slow) == number:
                others.set()
        if is_slow:
            # Until every other question was asked.
            assert others.wait(30)
        return leaking_answer(prompt)

    quick.trainer.voices["base-model"] = voice
    assert quick.go(run_id).state == S.PROMOTED


def held_out_number(shop: Workshop, run_id: str) -> int:
    snapshot = shop.snapshots.get(str(shop.runs.get(run_id).snapshot_id))
    return len(held_out_questions(snapshot, shop.parts))


def test_a_question_that_fails_is_asked_again_behind_the_others(quick: Workshop) -> None:
    run_id = quick.train()
    failures = [2]

    def voice(prompt: str) -> str:
        if prompt == first and failures[0]:
            failures[0] -= 1
            raise TrainerUnreachable("500")
        return leaking_answer(prompt)

    snapshot = quick.snapshots.get(str(quick.runs.get(run_id).snapshot_id))
    first = held_out_questions(snapshot, quick.parts)[0].prompt
    quick.trainer.voices["base-model"] = voice
    quick.advance(run_id)
    run = quick.runs.get(run_id)
    # All others were answered meanwhile, and the run comes back for this one.
    assert run.fact("progress").startswith(f"{held_out_number(quick, run_id) - 1} of")
    assert (run.attempts, run.due_at is not None) == (0, True)
    assert quick.go(run_id).state == S.PROMOTED


def test_a_trainer_that_is_busy_is_left_alone_for_as_long_as_it_says(quick: Workshop) -> None:
    run_id = quick.train()
    heard = 0

    def voice(prompt: str) -> str:
        nonlocal heard
        heard += 1
        if heard == 3:
            raise TrainerBusy("429", retry_after_s=120)
        return leaking_answer(prompt)

    quick.trainer.voices["base-model"] = voice
    before = quick.clock.now
    quick.advance(run_id)
    run = quick.runs.get(run_id)
    assert run.due_at is not None
    assert timedelta(seconds=120) <= run.due_at - before <= timedelta(seconds=130)
    # Only what was on its way already came in after it.
    assert heard <= 3 + 4
    assert quick.go(run_id).state == S.PROMOTED


def test_after_failures_in_a_row_nothing_more_is_asked(quick: Workshop) -> None:
    run_id = quick.train()
    heard = []

    def voice(prompt: str) -> str:
        heard.append(prompt)
        raise TrainerUnreachable("down")

    quick.trainer.voices["base-model"] = voice
    quick.advance(run_id)
    assert len(heard) <= 3 + 3
    assert quick.runs.get(run_id).fact("error") == "TrainerUnreachable: down"


def test_no_more_is_asked_in_a_minute_than_the_trainer_allows(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files", concurrency=4, requests_per_minute=5)
    shop.fill()
    run_id = shop.train()
    counts = []
    while shop.runs.get(run_id).state == S.EVALUATING:
        before, moment = len(shop.trainer.asked), shop.clock.now
        shop.advance(run_id)
        counts.append((shop.clock.now, len(shop.trainer.asked) - before))
        assert moment <= shop.clock.now
    assert shop.runs.get(run_id).state == S.PROMOTED
    moments = [moment for moment, number in counts for _ in range(number)]
    for moment in moments:
        assert sum(moment - timedelta(minutes=1) < other <= moment for other in moments) <= 5


def test_what_other_workers_asked_counts_against_the_limit(engine: sa.Engine) -> None:
    store = SqlEvaluationStore(engine)
    store.add_answer("box/m", "q1", Answer("x", 1, 1), now=NOON)
    store.add_answer("box/n", "q1", Answer("x", 1, 1), now=NOON + timedelta(seconds=5))
    for other in ("boxes/m", "Box/m", "b_x/m"):
        store.add_answer(other, "q1", Answer("x", 1, 1), now=NOON + timedelta(seconds=5))
    store.add_answer("box/m", "q0", Answer("x", 1, 1), now=NOON - timedelta(seconds=5))
    assert store.answered_since("box", NOON) == [NOON, NOON + timedelta(seconds=5)]


def test_what_was_asked_in_the_last_minute_is_found_without_reading_every_answer(sqlite_engine: sa.Engine) -> None:
    asked: list[tuple[str, Any]] = []
    sa.event.listen(sqlite_engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    SqlEvaluationStore(sqlite_engine).answered_since("box", NOON)
    read = [(text, given) for text, given in asked if text.startswith("SELECT")]
    with sqlite_engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all() for text, given in read]
    assert [plan[0].detail.split(" ")[4] for plan in plans] == ["answers_by_time", "judgements_by_time"]


def test_why_answers_ended_is_counted_for_the_questions_asked(engine: sa.Engine) -> None:
    store = SqlEvaluationStore(engine)
    for key, finish in (("q1", "length"), ("q2", "stop"), ("q3", "stop"), ("q4", None), ("other", "refusal")):
        store.add_answer("box/m", key, Answer("x", 1, 1, finish), now=NOON)
    assert store.finishes("box/m", ["q1", "q2", "q3", "q4"]) == {"length": 1, "stop": 2}
    assert store.finishes("box/n", ["q1"]) == {}


# A base that is gone.


def test_a_base_that_is_gone_is_compared_with_by_its_stored_answers(quick: Workshop) -> None:
    quick.go(quick.train())
    asked_before = held_out_keys(quick)
    quick.fill(60, 120)
    run_id = quick.train(2)
    del quick.trainer.voices["base-model"]
    run = quick.go(run_id)
    evaluation = quick.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (evaluation["base_gone"], run.state in {S.PROMOTED, S.KEPT}) == (True, True)
    assert set(evaluation["questions"]) == asked_before
    assert evaluation["left_out"] > 0


def held_out_keys(shop: Workshop) -> set[str]:
    with shop.engine.connect() as connection:
        run_id = connection.execute(sa.select(runs.c.run_id)).scalar_one()
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    return set(evaluation["questions"])


def test_a_base_that_never_answered_is_no_base_to_go_on_without(quick: Workshop) -> None:
    run_id = quick.train()
    del quick.trainer.voices["base-model"]
    run = quick.go(run_id)
    assert (run.state, run.fact("base_gone")) == (S.NEEDS_ATTENTION, None)


def test_stored_answers_are_found_without_the_trainer(quick: Workshop) -> None:
    run_id = quick.train()
    quick.go(run_id)
    snapshot = quick.snapshots.get(str(quick.runs.get(run_id).snapshot_id))
    questions = held_out_questions(snapshot, quick.parts)
    quick.accounts.clear()
    asked, payer = Asked("box", "base-model"), Payer(run_id, "summaries", "the same command again")
    found = gather(asked, questions, quick.parts, payer=payer, until=quick.clock.now, keep=lambda: None)
    assert (found.is_whole, len(found.answers)) == (True, len(questions))


def test_what_is_on_its_way_is_billed_and_not_kept_where_another_worker_has_the_run(quick: Workshop) -> None:
    run_id = quick.train()
    quick.go(run_id, S.EVALUATING)
    snapshot = quick.snapshots.get(str(quick.runs.get(run_id).snapshot_id))
    questions, before = held_out_questions(snapshot, quick.parts), len(quick.trainer.asked)

    def taken_over() -> None:
        raise RunMoved("taken over by another worker")

    model, payer = Asked("box", "base-model"), Payer(run_id, "summaries", "go on")
    with pytest.raises(RunMoved):
        gather(model, questions, quick.parts, payer=payer, until=quick.clock.now + timedelta(hours=1), keep=taken_over)
    paid = len(quick.trainer.asked) - before
    # At most as many as may be on their way at once.
    assert 0 < paid <= 4 < len(questions)
    assert quick.evaluations.answers(model.name, [question.key for question in questions]) == {}
    billed = [entry for entry in quick.ledger.entries_of(run_id) if entry.kind == "answers"]
    assert (len(billed), quick.ledger.debts()) == (1, [])
    assert billed[0].tokens == paid * (10 + 5)


def test_an_error_that_waiting_does_not_mend_is_raised_though_others_answered(quick: Workshop) -> None:
    run_id = quick.train()
    heard = []

    def voice(prompt: str) -> str:
        heard.append(prompt)
        if len(heard) > 6:
            raise ModelNotReady("gone")
        return good_answer(prompt)

    quick.trainer.voices[TUNED] = voice
    quick.go(run_id, S.KEPT)
    assert quick.runs.get(run_id).state == S.NEEDS_ATTENTION


# Killed: a real worker's step in a process of its own, against our own server, with a counter between them.

CONFIGURATION = """
[trainers.box]
dialect = "tuneloop"
base_url = "{url}"
concurrency = 4
[trainers.box.prices."{base}"]
train_usd_per_million = 0
input_usd_per_million = 1000
output_usd_per_million = 2000
as_of = 2026-11-01
[pipelines.summaries.labels]
project = "project-1"
[pipelines.summaries.train]
model = "{base}"
trainer = "box"
[pipelines.summaries.metrics.careful]
kind = "judge"
model = "{base}"
same_family = true
rubric = "Which is better?"
"""

PROGRAM = """
import os
import sys
from datetime import timedelta
from service.bootstrap import Deps, now
from service.config import load
from service.domain.metrics import Context
from service.usecases.mend_snapshot import whole_snapshot
from service.usecases.steps.ask_judges import ask_judges
from service.usecases.steps.asking import Asked, Payer
from service.usecases.steps.evaluate import held_out_questions
from service.usecases.steps.gather_answers import gather
_, run_id, model, what = sys.argv
deps = Deps(load(os.environ))
parts, run = deps.parts, deps.runs.get(run_id)
snapshot = whole_snapshot(run.snapshot_id, deps.archive, keep=lambda: None)
questions = held_out_questions(snapshot, parts)
until = now() + timedelta(minutes=5)
if what == "answers":
    payer = Payer(run_id, "summaries", "the same command again")
    found = gather(Asked("box", model), questions, parts, payer=payer, until=until, keep=lambda: None)
    print(found.is_whole, len(found.answers))
else:
    metrics = [parts.metrics(parts.pipeline("summaries"))["careful"]]
    given = {role: {question.key: role for question in questions} for role in ("challenger", "base")}
    found = ask_judges(run, metrics, questions, given, context=Context(), parts=parts, keep=lambda: None)
    print(isinstance(found, dict), len(found))
"""


@dataclass
class Counting:
    """Stands before a trainer, counts what it is asked, and strikes once after so many answers."""

    upstream: str
    asked: list[str] = field(default_factory=list)
    strike_at: int = 10
    strike: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""


@contextmanager
def counting(upstream: str) -> Iterator[Counting]:
    here = Counting(upstream)
    host, _, path = upstream.removeprefix("http://").partition("/")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with here.lock:
                here.asked.append(json.loads(body)["messages"][-1]["content"])
                if len(here.asked) == here.strike_at:
                    here.strike.set()
            there = http.client.HTTPConnection(host, timeout=30)
            there.request(
                "POST", self.path, body, {"Content-Type": "application/json", "Authorization": "Bearer " + KEY}
            )
            answer = there.getresponse()
            content = answer.read()
            there.close()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:
                return

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}/{path}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("what", ["answers", "judgements"])
def test_a_killed_worker_has_at_most_what_was_on_its_way_asked_twice_and_every_answer_is_billed_once(
    engine: sa.Engine, database_url: str, redis_url: str, tmp_path: Path, what: str
) -> None:
    shop = Workshop(engine, tmp_path / "files")
    shop.fill(0, 240)
    run_id = shop.start()
    shop.go(run_id, S.SNAPSHOTTED)
    number = held_out_number(shop, run_id) * (2 if what == "judgements" else 1)
    assert number > 20
    with running_trainer(tmp_path / "trainer") as trainer, counting(trainer.base_url) as between:
        (tmp_path / "tuneloop.toml").write_text(CONFIGURATION.format(url=between.url, base=BASE))
        environ = {
            **os.environ,
            "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
            "TUNELOOP_DATA": str(tmp_path),
            "TUNELOOP_FILES_URL": str(tmp_path / "files"),
            "TUNELOOP_DATABASE_URL": database_url,
            "TUNELOOP_REDIS_URL": redis_url,
        }
        command = [sys.executable, "-c", PROGRAM, run_id, BASE, what]
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as first:
            assert between.strike.wait(60), first.communicate(timeout=5)
            first.kill()
            assert first.wait(60) == -signal.SIGKILL
        # It left answers that are paid for, and in no bill.
        assert shop.ledger.debts(payer=run_id)
        assert [entry for entry in shop.ledger.entries_of(run_id) if entry.kind == "answers"] == []
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout.split()) == (0, ["True", str(number)]), done.stderr[-2000:]
    counts = Counter(between.asked)
    assert len(counts) == number
    assert max(counts.values()) <= 2
    assert sum(count - 1 for count in counts.values()) <= 4
    assert len(SqlEvaluationStore(engine).answered_since("box", now() - timedelta(hours=1))) == number
    table = answers if what == "answers" else judgements
    with engine.connect() as connection:
        columns = (table.c.prompt_tokens, table.c.completion_tokens)
        asked_for, said = connection.execute(sa.select(*map(sa.func.sum, columns))).one()
    entries = [entry for entry in shop.ledger.entries_of(run_id) if entry.kind == "answers"]
    assert sum(entry.tokens or 0 for entry in entries) == asked_for + said
    assert sum(entry.usd for entry in entries) == pytest.approx((asked_for + 2 * said) / 1000)
    assert shop.ledger.debts() == []
