"""Notices to people, through one of the services that apprise knows."""

import logging
import warnings
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import SecretStr

from service.domain.errors import ChannelFailed
from service.domain.notices import Notice

TIMEOUT_S = 30.0
_SEVERITY: Mapping[str, str] = {
    "promoted": "success",
    "failed": "failure",
    "breaker_open": "failure",
    "channel_gone": "failure",
    "awaiting_approval": "warning",
    "needs_attention": "warning",
    "budget_near": "warning",
    "model_dying": "warning",
    "training_ends": "warning",
    "orphan_found": "warning",
    "run_slow": "warning",
    "run_paused": "warning",
    "reconcile_failing": "warning",
    "dead_letters": "warning",
}


class AppriseChannel:
    """See ``NoticeChannel``.

    Args:
        address: One address, which holds tokens and is never shown; None while its variable is not set.
        timeout_s: For everything that the service needs for one notice.
    """

    def __init__(self, address: SecretStr | None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._address = address
        self._timeout_s = timeout_s

    def send(self, notice: Notice, *, message_id: str, at: datetime, now: datetime) -> None:  # noqa: ARG002 - apprise knows none of these
        """See ``NoticeChannel``; apprise has no message ids, so that a repeat is seen as one."""
        result = self._way.notify(
            body=notice.text, title=notice.title, notify_type=_SEVERITY.get(notice.kind, "info"), body_format="text"
        )
        if not result:
            raise ChannelFailed(f"{self._service} did not take it", remedy=_REMEDY)

    def describe(self) -> str:
        """See ``NoticeChannel``."""
        return f"apprise, {self._service}"

    @property
    def _service(self) -> str:
        return ", ".join(str(way.service_name) for way in self._way)

    @cached_property
    def _way(self) -> Any:  # noqa: ANN401 - apprise has no types
        import apprise  # lazily, as it does with its hundred services

        # It logs addresses that it cannot read, and what services answered.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        if self._address is None:
            raise ChannelFailed("the variable that apprise_env names is not set", remedy="Set it, see docs/notices.md.")
        asset = apprise.AppriseAsset(
            app_id="Tuneloop", app_desc="Tuneloop", app_url="", service_timeout=self._timeout_s, secure_logging=True
        )
        found = apprise.Apprise(asset=asset)
        with warnings.catch_warnings():
            # One of its modules still imports what Python is about to drop.
            warnings.simplefilter("ignore", DeprecationWarning)
            is_read = found.add(self._address.get_secret_value())
        if not is_read or len(found) != 1:
            raise ChannelFailed("apprise cannot read the address", remedy=_REMEDY)
        return found


_REMEDY = "Try the address with apprise itself, which tells why: .venv/bin/apprise -vv -t test -b test ADDRESS"
