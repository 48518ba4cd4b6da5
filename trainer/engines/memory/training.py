"""Training: the memory grows line by line, then learns which of its answers can be relied on.

Every reported number is measured before a line is learned, or with the line left out: a loss says how the model does on
lines that it does not know.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice

from trainer.engine import Report, TrainingFailed, TrainingTask
from trainer.engines.memory.index import Neighbour
from trainer.engines.memory.measures import Measure, Words, mean, measure
from trainer.engines.memory.memory import Memory, read_pairs
from trainer.engines.memory.pairs import Pair, pairs_of
from trainer.engines.memory.text import count_tokens
from trainer.values import JsonObject, StepMetrics

RATE = 0.05
FASTEST = 10.0
USUAL_ACCURACY = 0.5
MEASURED_STEPS = 20
"""How many steps of a job also measure a batch of the validation file."""


class Training:
    """One job's training."""

    def __init__(self, task: TrainingTask) -> None:
        self._task = task
        self._memory, self._lines = _memory_of(task)
        self._validation = [pair for line in task.validation or () for pair in pairs_of(line, task.method)]
        self._words = Words()
        self._settled: dict[int, list[Neighbour]] = {}
        self._learned: set[int] = set()
        self._usual = USUAL_ACCURACY
        self._total_steps = task.hyperparameters.steps(len(self._lines))
        self._steps_an_epoch = self._total_steps // task.hyperparameters.n_epochs

    def run(self, report: Report) -> None:
        """Train to the end, from the last checkpoint where there is one."""
        for number in self._parents():
            self._learn(number)
        step = self._resume()
        while step < self._total_steps:
            epoch, self._usual = step // self._steps_an_epoch, USUAL_ACCURACY
            for batch in self._batches(epoch):
                step += 1
                metrics = self._step(step, batch, report)
                report.step(metrics)
            report.checkpoint(metrics, self._memory.save)

    def _parents(self) -> range:
        return range(len(self._memory.pairs) - sum(map(len, self._lines)))

    def _resume(self) -> int:
        if not self._task.checkpoints:
            return 0
        last = self._task.checkpoints[-1]
        _, self._memory.reliability = read_pairs(last.folder)
        for number in range(len(self._memory.pairs)):
            self._learn(number)
        return last.step

    def _batches(self, epoch: int) -> Iterator[list[int]]:
        """Give the epoch's lines in an order of its own, as the numbers of their pairs, batch by batch."""
        lines = iter(sorted(range(len(self._lines)), key=lambda line: _shuffled(self._task.seed, epoch, line)))
        while batch := list(islice(lines, self._task.hyperparameters.batch_size)):
            yield [number for line in batch for number in self._lines[line]]

    def _step(self, step: int, batch: Sequence[int], report: Report) -> StepMetrics:
        trained = mean([self._test(number) for number in batch])
        for number in batch:
            self._learn(number)
        batch_size = self._task.hyperparameters.batch_size
        ends_epoch = step % self._steps_an_epoch == 0
        part = full = None
        if self._validation and (ends_epoch or step % max(1, self._total_steps // MEASURED_STEPS) == 0):
            start = step * batch_size % len(self._validation)
            part = self._validate(range(start, min(start + batch_size, len(self._validation))), report)
            full = self._validate(range(len(self._validation)), report) if ends_epoch else None
        return StepMetrics(
            step,
            self._total_steps,
            train_loss=trained.loss,
            train_mean_token_accuracy=trained.accuracy,
            valid_loss=part.loss if part else None,
            valid_mean_token_accuracy=part.accuracy if part else None,
            full_valid_loss=full.loss if full else None,
            full_valid_mean_token_accuracy=full.accuracy if full else None,
        )

    def _test(self, number: int) -> Measure:
        """Answer a pair's prompt without the pair; trust the pair that answered by how well it did."""
        pair = self._memory.pairs[number]
        answered_by = self._memory.best(self._near(number))
        result = self._measure(pair, answered_by)
        if answered_by is not None:
            rate = RATE * min(FASTEST, self._task.hyperparameters.learning_rate_multiplier)
            self._memory.rate(answered_by, 1 + rate * (result.accuracy - self._usual))
            self._usual += RATE * (result.accuracy - self._usual)
        return result

    def _validate(self, places: range, report: Report) -> Measure:
        measures = []
        for place in places:
            report.stop_if_asked()
            pair = self._validation[place]
            # Validation pairs have no number in the memory; negative ones stand for their places.
            measures.append(self._measure(pair, self._memory.best(self._near(-1 - place))))
        return mean(measures)

    def _measure(self, pair: Pair, answered_by: int | None) -> Measure:
        recalled = None if answered_by is None else self._memory.pairs[answered_by]
        return measure(pair, recalled, self._words, self._task.hyperparameters.beta)

    def _near(self, number: int) -> list[Neighbour]:
        if number in self._settled:
            return self._settled[number]
        prompt = self._validation[-1 - number].prompt if number < 0 else None
        found = self._memory.near_others(number) if prompt is None else self._memory.near(prompt)
        # Neighbours change only while the memory grows.
        if len(self._learned) == len(self._memory.pairs):
            self._settled[number] = found
        return found

    def _learn(self, number: int) -> None:
        if number not in self._learned:
            self._learned.add(number)
            self._memory.learn(number)
            self._words.learn(self._memory.pairs[number].text)


def _memory_of(task: TrainingTask) -> tuple[Memory, list[range]]:
    """Make the memory, nothing learned yet, and give for each training line the numbers of its pairs."""
    pairs, reliability = read_pairs(task.parent) if task.parent else ([], [])
    lines = []
    for line in task.training:
        start = len(pairs)
        pairs.extend(pairs_of(line, task.method))
        lines.append(range(start, len(pairs)))
    if not any(lines):
        raise TrainingFailed("every assistant message of the training file has the weight 0: there is nothing to learn")
    memory = Memory(pairs)
    memory.reliability[: len(reliability)] = reliability
    return memory, lines


def _shuffled(seed: int, epoch: int, line: int) -> bytes:
    # A hash rather than ``random``: the same order on every version of Python, so that a resumed job repeats itself.
    return hashlib.blake2b(f"{seed}:{epoch}:{line}".encode(), digest_size=8).digest()


def trained_tokens(task: TrainingTask) -> int:
    """Count the tokens of the training file, times the epochs."""
    return task.hyperparameters.n_epochs * sum(_line_tokens(line) for line in task.training)


def _line_tokens(line: JsonObject) -> int:
    if "messages" in line:
        return count_tokens(line["messages"], line.get("tools") or ())
    return count_tokens([*line["input"]["messages"], *line["preferred_output"], *line["non_preferred_output"]])
