"""What a content is found to be, once for each content: its tokens, its fingerprint, and what the checks find."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from service.domain.checks import Limits, NameFinder, findings_of
from service.domain.contents import question_of
from service.domain.fingerprints import Fingerprint, fingerprint_of
from service.domain.labels import RowOutcome
from service.domain.line_tokens import LineCounter, counted_by
from service.domain.pipelines import Pipeline
from service.domain.splits import group_key

# Raised with every change of what the checks find: the next look at a whole project then appraises everything anew.
EDITION = 1

_CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What one content is found to be.

    Attributes:
        prompt_key: Its prompt's key.
        fingerprint: Its prompt's; None where it is too short to be nearly like another.
        tokens: Of all its lines, without each one's ``LineCounter.opening``.
        findings: Codes of ``checks.CHECKS``.
    """

    prompt_key: str
    fingerprint: Fingerprint | None
    tokens: int
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Appraiser:
    """Appraises contents for one pipeline.

    Attributes:
        pipeline: Whose model, system text and checks count.
        count_tokens: Counts a text's tokens as that model does.
        encoding: The name of its encoding.
        names: Finds more personal data than patterns do.
        made_with: What the tokens are counted by, and short for everything else of the pipeline that an appraisal
            depends on.
    """

    pipeline: Pipeline
    count_tokens: Callable[[str], int]
    encoding: str
    names: NameFinder | None = None
    made_with: str = field(init=False)
    _counter: LineCounter = field(init=False)

    def __post_init__(self) -> None:
        """Put together what it appraises by, once."""
        pipeline, checks = self.pipeline, self.pipeline.checks
        object.__setattr__(self, "_counter", LineCounter(pipeline.form, pipeline.system, self.count_tokens))
        seen_by = (checks.phone_regions, checks.presidio, checks.presidio_model)
        rules = (EDITION, pipeline.max_line_tokens, pipeline.system, *seen_by)
        digest = hashlib.sha256(repr(rules).encode()).hexdigest()[:12]
        object.__setattr__(self, "made_with", f"{counted_by(self.encoding, pipeline.form)}-{digest}")

    def rules(self) -> str:
        """Name everything by which a pipeline's examples are taken, held back or left out."""
        policy, dataset = self.pipeline.checks, self.pipeline.dataset
        actions = (self.made_with, sorted(policy.actions.items()), dataset.near_duplicates)
        return hashlib.sha256(repr(actions).encode()).hexdigest()[:16]

    def mark(self, outcome: RowOutcome) -> str:
        """Name everything that a row's appraisal depends on beside its content: the pipeline, and the question."""
        fewest, most = outcome.limits
        return f"{self.made_with}:{_CHOICE if outcome.is_choice else ''}{fewest or ''}-{most or ''}"

    def appraise(self, outcome: RowOutcome) -> Appraisal:
        """Appraise what a row says; it has a content."""
        content = outcome.content or ()
        question = question_of(content)
        lines = self._counter.lines(content)
        findings = findings_of(
            content,
            tokens=max(lines, default=0),
            max_tokens=self.pipeline.max_line_tokens,
            is_choice=outcome.is_choice,
            limits=Limits(*outcome.limits),
            names=self.names,
            regions=self.pipeline.checks.phone_regions,
        )
        tokens = sum(lines) - self._counter.opening * len(lines)
        return Appraisal(group_key(question), fingerprint_of(question), tokens, findings)


def question_in(mark: str) -> tuple[bool, tuple[int | None, int | None]]:
    """Read back from a mark whether the answer is ticked, and its limits; of no mark, a text without limits."""
    asked = mark.rpartition(":")[2]
    fewest, _, most = asked.removeprefix(_CHOICE).partition("-")
    return asked.startswith(_CHOICE), (int(fewest) if fewest else None, int(most) if most else None)
