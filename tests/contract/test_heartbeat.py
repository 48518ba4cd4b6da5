"""The heartbeat beside the work."""

import time
from threading import Event

import pytest
from structlog.testing import capture_logs

from service.adapters.heartbeat import beating
from service.domain.errors import InboxUnavailable


def test_it_beats_for_as_long_as_the_work_lasts_and_no_longer() -> None:
    beats: list[float] = []
    third = Event()

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 3:
            third.set()

    with beating(beat, every_s=0.01):
        assert third.wait(10)
    count = len(beats)
    time.sleep(0.05)
    assert len(beats) == count


def test_a_beat_that_fails_ends_neither_the_work_nor_the_beating() -> None:
    second = Event()
    beats: list[int] = []

    def beat() -> None:
        beats.append(1)
        if len(beats) == 2:
            second.set()
        raise InboxUnavailable

    with capture_logs() as logs, beating(beat, every_s=0.01):
        assert second.wait(10)
    assert logs[0] == {"event": "heartbeat_failed", "error": "InboxUnavailable", "log_level": "warning"}


def test_work_that_fails_ends_the_beating_too() -> None:
    beats: list[int] = []
    with pytest.raises(ZeroDivisionError), beating(lambda: beats.append(1), every_s=0.01):
        raise ZeroDivisionError
    count = len(beats)
    time.sleep(0.05)
    assert len(beats) == count
