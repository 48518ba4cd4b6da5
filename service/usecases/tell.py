"""Tell people: give new notices to the channels that want them, and hand over what waits for a channel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.domain.errors import ChannelFailed, ChannelGone, ServiceError
from service.domain.notices import LONGEST_SILENCE, MAX_ATTEMPTS, Interest, Sending, pause_after
from service.ports import Clock, DeadLetters, JobQueue, NoticeChannel, Outbox

LETTER = "notice"
# Longer than any try takes, or another worker would begin it again meanwhile.
LEASE = timedelta(minutes=2)
# So long a job goes on with one channel before others have a turn.
SLICE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Target:
    """A channel as it is configured.

    Attributes:
        fingerprint: Changes with the address, so that a channel that ended begins anew under another.
        connect: Makes the way to it, which may take a while or be impossible.
    """

    name: str
    interest: Interest
    fingerprint: str
    connect: Callable[[], NoticeChannel]


@dataclass(frozen=True, slots=True)
class Told:
    """What a job did at a channel.

    Attributes:
        failure: Why it ended early, None if it did not.
    """

    sent: int = 0
    failure: ServiceError | None = None


@dataclass(frozen=True)
class Telling:
    """Everything that telling works with.

    Attributes:
        targets: By name, in the order of the configuration.
    """

    targets: Mapping[str, Target]
    outbox: Outbox
    letters: DeadLetters
    queue: JobQueue
    clock: Clock
    lease: timedelta = LEASE

    def call(self) -> None:
        """Route what is new and wake a job for each channel that something is due for; cheap where there is nothing."""
        now = self.clock()
        self.outbox.route(
            lambda notice: [name for name, target in self.targets.items() if target.interest.covers(notice)], now=now
        )
        if not self.targets:
            return
        for name, fingerprint in self.outbox.closed().items():
            if name in self.targets and self.targets[name].fingerprint != fingerprint:
                self.outbox.reopen(name, now=now)
        for name in self.outbox.due(list(self.targets), now=now):
            self.queue.wake("send_notices", name)

    def send(self, name: str) -> Told:
        """Hand over what is due at one channel, the oldest first, until it fails or others should have a turn.

        At least once: a worker that is killed before it could write that a notice was taken has it come again,
        under the same message id.
        """
        begin = self.clock()
        held_until = begin + self.lease
        if name not in self.targets or not self.outbox.lease(name, until=held_until, now=begin):
            return Told()
        sent = 0
        while (now := self.clock()) < begin + SLICE:
            until = now + self.lease
            sending = self.outbox.begin(name, held_until=held_until, until=until, now=now)
            if sending is None:
                self.outbox.release(name, held_until=held_until)
                return Told(sent)
            held_until = until
            failure = self._hand_over(sending, self.targets[name])
            if failure is not None:
                now = self.clock()
                silence = min(pause_after(sending.attempts), LONGEST_SILENCE)
                self.outbox.release(name, held_until=held_until, paused_until=now + silence)
                return Told(sent, failure)
            sent += 1
        self.outbox.release(name, held_until=held_until)
        self.queue.wake("send_notices", name)
        return Told(sent)

    def _hand_over(self, sending: Sending, target: Target) -> ServiceError | None:
        try:
            if sending.attempts > MAX_ATTEMPTS:
                # Every try so far ended with the worker.
                raise ChannelFailed("no try ever came to its end")  # noqa: TRY301 - the same as any other failure
            target.connect().send(sending.notice, message_id=sending.message_id, at=sending.at, now=self.clock())
        except ChannelGone as error:
            self._put_letter(sending, error)
            self.outbox.close(sending, str(error), target.fingerprint, now=self.clock())
            return error
        except ChannelFailed as error:
            self._note_failure(sending, error)
            return error
        self.outbox.sent(sending, now=self.clock())
        # Its letter, where it had been given up and comes again because its channel does.
        self.letters.settle(LETTER, [letter_subject(sending)], now=self.clock())
        return None

    def _note_failure(self, sending: Sending, error: ChannelFailed) -> None:
        if sending.attempts >= MAX_ATTEMPTS:
            # First the letter: killed in between, the notice is tried once more and the letter is the same.
            self._put_letter(sending, error)
        self.outbox.failed(sending, str(error), now=self.clock())

    def _put_letter(self, sending: Sending, error: ServiceError) -> None:
        self.letters.put(LETTER, letter_subject(sending), error, content=None, now=self.clock())


def letter_subject(sending: Sending) -> str:
    """Give what a notice's dead letter is about; ``send_again`` reads it."""
    return f"{sending.notice.notice_id} {sending.channel}"


def send_again(subject: str, outbox: Outbox, clock: Clock) -> bool:
    """Let the notice of a dead letter come again; False if it was forgotten meanwhile."""
    notice_id, _, channel = subject.partition(" ")
    return outbox.again(notice_id, channel, now=clock())
