"""The report of an evaluation: from stored answers alone, whole, escaped, and without what was forgotten."""

import json
import re
import stat
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from redis import Redis

from service.adapters.sql_tables import answers, evaluations
from service.cli.app import run
from service.domain.budgets import Price
from service.domain.reports import SCHEMA
from service.usecases.draw_pipeline_curve import NoCurve, draw_pipeline_curve
from service.usecases.report_evaluation import NoEvaluation, Wanted
from service.web.pages.report import MOST_CHARACTERS, MOST_LEFT_OUT, report_html
from service.web.report_answers import report_answer
from tests.support.erasing import ROWS, Installation, marker_of
from tests.support.report_stores import ReportStores, half_leaking, told
from tests.support.workshop import TUNED, Workshop, good_answer

CONFIGURATION = '[pipelines.summaries]\nlabels.project = "cl1"\ntrain.model = "gpt-4.1-mini-2025-04-14"\n'
ODD = "</style><script>alert('odd')</script>"
ESCAPED = "&lt;/style&gt;&lt;script&gt;alert(&#39;odd&#39;)&lt;/script&gt;"


@pytest.fixture
def judged(shop: Workshop) -> str:
    """Give a run against a champion that never leaks; half of its own answers do."""
    shop.go(shop.train())
    shop.fill(60, 90)
    return shop.go(shop.train(2, voice=half_leaking)).run_id


def test_a_report_tells_what_was_decided_measured_trained_and_paid(shop: Workshop, judged: str) -> None:
    shop.trainer.asked.clear()
    report = told(shop, judged)
    stored = shop.evaluations.evaluation(judged)
    assert stored is not None
    assert (report.schema, report.run.run_id, report.held_out) == (SCHEMA, judged, stored["held_out"])
    assert (report.verdict.outcome, report.verdict.sentence) == (stored["outcome"], stored["sentence"])
    assert report.models == {"base": "base-model", "challenger": "ft:base-model:2", "champion": TUNED}
    assert [(metric.name, metric.part) for metric in report.metrics] == [("pii_leak", "primary"), ("chrf", "guard")]
    assert {name: metric.scores for name, metric in zip(stored["intervals"], report.metrics, strict=True)} == stored[
        "intervals"
    ]
    snapshot = shop.snapshots.find(stored["snapshot_id"])
    assert report.training.sizes["train"]["examples"] == snapshot.files["train"].examples
    assert report.training.left_out == {}
    assert report.cost.training_tokens == 5000
    for role in ("base", "challenger", "champion"):
        assert report.cost.answer_tokens[role]["answers"] == report.held_out
    # Everything was stored: nobody was asked.
    assert shop.trainer.asked == []


def test_answers_that_were_cut_or_refused_are_said_to_count_as_the_worst(shop: Workshop) -> None:
    shop.trainer.finishes[TUNED] = lambda prompt: "length" if half_leaking(prompt) == good_answer(prompt) else "stop"
    run = shop.go(shop.train())
    report = told(shop, run.run_id)
    cut = [example for example in report.examples if example.unfinished]
    assert 0 < len(cut) < report.held_out
    assert {example.unfinished for example in cut} == {("challenger",)}
    # As it stands there the answer would be a good one.
    assert {example.scores["pii_leak"]["challenger"] for example in cut} == {1.0}
    assert report_html(report).count("cut or refused: counts as the worst") == len(cut)


def test_the_worst_answers_come_first_with_personal_data_and_differences_marked(shop: Workshop, judged: str) -> None:
    report = told(shop, judged)
    changes = [example.change["pii_leak"] for example in report.examples]
    assert changes == sorted(changes)
    assert changes[0] == -100.0
    worst = report.examples[0]
    found = worst.answers["challenger"]
    personal = [mark.text for mark in found.marks if mark.kind == "personal"]
    assert len(personal) == 1
    assert personal[0].endswith("@example.com")
    assert any(mark.kind == "only_here" for mark in found.marks)
    assert worst.answers["champion"].marks == ()
    assert worst.messages == ({"role": "user", "content": worst.messages[0]["content"]},)
    against = told(shop, judged, Wanted(compared_with="incumbent")).examples[0]
    assert against.answers["champion"] == worst.answers["champion"]


