from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.http_waits import retry_after_s
from service.domain.alerts import paused, since, slow
from service.domain.outcomes import PAUSED_AFTER, REFUSALS, SLOW_AFTER, remedy_of_failure, train_elsewhere
from service.domain.upload_names import run_of_upload, upload_name
from tests.support.builders import make_run
from tests.support.fakes import NOON

hexes = st.text("0123456789abcdef", min_size=16, max_size=16)
run_ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1).map(lambda text: f"run-{text}")


@given(sha=hexes, installation=hexes, run_id=run_ids, split=st.sampled_from(["train", "validation"]))
def test_an_upload_names_its_run_to_its_own_installation_alone(
    sha: str, installation: str, run_id: str, split: str
) -> None:
    name = upload_name(split, sha * 4, installation=installation, run_id=run_id)  # type: ignore[arg-type] # one of the two
    assert run_of_upload(name, installation=installation) == run_id
    assert run_of_upload(name, installation="x" + installation) is None


@pytest.mark.parametrize(
    "name", ["", "train-1.jsonl", "train-abababababababab.jsonl", "other-abababababababab-01234567-1.jsonl"]
)
def test_other_names_are_nobodys(name: str) -> None:
    assert run_of_upload(name, installation="0123456789abcdef") is None


@given(st.text(), st.lists(st.text()))
def test_every_failure_has_a_remedy(code: str, kinds: list[str]) -> None:
    assert remedy_of_failure(code, kinds)
    assert remedy_of_failure(None, kinds)


def test_a_failed_job_is_never_told_to_be_approved() -> None:
    """It has ended: only another run can try again."""
    assert not any("runs approve" in remedy_of_failure(code, []) for code in REFUSALS)


def test_only_what_is_about_money_waits_for_a_person() -> None:
    assert {refusal.asks for refusal in REFUSALS.values() if refusal.is_about_money} == {True}
    assert {refusal.asks for refusal in REFUSALS.values() if not refusal.is_about_money} == {False}


def test_every_code_stands_in_the_document() -> None:
    document = (Path(__file__).parents[2] / "docs" / "runs.md").read_text(encoding="utf-8")
    assert [code for code in REFUSALS if f"`{code}`" not in document] == []


def test_the_other_trainers_are_named_in_order() -> None:
    assert "configured: a, b. Train the same snapshot there: COMMAND;" in train_elsewhere("COMMAND", ["b", "a"])


@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_slow_and_paused_runs_are_told_of_from_their_hour_on(waited: timedelta) -> None:
    run = make_run(job_id="ftjob-1")
    assert (slow(run, NOON, now=NOON + waited, what="x") is not None) == (waited >= SLOW_AFTER)
    assert (paused(run, NOON, now=NOON + waited) is not None) == (waited >= PAUSED_AFTER)


def test_one_wait_is_one_notice_and_another_is_another() -> None:
    run = make_run(job_id="ftjob-1")
    found = [slow(run, NOON, now=NOON + hours * SLOW_AFTER, what="x") for hours in (1, 2)]
    later = slow(run, NOON + SLOW_AFTER, now=NOON + 2 * SLOW_AFTER, what="x")
    assert len({notice.key for notice in found if notice}) == 1
    assert later is not None
    assert later.key not in {notice.key for notice in found if notice}


def test_a_moment_that_was_not_written_down_is_now() -> None:
    assert since(make_run(), "paused_since", NOON) == NOON
    assert since(make_run(facts={"paused_since": NOON.isoformat()}), "paused_since", NOON + SLOW_AFTER) == NOON


# How long a server asks us to wait.


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7200"}, 7200),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "1e99"}, 86_400),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": "Fri, 27 Nov 2026 12:10:00 GMT", "date": "Fri, 27 Nov 2026 12:00:00 GMT"}, 600),
        ({"retry-after": "Fri, 27 Nov 2026 11:00:00 GMT", "date": "Fri, 27 Nov 2026 12:00:00 GMT"}, 0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0),
        ({"retry-after": "Fri, 27 Nov 2026 12:10:00", "date": "Fri, 27 Nov 2026 12:00:00 GMT"}, None),
    ],
)
def test_a_wait_is_read_in_each_way_that_it_is_written(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text()))
def test_no_header_is_too_odd(headers: dict[str, str]) -> None:
    found = retry_after_s(headers)
    assert found is None or 0 <= found <= 86_400
