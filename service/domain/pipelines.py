"""One pipeline: which labels it reads, when it trains, with what, and what counts as better."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from service.domain.base_models import line_limit_of
from service.domain.checks import CHECKS, MAX_LINE_TOKENS, Action
from service.domain.contents import Form
from service.domain.fingerprints import NEAR
from service.domain.metric_specs import MetricSpec
from service.domain.phone_numbers import DEFAULT_REGIONS


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """Which labels become examples, and how.

    Attributes:
        project: Labelbox's id of the project.
        accept: ``done`` for approved labels, ``submitted`` also for those that nobody reviewed yet.
        kind: What the project holds, where ontology and data leave a choice.
        response: The questions that hold the answer, or the tool that decides, where several could be meant.
        where: Only labels whose answer to this question is among these options count.
        assistant: Who is the assistant in uploaded conversations, by name or id.
        conversation: Whether an answer goes on with a conversation or speaks about its ``transcript``.
    """

    project: str
    accept: Literal["done", "submitted"] = "done"
    kind: Literal["conversation", "preference"] | None = None
    response: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    assistant: tuple[str, ...] = ()
    conversation: Literal["turns", "transcript"] | None = None


@dataclass(frozen=True, slots=True)
class TriggerPolicy:
    """When enough is new.

    Attributes:
        threshold: Newly accepted or changed examples since the last run's snapshot.
        quiet: Nothing may have changed for this long, so that a burst becomes one run.
        max_wait: After this long a burst that never ends is cut.
        cooldown: At the earliest this long after the last run of new examples began.
        max_failures: After so many runs failed in a row none starts by itself; 0 is never.
    """

    threshold: int = 50
    quiet: timedelta = timedelta(seconds=30)
    max_wait: timedelta = timedelta(minutes=10)
    cooldown: timedelta = timedelta(hours=6)
    max_failures: int = 3


@dataclass(frozen=True, slots=True)
class DatasetPolicy:
    """How examples are divided; shares are of groups, in percent.

    Attributes:
        min_train: No run with fewer examples to train on; servers of OpenAI's shape refuse fewer than 10.
        min_validation: No run with fewer that watch the training.
        min_held_out: No run with fewer to judge by.
        group_by: What is never divided: see ``splits.read_grouping``.
        near_duplicates: From this similarity on prompts are never divided either; 1 is only the same.
        max_tokens: No line with more: a trainer would cut it, and what is cut is the answer. See also
            ``Pipeline.max_line_tokens``.
    """

    held_out_percent: float = 20
    validation_percent: float = 10
    min_train: int = 10
    min_validation: int = 0
    min_held_out: int = 5
    group_by: str = "prompt"
    near_duplicates: float = NEAR
    max_tokens: int = MAX_LINE_TOKENS


@dataclass(frozen=True, slots=True)
class ChecksPolicy:
    """What happens to examples that something is wrong with.

    Attributes:
        actions: By code of ``CHECKS``, where it is not the check's own.
        phone_regions: Countries whose phone numbers are known without their code as well, by ISO 3166.
        presidio: Whether Presidio looks for personal data besides our own patterns.
        presidio_model: The spaCy model that finds names for it; without one, the usual if it is installed.
    """

    actions: Mapping[str, Action] = field(default_factory=dict)
    phone_regions: tuple[str, ...] = DEFAULT_REGIONS
    presidio: bool = False
    presidio_model: str | None = None

    def action_of(self, code: str) -> Action:
        """Give what happens to an example with this finding, a code of ``CHECKS``."""
        return self.actions.get(code, CHECKS[code].action)


@dataclass(frozen=True, slots=True)
class TrainPolicy:
    """What is trained where.

    Attributes:
        format: How lines of supervised training are written.
        min_days_left: No run for a model that shuts down sooner; 0 lets every model pass.
    """

    trainer: str
    model: str
    method: Literal["supervised", "preference"] = "supervised"
    format: Literal["chat", "completion"] = "chat"
    hyperparameters: Mapping[str, float | str] = field(default_factory=dict)
    suffix: str | None = None
    min_days_left: int = 30


@dataclass(frozen=True, slots=True)
class VerdictPolicy:
    """What counts as better.

    Attributes:
        primary: The metric that has to get better.
        guard: Metrics that must not get worse.
        alpha: How probable it may be that luck promotes a model, over all looks at the same questions.
        guard_margin: How far a guard may fall, in hundredths of its range; one for all, or by metric.
        guard_proven: Whether it has to be proven that a guard fell no farther.
        budget_usd: What the answers of one evaluation may cost, in US dollars; None is no limit.
        max_questions: At most so many held-out examples are asked; None for all.
        sampling: How models are asked, fields of ``Sampling``, where not as the trainer's table says.
    """

    primary: str = "pii_leak"
    guard: tuple[str, ...] = ("chrf",)
    promote: Literal["automatic", "manual"] = "automatic"
    alpha: float = 0.05
    guard_margin: Mapping[str, float] | float = 2.0
    guard_proven: bool = False
    budget_usd: float | None = None
    max_questions: int | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)


GapMoment = Literal["verdict", "schedule"]


@dataclass(frozen=True, slots=True)
class GapPolicy:
    """What goes back to the labelers, see ``tuneloop labelbox gaps``.

    Attributes:
        automatic: Whether by itself.
        when: By itself after each new ``verdict``, or on a ``schedule`` whether there was one or not.
        most: So many rows may be out at once when it goes by itself.
        every: At the earliest this long after the last plan, by itself.
        control_percent: The share of a plan that is only recorded, to compare with what was sent.
        stale_after: A label that nobody touched for this long is asked about again; 0 never.
        priority: Of the rows, 1 is the highest.
        kinds: Keys of ``gaps.KINDS``; empty for all.
        datasets: Where unlabelled prompts are, by name or id; the dataset of the setup unless given.
    """

    automatic: bool = False
    when: GapMoment = "verdict"
    most: int = 25
    every: timedelta = timedelta(days=7)
    control_percent: float = 20
    stale_after: timedelta = timedelta(days=180)
    priority: int = 1
    kinds: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """US dollars that may be spent: by everything, at one trainer, or by one pipeline; None is no limit.

    Attributes:
        run_usd: On one run.
        month_usd: In a month of the calendar, in UTC.
        approve_above_usd: A dearer run waits for a person.
        warn_percent: From this share of ``month_usd`` on people are told.
    """

    run_usd: float | None = None
    month_usd: float | None = None
    approve_above_usd: float | None = None
    warn_percent: float = 80

    @property
    def is_set(self) -> bool:
        """Whether anything is limited."""
        return (self.run_usd, self.month_usd, self.approve_above_usd) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One way from a Labelbox project to a champion; ``metrics`` are those of its own, by name."""

    name: str
    labels: LabelPolicy
    train: TrainPolicy
    system: str | None = None
    trigger: TriggerPolicy = TriggerPolicy()
    dataset: DatasetPolicy = DatasetPolicy()
    checks: ChecksPolicy = ChecksPolicy()
    verdict: VerdictPolicy = VerdictPolicy()
    budget: Budget = Budget()
    metrics: Mapping[str, MetricSpec] = field(default_factory=dict)
    gaps: GapPolicy = GapPolicy()

    @property
    def form(self) -> Form:
        """What its training lines are for."""
        return "preference" if self.train.method == "preference" else self.train.format

    @property
    def max_line_tokens(self) -> int:
        """How long a line may be: as the policy says, but no longer than its model learns from."""
        return min(self.dataset.max_tokens, line_limit_of(self.train.model))
