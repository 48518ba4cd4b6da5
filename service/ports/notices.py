"""Telling people."""

from datetime import datetime
from typing import Protocol

from service.domain.notices import Notice


class NoticeStore(Protocol):
    """What people should hear of, until they did."""

    def put(self, notice: Notice, *, now: datetime) -> bool:
        """Remember a notice; False where one of its kind and key was put before, which changes nothing."""
