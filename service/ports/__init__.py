"""What the use cases need, in the domain's words; ``adapters`` implement it, fakes in the tests as well."""

from service.ports.clocks import Clock
from service.ports.commands import Commands, Ran
from service.ports.datasets import FileStore, FileWriter, SnapshotStore
from service.ports.erasure import ErasureStore, Kin
from service.ports.evaluations import EvaluationStore
from service.ports.examples import ExampleStore, StoryStore, Wanted
from service.ports.gaps import Abilities, GapStore, LabelQueues, RowStanding, UnlabelledRow
from service.ports.inbox import Inbox, Taken
from service.ports.labels import ExportStore, LabelboxAccount, LabelSource, LabelTask, PromptTexts
from service.ports.models import ModelsSeen, SeenModel
from service.ports.notices import NoticeChannel, NoticeStore, Outbox
from service.ports.reports import CheckpointRecord, Gathering, ReportStore, SeenEvents
from service.ports.runs import Ledger, RunStore
from service.ports.trainers import Answer, JobEvent, RemoteJob, RemoteModel, Trainer
from service.ports.work import DeadLetters, JobQueue, ReconcileStore

__all__ = [
    "Abilities",
    "Answer",
    "CheckpointRecord",
    "Clock",
    "Commands",
    "DeadLetters",
    "ErasureStore",
    "EvaluationStore",
    "ExampleStore",
    "ExportStore",
    "FileStore",
    "FileWriter",
    "GapStore",
    "Gathering",
    "Inbox",
    "JobEvent",
    "JobQueue",
    "Kin",
    "LabelQueues",
    "LabelSource",
    "LabelTask",
    "LabelboxAccount",
    "Ledger",
    "ModelsSeen",
    "NoticeChannel",
    "NoticeStore",
    "Outbox",
    "PromptTexts",
    "Ran",
    "ReconcileStore",
    "RemoteJob",
    "RemoteModel",
    "ReportStore",
    "RowStanding",
    "RunStore",
    "SeenEvents",
    "SeenModel",
    "SnapshotStore",
    "StoryStore",
    "Taken",
    "Trainer",
    "UnlabelledRow",
    "Wanted",
]
