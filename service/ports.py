"""What the use cases need, in the domain's words; ``adapters`` implement it, fakes in the tests as well."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Protocol

from service.domain.contents import Content, Message, Turn
from service.domain.deliveries import Delivery
from service.domain.errors import ServiceError, UnfetchablePrompt
from service.domain.examples import Change, Example, Standing, Verb
from service.domain.exports import Export, Request
from service.domain.exports import Kind as ExportKind
from service.domain.fingerprints import Fingerprint
from service.domain.manifests import Line
from service.domain.runs import Run, Step
from service.domain.setup_rows import UploadRow
from service.domain.setup_webhooks import HeldWebhook
from service.domain.setups import HeldOntology, HeldProject, Kind
from service.domain.snapshots import FileEntry, Frozen, Snapshot
from service.domain.splits import Split
from service.domain.triggers import Counts

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery taken from the inbox, not yet acknowledged.

    Attributes:
        attempts: How often it was taken and neither given back nor acknowledged, this time included: more than
            once means that a conversion of it crashed or that its worker died.
        looks: How many exports did not show yet what it announced.
    """

    entry_id: str
    delivery: Delivery
    attempts: int
    looks: int = 0


class Inbox(Protocol):
    """Deliveries that were acknowledged to Labelbox and are not converted yet."""

    def take(self, limit: int) -> list[Taken]:
        """Take what stands still since another worker took it, then what is new; empty if there is nothing."""

    def claim(self, entry_ids: Sequence[str]) -> list[Taken]:
        """Take exactly these, whoever has them; those that are acknowledged are left out."""

    def touch(self, taken: Sequence[Taken]) -> None:
        """Say that these are still being worked on."""

    def hold(self, taken: Sequence[Taken]) -> None:
        """Keep these without their counting as tried: nothing is done with them yet."""

    def begin(self, taken: Sequence[Taken]) -> None:
        """Count an attempt at these from now on: if the worker dies now, they may be why."""

    def give_back(self, taken: Sequence[Taken], *, pause: timedelta = timedelta(0)) -> None:
        """Let others take these, without their counting as tried, not before the pause is over."""

    def look_again(self, taken: Sequence[Taken]) -> None:
        """Let these come back later, after a longer while each time: the export did not show them yet."""

    def acknowledge(self, taken: Sequence[Taken]) -> None:
        """Forget these: they are converted or in the dead letters."""

    def put_back(self, delivery: Delivery) -> None:
        """Append a delivery once more, for a replay."""

    def rewrite(self, change: Callable[[Delivery], Delivery]) -> int:
        """Put another delivery in the place of each that this changes, whoever has it; give the number.

        What was in the inbox before and is not any more is nowhere afterwards.
        """

    def compact(self) -> bool:
        """Have the server write its disk anew, without what was deleted; False where it does not let us."""

    def depth(self) -> int:
        """Count the deliveries not yet acknowledged."""


class LabelSource(Protocol):
    """Labelbox, read."""

    def normalized_ontology(self, project_id: str) -> Mapping[str, Any]:
        """Give the project's ontology document."""

    def start_export(self, project_id: str, request: Request) -> "LabelTask":
        """Ask for an export; data rows that Labelbox does not have are left out of it."""

    def look(self, task_id: str) -> "LabelTask":
        """Look at a task once; ExportLost where Labelbox does not know it, ExportFailed where it ended in vain."""

    def read(self, task_id: str) -> Iterator[Mapping[str, Any] | None]:
        """Give the rows of a complete task, one in memory at a time; None for a line that is no JSON object."""


@dataclass(frozen=True, slots=True)
class LabelTask:
    """An export's task at Labelbox."""

    task_id: str
    is_complete: bool


