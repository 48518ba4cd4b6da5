"""Telling people."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from service.domain.notices import Notice, Sending


class NoticeStore(Protocol):
    """What people should hear of, until they did."""

    def put(self, notice: Notice, *, now: datetime) -> bool:
        """Remember a notice; False where one of its kind and key was put before, which changes nothing."""


class NoticeChannel(Protocol):
    """A way to people or programs outside."""

    def send(self, notice: Notice, *, message_id: str, at: datetime, now: datetime) -> None:
        """Hand a notice over.

        Args:
            notice: What happened.
            message_id: The same at every try, so that the other side recognises a repeat.
            at: When it happened.
            now: When it is sent.

        Raises:
            ChannelFailed: It was not taken, or nobody can say whether it was.
            ChannelGone: It never will be, nor any other.
        """

    def describe(self) -> str:
        """Say what the channel is, without sending or connecting; nothing secret.

        Raises:
            ChannelFailed: It cannot be used as it is configured.
        """


class Outbox(Protocol):
    """Which notice still has to reach which channel."""

    def route(self, choose: Callable[[Notice], Sequence[str]], *, now: datetime) -> int:
        """Give every new notice to the channels that ``choose`` names; says how many notices that were."""

    def due(self, channels: Collection[str], *, now: datetime) -> list[str]:
        """Give those of these channels that something waits for and nobody serves or spares right now."""

    def lease(self, channel: str, *, until: datetime, now: datetime) -> bool:
        """Take a channel; False while another worker has it, or it is left alone after a failure."""

    def begin(self, channel: str, *, held_until: datetime, until: datetime, now: datetime) -> Sending | None:
        """Count a try of the oldest notice that is due, before it is made, and keep the channel.

        Args:
            channel: A leased one.
            held_until: The lease so far.
            until: How long it is kept now.
            now: The time.

        Returns:
            None if nothing is due, or another worker took the channel over.
        """

    def sent(self, sending: Sending, *, now: datetime) -> None:
        """Write that a notice was taken."""

    def failed(self, sending: Sending, error: str, *, now: datetime) -> None:
        """Write why it was not; it comes again after its pause, unless that was the last try."""

    def close(self, sending: Sending, error: str, fingerprint: str, *, now: datetime) -> None:
        """End a channel under this address, whatever still waits for it, and put a notice of that."""

    def release(self, channel: str, *, held_until: datetime, paused_until: datetime | None = None) -> None:
        """Give a channel back that is still one's own, perhaps to be left alone for a while."""

    def again(self, notice_id: str, channel: str, *, now: datetime) -> bool:
        """Let a notice that was given up come again, opening its channel if that ended; False if there is none."""

    def closed(self) -> Mapping[str, str]:
        """Give the channels that ended, each with the fingerprint of the address that it ended under."""

    def reopen(self, channel: str, *, now: datetime) -> None:
        """Let a channel that ended take notices again, the one that ended it included."""

    def recent(self, limit: int) -> list[Mapping[str, Any]]:
        """Give the newest notices first, each with ``deliveries`` by channel."""

    def tally(self) -> Mapping[tuple[str, str], int]:
        """Count deliveries by channel and state."""
