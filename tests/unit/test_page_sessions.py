"""Sessions, wrong tokens, and where a form came from."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web.pages.attempts import MOST, MOST_ADDRESSES, WINDOW_S, Attempts
from service.web.pages.origins import is_own_form, path_of_ours
from service.web.pages.sessions import LASTS, Sessions
from tests.support.fakes import ManualClock

OLD, NEW = b"an older admin token", b"a newer admin token"


def begun(sessions: Sessions, token: bytes) -> str:
    cookie = sessions.begin(token)
    assert cookie is not None
    return cookie


# Sessions.


def test_a_session_lasts_twelve_hours() -> None:
    clock = ManualClock()
    sessions = Sessions([NEW], clock)
    cookie = begun(sessions, NEW)
    clock.forward(LASTS.total_seconds() - 1)
    assert sessions.holds(cookie)
    clock.forward(1)
    assert not sessions.holds(cookie)
    assert timedelta(hours=12) == LASTS


@pytest.mark.parametrize("token", [b"", NEW[:-1], NEW + b"x", NEW.upper(), b"\xff" * 20])
def test_only_a_configured_token_begins_one(token: bytes) -> None:
    assert Sessions([OLD, NEW, b""], ManualClock()).begin(token) is None


def test_taking_a_token_out_ends_its_sessions_and_no_others() -> None:
    clock = ManualClock()
    both = Sessions([OLD, NEW], clock)
    old, new = begun(both, OLD), begun(both, NEW)
    assert (both.holds(old), both.holds(new)) == (True, True)
    later = Sessions([NEW], clock)
    assert (later.holds(old), later.holds(new)) == (False, True)


def test_without_tokens_there_is_no_session() -> None:
    clock = ManualClock()
    closed = Sessions([b""], clock)
    assert closed.begin(b"") is None
    assert not closed.holds(begun(Sessions([NEW], clock), NEW))


def test_the_cookie_does_not_hold_the_token() -> None:
    assert NEW.decode() not in begun(Sessions([NEW], ManualClock()), NEW)


@given(data=st.data())
def test_a_cookie_of_which_any_character_was_changed_is_worth_nothing(data: st.DataObject) -> None:
    sessions = Sessions([NEW], ManualClock())
    cookie = begun(sessions, NEW)
    place = data.draw(st.integers(0, len(cookie) - 1))
    other = data.draw(st.characters().filter(lambda found: found != cookie[place]))
    assert not sessions.holds(cookie[:place] + other + cookie[place + 1 :])


@given(cookie=st.text())
def test_no_made_up_cookie_counts_or_breaks_anything(cookie: str) -> None:
    assert not Sessions([NEW], ManualClock()).holds(cookie)


# Wrong tokens.


def clocked() -> tuple[Attempts, ManualClock]:
    clock = ManualClock()
    return Attempts(lambda: clock().timestamp()), clock


def test_after_some_wrong_tokens_an_address_has_to_wait() -> None:
    attempts, clock = clocked()
    for _ in range(MOST):
        assert attempts.wait_s("192.0.2.1") == 0
        attempts.missed("192.0.2.1")
        clock.forward(1)
    assert attempts.wait_s("192.0.2.1") == WINDOW_S - MOST
    assert attempts.wait_s("192.0.2.2") == 0
    clock.forward(WINDOW_S - MOST)
    assert attempts.wait_s("192.0.2.1") == 0


def test_all_addresses_of_one_ipv6_network_count_as_one() -> None:
    attempts, _ = clocked()
    for number in range(MOST):
        attempts.missed(f"2001:db8::{number:x}")
    assert attempts.wait_s("2001:db8::ffff") == WINDOW_S
    assert attempts.wait_s("2001:db8:0:1::1") == 0


def test_of_too_many_addresses_the_one_that_was_silent_longest_is_forgotten() -> None:
    attempts, _ = clocked()
    for number in range(MOST_ADDRESSES + 1):
        for _ in range(MOST if number < 2 else 1):
            attempts.missed(f"address {number}")
        if number == MOST_ADDRESSES - 1:
            attempts.missed("address 0")
    assert (attempts.wait_s("address 0"), attempts.wait_s("address 1")) == (WINDOW_S, 0)


# Where a form came from.


@pytest.mark.parametrize(
    ("headers", "is_own"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        # A proxy may have changed the host; the browser says what it saw.
        ({"sec-fetch-site": "same-origin", "origin": "https://tuneloop.example", "host": "10.0.0.5:8000"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://box:8000", "host": "box:8000"}, False),
        ({"origin": "http://box:8000", "host": "box:8000"}, True),
        ({"origin": "http://box:8001", "host": "box:8000"}, False),
        ({"origin": "http://evil.example", "host": "box"}, False),
        ({"origin": "null", "host": "box"}, False),
        ({"origin": "http://[", "host": "box"}, False),
        ({"host": "box"}, True),
    ],
)
def test_a_form_of_another_site_is_told_by_what_the_browser_says(headers: dict[str, str], *, is_own: bool) -> None:
    assert is_own_form(headers) == is_own


@pytest.mark.parametrize("path", ["/", "/runs/run-1", "/runs?pipeline=a%20b&x=1", "/~%C3%A9"])
def test_a_path_of_ours_may_be_gone_on_to(path: str) -> None:
    assert path_of_ours(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    ["", "runs", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "/a\r\nX: y", "/é"],
)
def test_nothing_else_is_gone_on_to(elsewhere: str) -> None:
    assert path_of_ours(elsewhere) == "/"