class ExportStore(Protocol):
    """Our exports: at most one of a project runs, and a bounded number in the organisation."""

    def want(self, project: str, kind: ExportKind, wish: Mapping[str, Any], *, now: datetime) -> Export:
        """Stand in line, once a project and kind; the wish is added to what is wanted already."""

    def turn(
        self,
        project: str,
        kind: ExportKind,
        ask: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None,
        *,
        create: bool,
        at_once: int,
        now: datetime,
        until: datetime,
    ) -> Export | None:
        """Let an export run and lease it, if it is its turn; None if not, and then its ticket stays in line.

        Args:
            project: Whose.
            kind: Which.
            ask: Says what to ask for, given what was wished; rows that are tried again stay those that they were, and
                None leaves what is asked as it is.
            create: Whether to stand in line if nobody does yet.
            at_once: So many may run in the organisation.
            now: The time.
            until: How long it is leased.
        """

    def lease(self, export: Export, *, now: datetime, until: datetime) -> Export | None:
        """Take a running export over; None while another worker has it."""

    def keep(self, export: Export, *, until: datetime) -> None:
        """Stay the one who has it."""

    def write(self, export: Export, *, now: datetime) -> Export:
        """Write how it stands; ExportMoved if another worker has it."""

    def get(self, export_id: str) -> Export:
        """Give one."""

    def due(self, *, now: datetime) -> list[Export]:
        """Give what somebody should come for: running ones that nobody has, and those in line."""

    def pause(self, until: datetime) -> None:
        """Ask Labelbox for nothing until then, in the whole organisation."""

    def is_paused(self, *, now: datetime) -> bool:
        """Say whether Labelbox is left alone now."""


class PromptTexts(Protocol):
    """Texts that were uploaded as addresses."""

    def texts(self, addresses: Iterable[str]) -> Mapping[str, str | UnfetchablePrompt]:
        """Fetch each address once, or say why not; every address given is a key.

        Ask for what fits in memory: each text may have a mebibyte. A job that holds a lease keeps it meanwhile.

        Args:
            addresses: As they stand in the rows.
        """


class LabelboxAccount(Protocol):
    """Labelbox, set up: what there is by its name, and how to make what is missing. Nothing is ever deleted."""

    def project(self, project_id: str) -> HeldProject:
        """Give a project; LabelsRefused if there is none."""

    def projects_named(self, name: str) -> list[HeldProject]:
        """Give every project of exactly this name."""

    def create_project(self, name: str, kind: Kind) -> HeldProject:
        """Make a project without rows."""

    def connected_ontology(self, project_id: str) -> HeldOntology | None:
        """Give the project's ontology; None if it has none that asks anything."""

    def ontologies_named(self, name: str) -> list[HeldOntology]:
        """Give every ontology of exactly this name."""

    def create_ontology(self, name: str, kind: Kind, normalized: Mapping[str, Any]) -> HeldOntology:
        """Make an ontology; gives it as Labelbox keeps it."""

    def connect_ontology(self, project_id: str, ontology_id: str) -> None:
        """Let a project ask an ontology's questions."""

    def datasets_named(self, name: str) -> list[str]:
        """Give the ids of every dataset of exactly this name."""

    def create_dataset(self, name: str) -> str:
        """Make an empty dataset; gives its id."""

    def contents_in_project(self, project_id: str, global_keys: Sequence[str]) -> dict[str, str]:
        """Give the content of those of these rows that are in the project, by global key."""

    def known_keys(self, global_keys: Sequence[str]) -> set[str]:
        """Give those of these keys that any row of the organisation has."""

    def upload(self, dataset_id: str, rows: Sequence[UploadRow], *, exist: bool) -> dict[str, str]:
        """Make rows, or give rows that exist their content again; gives Labelbox's reason by the key it refused."""

    def batches(self, project_id: str) -> dict[str, int]:
        """Give the size of every batch of the project by its name."""

    def create_batch(self, project_id: str, name: str, global_keys: Sequence[str], *, priority: int) -> int:
        """Send rows (at most 100,000) to the project; gives how many arrived."""

    def webhooks(self, project_id: str) -> list[HeldWebhook]:
        """Give the webhooks of the project, and those of the whole organisation that may post to this service."""

    def create_webhook(self, project_id: str | None, *, url: str, topics: Sequence[str], secret: str) -> str:
        """Make a webhook of a project, or of the organisation; gives its id."""

    def set_topics(self, webhook: HeldWebhook, topics: Sequence[str]) -> None:
        """Let a webhook be told of these topics."""

    def switch_off(self, webhook: HeldWebhook) -> None:
        """Make a webhook inactive."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be known to plan a batch.

    Attributes:
        data_row_ids: The rows.
        keys: Of their prompts and groups.
        fingerprints: Of prompts that may be new.
        strata: Of their answers.
        global_keys: Of the rows: one that was forgotten may come back under another id.
    """

    data_row_ids: Sequence[str]
    keys: Sequence[str] = ()
    fingerprints: Sequence[Fingerprint] = ()
    strata: Sequence[str] = ()
    global_keys: Sequence[str] = ()