def test_answers_can_be_marked_against_the_incumbents(shop: Workshop) -> None:
    run_id = shop.go(shop.train()).run_id
    first = told(shop, run_id, Wanted(compared_with="incumbent")).examples[0]
    missing = {mark.text for mark in first.answers["challenger"].marks if mark.kind == "left_out"}
    assert any("@example" in text for text in missing)
    assert told(shop, run_id).examples[0].answers["challenger"].marks == ()


def test_only_so_many_examples_are_told_and_the_rest_is_counted(shop: Workshop, judged: str) -> None:
    whole = told(shop, judged)
    some = told(shop, judged, Wanted(worst=3))
    assert some.examples == whole.examples[:3]
    assert (some.rest, whole.rest) == (whole.held_out - 3, 0)
    assert told(shop, judged, Wanted(worst=None)).examples == whole.examples
    assert f"{some.rest} more are not shown" in report_html(some)


def test_an_answer_that_is_gone_is_counted_and_not_shown(shop: Workshop, judged: str) -> None:
    key = told(shop, judged).examples[0].key
    with shop.engine.begin() as connection:
        gone = (answers.c.question == key, answers.c.model == "box/ft:base-model:2")
        connection.execute(sa.delete(answers).where(*gone))
    report = told(shop, judged)
    assert (report.missing, report.rest) == (1, 0)
    assert key not in {example.key for example in report.examples}


def test_forgotten_examples_are_in_no_report(engine: sa.Engine, redis: Redis, tmp_path: Path) -> None:
    here = Installation(engine, redis, tmp_path)
    for number in range(ROWS):
        here.label(number)
    here.desk.convert()
    run_id = here.shop.go(here.shop.train()).run_id
    marker = marker_of(here.row_in("held_out"))
    assert marker in report_html(told(here.shop, run_id))
    here.forget(here.row_in("held_out"))
    report = told(here.shop, run_id)
    assert (report.forgotten, report.rest, report.training.forgotten) == (1, 0, 1)
    html = report_html(report)
    assert marker not in html
    assert "1 forgotten." in html


