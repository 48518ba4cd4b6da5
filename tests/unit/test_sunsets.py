"""When models end, and what that says against paying for a training."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config.sunsets import sunsets_of
from service.domain.sunsets import WARN_DAYS, Sunset, Sunsets, sunset_reasons, threshold_of, when

TODAY = date(2026, 11, 27)
OPENAI, AZURE = sunsets_of("openai", {}, None), sunsets_of("azure", {}, None)
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))


def codes(sunset: Sunset, *, least: int = 30, today: date = TODAY) -> list[str]:
    found = sunset_reasons(sunset, model="m", trainer="t", min_days_left=least, today=today)
    return [reason.code for reason in found]


# Which date is a model's.


@pytest.mark.parametrize(
    ("model", "ends"),
    [
        ("gpt-4.1-mini-2025-04-14", date(2027, 1, 14)),
        ("ft:gpt-4.1-mini-2025-04-14:acme:summaries:Ajo5kvNY", date(2027, 1, 14)),
        ("ft:gpt-4.1-mini-2025-04-14:acme::Ajo5kvNY:ckpt-step-100", date(2027, 1, 14)),
        ("gpt-4.1-mini", date(2027, 1, 14)),
        # An alias stands for the version that lives longest, and a version without a date of its own for its alias.
        ("gpt-4o", date(2027, 1, 14)),
        ("gpt-4o-2024-05-13", date(2026, 10, 23)),
        ("o4-mini-2025-04-16", date(2026, 10, 23)),
        ("gpt-4-0613", date(2026, 10, 23)),
        ("gpt-6-luna", None),
        ("my-own-model", None),
    ],
)
def test_a_model_ends_with_its_base_however_it_is_named(model: str, ends: date | None) -> None:
    assert OPENAI.of(model).shutdown_on == ends


def test_azure_has_dates_of_its_own() -> None:
    tuned = AZURE.of("gpt-4.1-mini-2025-04-14.ft-0123456789abcdef0123456789abcdef")
    assert (tuned.shutdown_on, tuned.training_ends) == (date(2027, 10, 14), date(2027, 4, 14))
    assert AZURE.of("gpt-4o-2024-08-06").training_ends == date(2027, 4, 1)


def test_other_dialects_know_of_no_end() -> None:
    for dialect in ("nebius", "generic", "tuneloop"):
        assert sunsets_of(dialect, {}, None) == Sunsets()


def test_what_is_built_in_says_when_it_was_read_and_what_its_vendor_names_instead() -> None:
    found = OPENAI.of("gpt-4.1-mini-2025-04-14")
    assert (found.as_of, found.replacement) == (date(2026, 11, 23), "gpt-6-luna")
    assert found.in_words() == "2027-01-14 (trainable before 2027-01-06, read 2026-11-23)"


def test_the_file_overrides_what_is_built_in_and_adds_to_it() -> None:
    own = sunsets_of("openai", {"gpt-4.1-mini-2025-04-14": date(2028, 1, 1), "new": date(2029, 1, 1)}, date(2028, 6, 1))
    assert own.of("ft:gpt-4.1-mini-2025-04-14:a::b").shutdown_on == date(2028, 1, 1)
    assert own.of("gpt-4.1-mini-2025-04-14").as_of is None
    assert own.of("new").shutdown_on == date(2029, 1, 1)
    assert own.of("gpt-4.1-2025-04-14").shutdown_on == date(2027, 1, 14)
    assert {own.of(model).training_ends for model in ("new", "any", "gpt-4.1-2025-04-14")} == {date(2028, 6, 1)}


def test_a_last_day_of_training_in_the_file_holds_for_every_model_of_the_trainer() -> None:
    assert sunsets_of("azure", {}, date(2027, 9, 1)).of("gpt-4o-2024-08-06").training_ends == date(2027, 9, 1)


@given(written=st.none() | days, seen=st.none() | days)
def test_the_earlier_of_both_dates_counts(written: date | None, seen: date | None) -> None:
    known = [day for day in (written, seen) if day is not None]
    assert Sunsets({"m": Sunset(written)}).of("m", seen=seen).shutdown_on == min(known, default=None)


# What it says against a training.


@pytest.mark.parametrize(
    ("days_left", "text"),
    [
        (29, "m at t shuts down on 2026-12-26, in 29 days; at least 30 days are wanted (by the configuration)"),
        (1, "m at t shuts down on 2026-11-28, in 1 day; at least 30 days are wanted (by the configuration)"),
        (0, "m at t shut down on 2026-11-27 (by the configuration)"),
        (-35, "m at t shut down on 2026-10-23 (by the configuration)"),
    ],
)
def test_a_model_that_ends_too_soon_is_named_with_its_date_and_the_days_left(days_left: int, text: str) -> None:
    sunset = Sunset(TODAY + timedelta(days_left))
    (reason,) = sunset_reasons(sunset, model="m", trainer="t", min_days_left=30, today=TODAY)
    assert (reason.code, reason.text) == ("model_shuts_down", text)


def test_who_says_when_a_model_ends_is_said_where_it_is_known() -> None:
    at, day, sooner = datetime(2026, 11, 27, 6, 20, tzinfo=UTC), date(2026, 12, 10), date(2026, 12, 1)
    told = Sunsets({"m": Sunset(day, as_of=TODAY)}).of("m", seen=sooner, told_at=at)
    assert (told.shutdown_on, told.source) == (sooner, " (the trainer said so on 2026-11-27 06:20 UTC)")
    # What is written down counts where the trainer names a later day.
    assert Sunsets({"m": Sunset(sooner, as_of=TODAY)}).of("m", seen=day, told_at=at).source == (
        f" (built in, read {TODAY})"
    )
    assert Sunsets().of("m", seen=None, told_at=at).source == ""


def test_the_wanted_days_themselves_are_enough() -> None:
    assert codes(Sunset(TODAY + timedelta(30))) == []
    assert codes(Sunset(TODAY + timedelta(30)), least=31) == ["model_shuts_down"]


def test_nobody_starts_a_job_on_the_last_day_of_training_or_later() -> None:
    ends = Sunset(training_ends=date(2027, 1, 6))
    assert codes(ends, today=date(2027, 1, 4)) == []
    for day in (5, 6, 7):
        assert codes(ends, today=date(2027, 1, day)) == ["training_ends"]


def test_both_reasons_are_given_at_once_and_0_days_let_everything_pass() -> None:
    gone = Sunset(TODAY, training_ends=TODAY)
    assert codes(gone) == ["model_shuts_down", "training_ends"]
    assert codes(gone, least=0) == []
    assert codes(Sunset()) == []


@given(ends=days, least=st.integers(1, 400), today=days, later=st.integers(0, 1000))
def test_what_is_refused_once_stays_refused(ends: date, least: int, today: date, later: int) -> None:
    sunset = Sunset(ends, training_ends=ends)
    then = today + timedelta(later)
    assert set(codes(sunset, least=least, today=today)) <= set(codes(sunset, least=least, today=then))


def test_people_are_told_again_each_time_the_end_comes_nearer() -> None:
    told = {left: threshold_of(left) for left in (91, 90, 31, 30, 8, 7, 0, -5)}
    assert told == {91: None, 90: 90, 31: 90, 30: 30, 8: 30, 7: 7, 0: 7, -5: 7}
    assert threshold_of(None) is None
    assert sorted(WARN_DAYS, reverse=True) == [90, 30, 7]


def test_no_known_end_is_said_as_such() -> None:
    assert when(None, TODAY) == "has no known end"