class ExampleStore(Protocol):
    """The examples and the audit of the deliveries that led to them."""

    def existing(self, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, Example]:
        """Give the rows that stand, by data row id."""

    def appraised(self, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Give content hash and what it was appraised with, of the rows that stand, by data row id."""

    def apply(
        self,
        pipeline: str,
        plan: Callable[[Standing], Sequence[Change]],
        *,
        wanted: Wanted,
        audit: Sequence[Mapping[str, Any]] = (),
    ) -> Sequence[Change]:
        """Read the rows, plan and write in one transaction that excludes every other writer of the pipeline."""

    def counts(self, pipeline: str) -> Counts:
        """Count for the trigger."""

    def prompts(self, pipeline: str) -> Iterator[tuple[str, str | None, Turn]]:
        """Give the pipeline's prompt set: data row id, global key and prompt."""

    def standing_ids(self, pipeline: str) -> set[str]:
        """Give the data rows that give an example or a prompt now, and those that wait for a decision."""

    def rules_of(self, pipeline: str) -> str:
        """Give the rules by which all of a pipeline's examples were appraised, see ``Appraiser.rules``."""

    def note_rules(self, pipeline: str, rules: str) -> None:
        """Write that all were appraised by these."""

    def to_appraise(self, pipeline: str, made_with: str, *, after: str, limit: int) -> list[Example]:
        """Give examples that others rules appraised, or in which something was found, by data row id from one on."""

    def held(self, pipeline: str, *, code: str | None, limit: int) -> list[Example]:
        """Give examples that wait for a person's decision, in the order of their rows; those with a finding, or all."""

    def decide(
        self, pipeline: str, data_row_ids: Sequence[str], verb: Verb, *, only: Collection[str]
    ) -> Sequence[Change]:
        """Keep examples with what was found in them, or set them aside; for this content and these findings it lasts.

        Args:
            pipeline: Whose.
            data_row_ids: Those of which nothing may be decided are passed over.
            verb: What was decided.
            only: Pass over those in which anything else was found; empty for any.
        """

    def freeze(self, pipeline: str, *, counted_by: str) -> AbstractContextManager[Frozen]:
        """Read all active examples as of one moment; tokens that were counted by something else are left out."""


class SnapshotStore(Protocol):
    """The snapshots; their manifests are files."""

    def add(self, snapshot: Snapshot) -> None:
        """Remember a snapshot whose files and manifest are stored; a second time changes nothing."""

    def find(self, snapshot_id: str) -> Snapshot:
        """Give a snapshot by its id or the beginning of it, without its head: also where its manifest is lost."""

    def get(self, snapshot_id: str) -> Snapshot:
        """Give a snapshot with its head by its id or the beginning of it; CorruptFile where its manifest is lost."""

    def lines(self, snapshot_id: str) -> Iterator[Line]:
        """Give what the manifest lists, one line in memory at a time, sorted; CorruptFile before the first line."""

    def recent(self, pipeline: str | None, limit: int | None) -> list[Snapshot]:
        """Give the newest snapshots first, without their heads; None is all."""

    def holding(self, pipeline: str, example_id: str) -> list[Mapping[str, Any]]:
        """Give each line that an example has in a pipeline's snapshots: which version, in which split."""

    def contents(self, versions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Content]:
        """Give what examples said in these versions; a forgotten text is empty, an unknown version is left out."""

    def entries(self, snapshot_id: str, example_ids: Iterable[str]) -> list[Line]:
        """Give what a manifest, checked, lists of these examples; CorruptFile where it is lost."""

    def with_file(self, sha256: str) -> list[tuple[Snapshot, Split]]:
        """Give the snapshots that this is a data file of, without their heads, and which; oldest first."""

    def replace_files(
        self, snapshot: Snapshot, files: Mapping[Split, FileEntry], *, forgotten: Collection[str]
    ) -> bool:
        """Say that other files hold a snapshot's lines now, without those of these examples; the old ones are loose.

        False if somebody else said so since the snapshot was read; then nothing is changed.
        """

    def expect(self, names: Collection[str], *, now: datetime) -> None:
        """Note that these files are about to be written for what is not here yet: until it is they are loose."""

    def loose(self, *, until: datetime) -> list[str]:
        """Give the files that are loose since then or longer: that no snapshot names (any more)."""

    def drop_loose(self, name: str, *, until: datetime, remove: Callable[[], object]) -> bool:
        """Remove a file, unless it is no longer loose since then: whoever wants to write it meanwhile waits."""


class StoryStore(Protocol):
    """What is known of one data row, for people who ask why."""

    def rows_named(self, name: str) -> list[str]:
        """Give the data rows that a label, data row or example id or a global key means."""

    def forgotten(self, data_row_id: str) -> Mapping[str, Any] | None:
        """Give when a row was forgotten, and on whose word; None if it was not."""

    def deliveries(self, data_row_id: str) -> list[Mapping[str, Any]]:
        """Give the deliveries that rang for a row, oldest first."""

    def standings(self, data_row_id: str) -> list[Mapping[str, Any]]:
        """Give how the row stands in each pipeline."""

    def history(self, example_id: str) -> list[Mapping[str, Any]]:
        """Give what became of it, oldest first."""

    def labels(self, data_row_id: str) -> list[str]:
        """Give every label ever seen on the row."""

    def exports_of(self, observed: Sequence[datetime]) -> dict[datetime, Mapping[str, Any]]:
        """Give the exports that were asked for at these moments; old ones are forgotten."""

    def runs_of(self, snapshot_ids: Sequence[str]) -> list[Run]:
        """Give the runs of these snapshots, oldest first."""

    def runs_named(self, name: str) -> list[Run]:
        """Give the runs that a run's or job's id, a model, a checkpoint or a file at the trainer belongs to."""


class FileStore(Protocol):
    """Files named by the SHA-256 of their content."""

    def writer(self) -> AbstractContextManager["FileWriter"]:
        """Open a file to be named by its content when it is complete; nothing is left if it is not."""

    def open(self, sha256: str) -> AbstractContextManager[BinaryIO]:
        """Open a stored file whose content was checked; CorruptFile if it is missing or damaged."""

    def peek(self, sha256: str) -> AbstractContextManager[BinaryIO]:
        """Open a stored file to read little of it, unchecked; CorruptFile if it is missing.

        For what is shown and never trained on: checking a manifest reads as many bytes as its dataset has lines.
        """

    def scratch(self) -> AbstractContextManager[BinaryIO]:
        """Open a nameless file that is gone at the end of the block, or with the process."""

    def location(self, sha256: str) -> str:
        """Say where a file is, for people."""

    def remove(self, sha256: str) -> None:
        """Delete a file; one that is gone is no error."""


class FileWriter(Protocol):
    """A file being written."""

    def write(self, chunk: bytes) -> None:
        """Append bytes."""

    def digest(self) -> tuple[str, int]:
        """Give hash and size in bytes of what was written so far."""

    def commit(self) -> tuple[str, int]:
        """Store the file under its hash; give hash and size in bytes."""


class RunStore(Protocol):
    """The runs, their history and what the trainer said."""

    def claim(self, run: Run) -> Run | None:
        """Open a run under its ordinal; None where another caller opened it first."""

    def get(self, run_id: str) -> Run:
        """Give a run by its id."""

    def lease(self, run_id: str, *, until: datetime, now: datetime) -> Run | None:
        """Take the run for one step; None while another worker has it or nothing is due."""

    def extend(self, run_id: str, *, until: datetime) -> None:
        """Keep a leased run for longer."""

    def record(self, run: Run, step: Step, *, now: datetime) -> Run:
        """Write what a step decided, with its history, and give the run back."""

    def note_intent(self, run: Run, *, now: datetime) -> Run:
        """Write, before any request, that a job is about to be created."""

    def standing(self, *, now: datetime) -> list[Run]:
        """Give the open runs that are due and that nobody works on."""

    def in_hand(self, *, now: datetime) -> list[Run]:
        """Give the runs that a worker has for a step right now."""

    def by_job(self, job_id: str) -> Run | None:
        """Find the run of a trainer's job."""

    def hurry(self, run_id: str) -> None:
        """Make a run due at once."""

    def recent(self, pipeline: str | None, limit: int) -> list[Run]:
        """Give the newest runs first."""

    def history(self, run_id: str) -> list[Mapping[str, Any]]:
        """Give the run's transitions, oldest first."""

    def add_job_events(self, run_id: str, events: Sequence["JobEvent"]) -> None:
        """Remember what the trainer reported; known ones are passed over."""

    def job_events(self, run_id: str) -> list["JobEvent"]:
        """Give what the trainer reported, oldest first."""


class Ledger(Protocol):
    """Money, append-only."""

    def reserve(self, run_id: str, trainer: str, usd: float, *, limit_usd: float | None, now: datetime) -> bool:
        """Set the estimate aside; False if the month's limit would be passed. A second time changes nothing."""

    def reserved_usd(self, run_id: str) -> float:
        """Give what this run has reserved, 0 if nothing."""

    def settle(self, run_id: str, trainer: str, usd: float, *, tokens: int | None, now: datetime) -> None:
        """Write what was billed, or that nothing was."""

    def spent_this_month(self, trainer: str, *, now: datetime) -> float:
        """Sum what is reserved or billed in this month, in US dollars."""


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A fine-tuning job as the trainer shows it, in the domain's words.

    Attributes:
        outcome: ``open`` for every status that is not final, known or not.
        error: What failed, in the trainer's words; None for a healthy job.
    """

    job_id: str
    status: str
    outcome: str
    created_at: int
    tuned_model: str | None
    trained_tokens: int | None
    training_file: str | None
    metadata: Mapping[str, str]
    result_files: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One event of a job; ``facts`` holds step and losses where it is a metric."""

    event_id: str
    created_at: int
    level: str
    kind: str
    message: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, and what it cost in tokens."""

    text: str
    prompt_tokens: int
    completion_tokens: int


class Trainer(Protocol):
    """A server that trains and serves models.

    Attributes:
        creates_once: Whether the server keeps two requests for one run from becoming two jobs.
    """

    creates_once: bool

    def upload(self, name: str, content: BinaryIO, size_bytes: int) -> str:
        """Upload a training file once; a file of this name and size that is there already is taken."""

    def find_jobs(self, run_id: str, training_file: str) -> list[RemoteJob]:
        """Search for jobs of this run, oldest first."""

    def create_job(self, run: Run, *, training_file: str, validation_file: str | None) -> RemoteJob:
        """Create the job, in one attempt; OutcomeUnknown where nobody can say whether it worked."""

    def job(self, job_id: str) -> RemoteJob:
        """Look at a job."""

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled."""

    def events(self, job_id: str) -> Iterator[JobEvent]:
        """Give a job's events, newest first."""

    def checkpoints(self, job_id: str) -> list[Mapping[str, Any]]:
        """Give a job's checkpoints, newest first."""

    def file_content(self, file_id: str) -> bytes:
        """Download a file."""

    def delete_file(self, file_id: str) -> None:
        """Delete an uploaded file; one that is gone is no error."""

    def answer(self, model: str, messages: Sequence[Message]) -> Answer:
        """Ask a model; ModelNotReady while the server does not know it."""


class EvaluationStore(Protocol):
    """Answers, verdicts and champions."""

    def answers(self, model: str, keys: Iterable[str]) -> dict[str, str]:
        """Give the answers a model has already given, by key."""

    def add_answer(self, model: str, key: str, answer: Answer, *, now: datetime) -> None:
        """Remember an answer; the first one stays."""

    def conclude(self, run: Run, step: Step, evaluation: Mapping[str, Any], *, now: datetime) -> Run:
        """Write the evaluation, the run's end and, if promoted, the champion in one transaction."""

    def promote(self, run: Run, cause: str, *, now: datetime) -> None:
        """Make a run's model the champion, with its history."""

    def evaluation(self, run_id: str) -> Mapping[str, Any] | None:
        """Give the evaluation of a run."""

    def champion(self, pipeline: str) -> Mapping[str, Any] | None:
        """Give who serves now: model, run and when it was promoted."""

    def champion_history(self, pipeline: str) -> list[Mapping[str, Any]]:
        """Give every champion, newest first."""


@dataclass(frozen=True, slots=True)
class Kin:
    """Another data row that asks the same as one that is forgotten, or nearly the same."""

    pipeline: str
    data_row_id: str
    is_same: bool


class ErasureStore(Protocol):
    """Taking what data rows said out of the database, for good. Everything may be repeated."""

    def bury(self, rows: Mapping[str, str | None], *, by: str) -> None:
        """Leave a tombstone for each data row, with its global key: from now on it is refused."""

    def withdraw(self, pipeline: str, data_row_ids: Sequence[str]) -> None:
        """Let these give no example any more; when it returns, nobody who did not see the tombstones still writes."""

    def contents(self, example_ids: Sequence[str]) -> list[tuple[str, int, Content]]:
        """Give every text that these examples ever had and still have here, with its version."""

    def kin(self, pipeline: str, data_row_ids: Sequence[str], *, limit: int) -> list[Kin]:
        """Give other rows with the same prompts as these, or nearly the same."""

    def erase(self, pipeline: str, data_row_ids: Sequence[str]) -> int:
        """Take the texts, and everything that could be guessed from; give the number of examples that had some."""

    def erase_answers(self, questions: Sequence[str], run_ids: Sequence[str]) -> int:
        """Delete what models answered to these questions, and the questions' keys in these runs' evaluations."""

    def erase_quotes(self, run_ids: Sequence[str], texts: Collection[str]) -> int:
        """Blot out what the trainer said of these runs where it quotes one of these texts; give the number."""

    def erase_letters(self, data_row_ids: Sequence[str]) -> int:
        """Take the texts out of dead letters about these rows, and delete letters about nothing else."""

    def scrub(self) -> int:
        """Take what was deleted off the disk; 0 where the database does that in its own time.

        Raises:
            StoreFailed: It is too busy.
        """


class DeadLetters(Protocol):
    """Work set aside after its last attempt, with its remedy."""

    def put(self, kind: str, subject: str, error: ServiceError, *, content: Delivery | None, now: datetime) -> None:
        """Set work aside; the same subject again replaces its error."""

    def count(self) -> int:
        """Count what is set aside."""

    def open(self, limit: int) -> list[Mapping[str, Any]]:
        """Give what is set aside, newest first, without content."""

    def take(self, letter_id: str) -> Delivery | None:
        """Give a letter's delivery for a replay; None if it has none."""

    def settle(self, kind: str, subjects: Sequence[str], *, now: datetime) -> None:
        """Mark the letters about these as mended by themselves, if there are any."""

    def close(self, letter_id: str, *, taken_at: datetime) -> None:
        """Mark a letter as replayed, unless it was put aside again after it was taken."""


class JobQueue(Protocol):
    """RQ: ids only; losing every message loses nothing."""

    def wake(self, job: str, *arguments: str) -> None:
        """Queue a job unless the same one waits already."""


class ReconcileStore(Protocol):
    """How far a pipeline's project was reconciled."""

    def cursor(self, pipeline: str) -> datetime | None:
        """Give the moment from which activity is still to be read."""

    def reconciled(self, pipeline: str, facts: Mapping[str, Any], *, until: datetime, now: datetime) -> None:
        """Write how far, and what was found."""

    def latest(self, pipeline: str) -> Mapping[str, Any] | None:
        """Give what the last reconcile found."""
