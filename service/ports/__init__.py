"""What the use cases need, in the domain's words; ``adapters`` implement it, fakes in the tests as well."""

from service.ports.aftermath import Aftermath
from service.ports.clocks import Clock
from service.ports.datasets import FileStore, FileWriter, SnapshotStore
from service.ports.erasure import ErasureStore, Kin
from service.ports.evaluations import EvaluationStore
from service.ports.examples import ExampleStore, StoryStore, Wanted
from service.ports.inbox import Inbox, Taken
from service.ports.labels import ExportStore, LabelboxAccount, LabelSource, LabelTask, PromptTexts
from service.ports.notices import NoticeStore
from service.ports.runs import Ledger, RunStore
from service.ports.trainers import Answer, JobEvent, RemoteFile, RemoteJob, Trainer
from service.ports.work import DeadLetters, JobQueue, ReconcileStore

__all__ = [
    "Aftermath",
    "Answer",
    "Clock",
    "DeadLetters",
    "ErasureStore",
    "EvaluationStore",
    "ExampleStore",
    "ExportStore",
    "FileStore",
    "FileWriter",
    "Inbox",
    "JobEvent",
    "JobQueue",
    "Kin",
    "LabelSource",
    "LabelTask",
    "LabelboxAccount",
    "Ledger",
    "NoticeStore",
    "PromptTexts",
    "ReconcileStore",
    "RemoteFile",
    "RemoteJob",
    "RunStore",
    "SnapshotStore",
    "StoryStore",
    "Taken",
    "Trainer",
    "Wanted",
]