def test_a_report_tells_the_slices_that_were_scored_whatever_was_forgotten_since(
    sqlite_engine: sa.Engine, redis: Redis, tmp_path: Path
) -> None:
    here = Installation(sqlite_engine, redis, tmp_path)
    for number in range(ROWS):
        here.label(number, version="long " * (number + 1))
    here.desk.convert()
    run_id = here.shop.go(here.shop.train()).run_id
    before = told(here.shop, run_id)
    found = here.shop.examples.existing("summaries", [f"row-{number:03}" for number in range(ROWS)])
    held_out = [number for number in range(ROWS) if found[f"row-{number:03}"].split == "held_out"]
    # The shorter answers are left: their thirds would be others.
    long = held_out[len(held_out) // 2 :]
    here.forget(*long)
    after = told(here.shop, run_id)
    assert 0 < len(after.examples) == len(before.examples) - len(long)
    assert [found.name for found in after.slices] == [found.name for found in before.slices]
    assert {name for one in after.examples for name in one.slices} <= {found.name for found in before.slices}


def test_money_is_told_as_it_was_billed(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files", price=Price(2.0, date(2026, 11, 1)))
    shop.fill()
    cost = told(shop, shop.go(shop.train()).run_id).cost
    assert (cost.billed_usd, cost.reserved_usd, cost.answers_usd) == (0.01, 0.0, 0.0)
    assert {entry["kind"] for entry in cost.ledger} == {"reserved", "billed", "answers"}


def test_a_run_that_was_not_judged_has_no_report(shop: Workshop) -> None:
    with pytest.raises(NoEvaluation, match="and has no evaluation"):
        told(shop, shop.start())


# The document.


def test_nothing_in_a_report_runs_whatever_the_texts_are(shop: Workshop) -> None:
    shop.trainer.voices["base-model"] = lambda _: f"{ODD} jane@example.com"
    run_id = shop.go(shop.train()).run_id
    html = report_html(told(shop, run_id))
    assert ODD not in html
    assert "<script" not in html
    assert ESCAPED.partition("alert")[0] in html.replace("<ins>", "").replace("</ins>", "")
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in html
    assert 'src="' not in html
    assert "url(" not in html


def test_what_an_answer_lacks_is_cut_short_unless_all_is_wanted(shop: Workshop) -> None:
    shop.trainer.voices["base-model"] = lambda _: "No."
    shop.fill(60, 120, answer=lambda prompt: f"{good_answer(prompt)} {'again and ' * 40}the end")
    report = told(shop, shop.go(shop.train()).run_id)
    lacks = re.compile(r"<del[^>]*>([^<]+)</del>")
    cut = [len(found) for found in lacks.findall(report_html(report))]
    assert max(cut) == MOST_LEFT_OUT + len("...")
    assert "more characters)</small>" in report_html(report)
    assert max(len(found) for found in lacks.findall(report_html(report, whole=True))) > MOST_LEFT_OUT + 100


def test_half_an_emoji_is_no_reason_to_have_no_report(shop: Workshop, judged: str) -> None:
    found = told(shop, judged)
    torn = replace(found, system="half \ud83d")
    assert json.loads(bytes(report_answer(torn)))["system"] == "half ?"


def test_long_texts_are_folded_and_cut_unless_all_is_wanted(shop: Workshop) -> None:
    long = "much too long " * 1000
    shop.trainer.voices["base-model"] = lambda prompt: f"{long} the end of {prompt}"
    report = told(shop, shop.go(shop.train()).run_id)
    html, whole = report_html(report), report_html(report, whole=True)
    assert "the end of Chat" not in html
    assert f"{len(report.examples[0].answers['base'].text) - MOST_CHARACTERS:,} more characters" in html
    assert "too long to be compared word by word" in html
    assert "the end of Chat" in whole
    assert "more characters" not in whole


def test_a_chat_of_many_turns_is_cut_as_one(shop: Workshop) -> None:
    report = told(shop, shop.go(shop.train()).run_id)
    turn = {"role": "user", "content": "x" * 1500}
    chat = replace(report.examples[0], messages=(turn,) * 40)
    html = report_html(replace(report, examples=(chat,)))
    assert html.count("x" * 1000) == 3
    assert "1,500 more characters" in html
    assert report_html(replace(report, examples=(chat,)), whole=True).count("x" * 1500) == 40


# On the command line.


@pytest.fixture
def typed(shop: Workshop, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Give the workshop, whose database and files the commands read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNELOOP_CONFIG", raising=False)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TUNELOOP_FILES_URL", str(tmp_path / "files"))
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    return shop


@pytest.mark.usefixtures("typed")
def test_the_report_is_a_file_that_only_its_owner_reads(
    judged: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", judged[:9]]) == 0
    path = tmp_path / f"report-{judged}.html"
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    out = capsys.readouterr().out
    assert out.startswith(f"worse: report-{judged}.html, ")
    # Texts are in the file, and nowhere else.
    assert "@example.com" not in out
    assert run(["report", judged, "--out", "mine.html", "--worst", "2"]) == 0
    assert (tmp_path / "mine.html").read_text().count("<article") == 2
    assert not list(tmp_path.glob("*.part"))


def test_the_json_holds_the_same(
    typed: Workshop, judged: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", judged, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    report = told(typed, judged)
    assert (found["schema"], found["rest"], len(found["examples"])) == (SCHEMA, 0, len(report.examples))
    assert found["examples"][0]["answers"]["challenger"]["text"] == report.examples[0].answers["challenger"].text
    assert found["examples"][0]["answers"]["challenger"]["marks"][0].keys() == {"start", "end", "kind", "text"}
    assert run(["report", judged, "--json", "--out", "r.json", "--all"]) == 0
    assert json.loads((tmp_path / "r.json").read_text()) == found
    # What people are shown is written in it.
    html = unescape(re.sub(r"<[^>]+>", "", report_html(report)))
    assert found["verdict"]["sentence"] in html
    for example in found["examples"]:
        assert example["human"]["text"] in html
        assert all(message["content"] in html for message in example["messages"])
    assert found["cost"]["training_tokens"] == report.cost.training_tokens
    assert found["curve"]["sentence"] in html


@pytest.mark.usefixtures("typed")
def test_what_cannot_be_reported_is_refused_with_its_remedy(
    judged: str, shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", judged, "--worst", "3", "--all"]) == 2
    assert "Give one of them." in capsys.readouterr().err
    assert run(["report", judged, "--against", "nobody"]) == 2
    assert run(["report", "run-unknown"]) == 1
    assert run(["report", shop.start()]) == 1
    assert "tuneloop runs list tells where it stands." in capsys.readouterr().err
    assert run(["report", judged, "--out", "no/such/folder/r.html"]) == 1
    assert "no/such/folder/r.html.part" in capsys.readouterr().err


# The curve.


def test_the_curve_is_drawn_of_the_runs_that_were_judged(typed: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "curve", "summaries"]) == 0
    assert capsys.readouterr().out == "No run of it was judged yet.\n"
    runs = []
    for number in range(1, 5):
        runs.append(typed.go(typed.train(number, voice=half_leaking)).run_id)
        typed.fill(30 + 30 * number, 60 + 30 * number)
    capsys.readouterr()
    assert run(["models", "curve", "summaries", "--metric", "chrf", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    sizes = [point["trained_on"] for point in found["points"]]
    assert [point["run_id"] for point in found["points"]] == runs
    assert sizes == sorted(sizes)
    assert {point["n"] for point in found["points"]} == {found["common"]}
    assert found["sentence"].startswith("Whether labelling still pays cannot be told yet: ")
    assert run(["models", "curve", "summaries"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Whether labelling still pays cannot be told yet: ")
    assert lines[1].startswith("pii_leak (answers with personal data, lower is better)")
    assert len(lines) == 6
    # An earlier run's report knows nothing of later ones.
    curve = told(typed, runs[1]).curve
    assert curve is not None
    assert [point.run_id for point in curve.points] == runs[:2]


@pytest.mark.usefixtures("typed")
def test_a_curve_of_what_there_is_not_is_refused(judged: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged
    assert run(["models", "curve", "summaries", "--metric", "rouge"]) == 1
    assert "There are: chrf, pii_leak" in capsys.readouterr().err
    assert run(["models", "curve", "nobody"]) == 1
    assert "There are: summaries" in capsys.readouterr().err


def test_a_judges_values_make_no_curve(shop: Workshop, judged: str) -> None:
    evaluation = shop.evaluations.evaluation(judged)
    assert evaluation is not None
    with shop.engine.begin() as connection:
        facts = {name: value for name, value in evaluation.items() if name != "at"}
        judging = {"figures": {"pii_leak": {"base": {"judge": "box/judge"}}}}
        connection.execute(sa.update(evaluations).where(evaluations.c.run_id == judged).values(facts=facts | judging))
    with pytest.raises(NoCurve, match="pii_leak is a judge's"):
        draw_pipeline_curve("summaries", ReportStores(shop), metric="pii_leak")
    curve = draw_pipeline_curve("summaries", ReportStores(shop))
    assert curve is not None
    assert curve.metric == "chrf"
