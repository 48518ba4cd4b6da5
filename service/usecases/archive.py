"""Where the snapshots are, and what they can be built from again."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.domain.line_tokens import counted_by
from service.domain.pipelines import Pipeline
from service.domain.snapshots import FrozenExample
from service.ports import ExampleStore, FileStore, SnapshotStore
from service.usecases.build_snapshot import DUPLICATE, Built, write_files

_KEPT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Archive:
    """The snapshots, their files, and the examples; ``count_tokens`` and ``encoding_of`` take the base model."""

    pipelines: Mapping[str, Pipeline]
    examples: ExampleStore
    snapshots: SnapshotStore
    files: FileStore
    count_tokens: Callable[[str, str], int]
    encoding_of: Callable[[str], str]

    def build(
        self,
        pipeline: Pipeline,
        *,
        model: str,
        only: str | None = None,
        keep: Callable[[], object] = lambda: None,
        expect: Callable[[Collection[str]], object] = len,
    ) -> tuple[int, Built]:
        """Freeze a pipeline's examples as they stand now; the same examples give the same snapshot.

        Args:
            pipeline: Whose.
            model: The base model, by whose tokens sizes are told.
            only: Store nothing unless the snapshot has this id.
            keep: Called again and again while the examples pass.
            expect: See ``write_files``.

        Returns:
            The newest change that is in it, and the snapshot.
        """
        encoding = self.encoding_of(model)
        with self.examples.freeze(pipeline.name, counted_by=counted_by(encoding, pipeline.form)) as frozen:
            is_dropped = pipeline.checks.action_of(DUPLICATE) == "drop"
            more = {} if is_dropped else {DUPLICATE: sum(frozen.duplicates.values()) - len(frozen.duplicates)}
            return frozen.watermark, write_files(
                pipeline,
                _kept(frozen.examples, keep),
                files=self.files,
                count_tokens=lambda text: self.count_tokens(text, model),
                encoding=encoding,
                duplicates=frozen.duplicates if is_dropped else (),
                noted={**frozen.noted, **more},
                only=only,
                expect=expect,
            )


def _kept(examples: Iterable[FrozenExample], keep: Callable[[], object]) -> Iterator[FrozenExample]:
    for number, example in enumerate(examples):
        if number % _KEPT_EVERY == 0:
            keep()
        yield example
