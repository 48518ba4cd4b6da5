"""When models and trainers end, and whether a job would still be worth its money."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from service.domain.base_models import base_of
from service.domain.plurals import how_many
from service.domain.triggers import Reason

# People hear of an end this many days before it, and once more each time it comes nearer.
WARN_DAYS = (90, 30, 7)
# A job is created on the last day at the latest, and a trainer's midnight need not be ours.
_TRAINING_MARGIN = timedelta(days=1)
# What a name of a model's version ends in: gpt-4.1-2025-04-14, gpt-3.5-turbo-0125.
_VERSION = re.compile(r"-\d{4}(?:-\d{2}-\d{2})?$")


@dataclass(frozen=True, slots=True)
class Sunset:
    """How long a model is there; None where nothing is known.

    Attributes:
        shutdown_on: From this day it answers nobody, nor does any model tuned from it.
        training_ends: From this day nobody can create a job for it.
        as_of: The day on which that was read, for what is built in.
        replacement: What its vendor names in its place.
        told_at: When the trainer itself named that shutdown; None where it is written down.
    """

    shutdown_on: date | None = None
    training_ends: date | None = None
    as_of: date | None = None
    replacement: str | None = None
    told_at: datetime | None = None

    @property
    def source(self) -> str:
        """Say in brackets who says when it shuts down, to stand at the end of a sentence; empty without a day."""
        if self.shutdown_on is None:
            return ""
        if self.told_at:
            return f" (the trainer said so on {self.told_at:%Y-%m-%d %H:%M} UTC)"
        return f" (built in, read {self.as_of})" if self.as_of else " (by the configuration)"

    def days_left(self, today: date) -> int | None:
        """Give the days until it shuts down, negative once it has; None where no date is known."""
        return None if self.shutdown_on is None else (self.shutdown_on - today).days

    def in_words(self) -> str:
        """Write the dates out."""
        read = f"read {self.as_of}" if self.as_of else ""
        trained = f"trainable before {self.training_ends}" if self.training_ends else ""
        notes = ", ".join(filter(None, (trained, read)))
        return f"{self.shutdown_on or 'no end known'}{f' ({notes})' if notes else ''}"


@dataclass(frozen=True, slots=True)
class Sunsets:
    """What is written down of a trainer's ends.

    Attributes:
        models: By base model.
        training_ends: From this day nobody can create a job there, whatever the model.
    """

    models: Mapping[str, Sunset] = field(default_factory=dict)
    training_ends: date | None = None

    def of(self, model: str, *, seen: date | None = None, told_at: datetime | None = None) -> Sunset:
        """Give how long a model is there, tuned or not: the earliest of all that is known.

        Args:
            model: Its name at the trainer; a tuned model ends with its base.
            seen: When the trainer itself says that it shuts down.
            told_at: When it said that.
        """
        written = self.models.get(model) or self._of_base(base_of(model)) or Sunset()
        ends = _earliest(written.shutdown_on, seen)
        return Sunset(
            shutdown_on=ends,
            training_ends=_earliest(written.training_ends, self.training_ends),
            as_of=written.as_of,
            replacement=written.replacement,
            told_at=None if ends == written.shutdown_on else told_at,
        )

    def _of_base(self, base: str) -> Sunset | None:
        """Find a base by its name, or the version that an alias stands for, or the alias that a version belongs to."""
        if found := self.models.get(base) or self.models.get(_VERSION.sub("", base)):
            return found
        versions = [sunset for name, sunset in self.models.items() if _VERSION.sub("", name) == base]
        # An alias names the version that lives longest.
        return max(versions, key=lambda sunset: sunset.shutdown_on or date.max, default=None)


def sunset_reasons(sunset: Sunset, *, model: str, trainer: str, min_days_left: int, today: date) -> tuple[Reason, ...]:
    """Give what speaks against paying for a training: a model about to go, a trainer that takes no more jobs.

    Args:
        sunset: How long the model is there.
        model: Its name, for the words.
        trainer: Where, for the words.
        min_days_left: A tuned model must be of use for so long; 0 lets everything pass.
        today: In UTC.
    """
    if not min_days_left:
        return ()
    found = []
    left = sunset.days_left(today)
    if left is not None and left < min_days_left:
        wanted = f"; at least {min_days_left} days are wanted" if left > 0 else ""
        text = f"{model} at {trainer} {when(sunset.shutdown_on, today)}{wanted}{sunset.source}"
        facts = {"shutdown_on": str(sunset.shutdown_on), "days_left": left, "need": min_days_left}
        found.append(Reason("model_shuts_down", text, {"model": model, "trainer": trainer, **facts}))
    if sunset.training_ends is not None and today >= sunset.training_ends - _TRAINING_MARGIN:
        text = f"{trainer} trains {model} for nobody from {sunset.training_ends} on"
        facts = {"model": model, "trainer": trainer, "training_ends": str(sunset.training_ends)}
        found.append(Reason("training_ends", text, facts))
    return tuple(found)


def when(shutdown_on: date | None, today: date) -> str:
    """Write when something shuts down: ``shuts down on 2027-01-14, in 48 days``."""
    if shutdown_on is None:
        return "has no known end"
    left = (shutdown_on - today).days
    if left <= 0:
        return f"shut down on {shutdown_on}"
    return f"shuts down on {shutdown_on}, in {how_many(left, 'day')}"


def threshold_of(days_left: int | None) -> int | None:
    """Give the nearest of ``WARN_DAYS`` that has been passed, None while there is time."""
    return None if days_left is None else min((days for days in WARN_DAYS if days_left <= days), default=None)


def _earliest(*moments: date | None) -> date | None:
    return min((moment for moment in moments if moment is not None), default=None)
