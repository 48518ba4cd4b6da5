"""``tuneloop dead-letters`` and what ``tuneloop runs`` tells, typed as a user does."""

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from service.adapters.sql_records import SqlDeadLetters
from service.adapters.sql_runs import SqlRunStore
from service.domain.errors import CorruptFile, OverBudget
from service.domain.runs import RunState, Step
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.typed import Says


@pytest.fixture
def letter_id(sqlite_engine: sa.Engine) -> str:
    """Give the letter of a run that failed."""
    claimed = SqlRunStore(sqlite_engine).claim(make_run("run-1", pipeline="p"))
    assert claimed is not None
    SqlRunStore(sqlite_engine).record(claimed, Step(RunState.FAILED, "too dear"), now=NOON)
    letters = SqlDeadLetters(sqlite_engine)
    letters.put("run", "run-1", OverBudget("too dear"), content=None, now=NOON)
    return str(letters.open(1)[0]["letter_id"])


def test_a_letter_is_dismissed_with_a_reason_and_can_still_be_shown(says: Says, letter_id: str) -> None:
    assert says("dead-letters", "dismiss", letter_id, "--reason", "not this month")[:2] == (
        0,
        f"Dismissed {letter_id}: run run-1.\n",
    )
    assert says("dead-letters", "list")[1] == "Nothing is set aside.\n"
    shown = json.loads(says("dead-letters", "show", letter_id)[1])
    assert (shown["dismissed"], shown["replayed_at"], bool(shown["dismissed_at"])) == ("not this month", None, True)
    code, _, err = says("dead-letters", "dismiss", letter_id)
    assert code == 1
    assert f"tuneloop dead-letters show {letter_id}" in err


def test_the_beginning_of_a_letters_id_will_do_where_it_is_the_only_one(
    says: Says, letter_id: str, sqlite_engine: sa.Engine
) -> None:
    assert json.loads(says("dead-letters", "show", letter_id[:6])[1])["letter_id"] == letter_id
    for number in range(3):
        SqlDeadLetters(sqlite_engine).put("file", f"file-{number}", CorruptFile("x"), content=None, now=NOON)
    code, _, err = says("dead-letters", "dismiss", "")
    assert (code, "2 dead letters begin with ''" in err) == (1, True)
    assert says("dead-letters", "dismiss", letter_id[:12])[:2] == (0, f"Dismissed {letter_id}: run run-1.\n")


@pytest.mark.parametrize("command", ["dismiss", "show", "replay"])
def test_a_letter_that_there_is_not_is_refused(says: Says, letter_id: str, command: str) -> None:
    code, _, err = says("dead-letters", command, letter_id[::-1])
    assert code == 1
    assert "no dead letters begin with" in err
    assert "tuneloop dead-letters list" in err


def test_what_cannot_be_replayed_says_what_can_be_done_instead(
    says: Says, letter_id: str, sqlite_engine: sa.Engine
) -> None:
    _, _, err = says("dead-letters", "replay", letter_id)
    assert f"tuneloop runs start p, or put it away: tuneloop dead-letters dismiss {letter_id}" in err
    letters = SqlDeadLetters(sqlite_engine)
    letters.put("file", "file-1", CorruptFile("x"), content=None, now=NOON)
    other = next(letter["letter_id"] for letter in letters.open(9) if letter["kind"] == "file")
    _, _, err = says("dead-letters", "replay", other)
    assert f"tuneloop dead-letters show {other}, or put it away: tuneloop dead-letters dismiss {other}" in err


def test_runs_are_told_with_their_trainer_their_model_and_their_files(says: Says, sqlite_engine: sa.Engine) -> None:
    made = make_run("run-1", pipeline="p", trainer="box", model="m1")
    SqlRunStore(sqlite_engine).claim(replace(made, facts={"training_file": "file-1", "validation_file": "file-2"}))
    assert "    m1 at box, job -\n" in says("runs", "list")[1]
    shown = says("runs", "show", "run-1")[1]
    for line in ("  trainer      box\n", "  base model   m1\n", "  train file   file-1\n", "  valid file   file-2\n"):
        assert line in shown
    facts = json.loads(says("runs", "show", "run-1", "--json")[1])["run"]
    assert (facts["trainer"], facts["model"], facts["facts"]["training_file"]) == ("box", "m1", "file-1")


def test_the_list_of_runs_and_why_tell_what_stands_in_the_way_of_an_open_run(
    says: Says, sqlite_engine: sa.Engine
) -> None:
    stuck = {"error": "TrainerUnreachable: no connection to the trainer", "remedy": "Start it."}
    SqlRunStore(sqlite_engine).claim(replace(make_run("run-1", pipeline="p", trainer="box", model="m1"), facts=stuck))
    assert "    TrainerUnreachable: no connection to the trainer\n" in says("runs", "list")[1]
    told = "run run-1 (claimed) is not finished: TrainerUnreachable: no connection to the trainer"
    assert told in says("why", "p")[1]
    assert told in says("status")[1]


@pytest.mark.parametrize("options", [(), ("p", "--trainer", "box"), ("p", "--model", "m1")])
def test_a_start_of_neither_pipeline_nor_snapshot_names_the_commands_that_work(
    says: Says, options: tuple[str, ...]
) -> None:
    code, _, err = says("runs", "start", *options)
    assert code == 2
    assert "tuneloop runs start p; tuneloop datasets list shows the snapshots" in err
