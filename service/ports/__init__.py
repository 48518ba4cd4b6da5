"""What the use cases need, in the domain's words; ``adapters`` implement it, fakes in the tests as well."""

from service.ports.aftermath import Aftermath
from service.ports.clocks import Clock
from service.ports.commands import Commands, Ran
from service.ports.datasets import FileStore, FileWriter, SnapshotStore
from service.ports.erasure import ErasureStore, Kin
from service.ports.evaluation_reads import AnswerTokens, EvaluationReads, StoredEvaluation
from service.ports.evaluations import BaseEvaluation, EvaluationStore
from service.ports.examples import ExampleStore, RowFacts, StoryStore, Wanted
from service.ports.gaps import Abilities, GapStore, LabelQueues, RowStanding, UnlabelledRow
from service.ports.inbox import Inbox, Taken
from service.ports.judgements import Judgement, JudgementStore
from service.ports.labels import ExportStore, LabelboxAccount, LabelSource, LabelTask, PromptTexts
from service.ports.models import ModelsSeen, SeenModel
from service.ports.notices import NoticeChannel, NoticeStore, Outbox
from service.ports.reports import CheckpointRecord, Gathering, ReportStore, SeenEvents
from service.ports.runs import Ledger, RunStore
from service.ports.trainers import Answer, JobEvent, RemoteFile, RemoteJob, RemoteModel, Trainer
from service.ports.work import DeadLetters, JobQueue, ReconcileStore

__all__ = [
    "Abilities",
    "Aftermath",
    "Answer",
    "AnswerTokens",
    "BaseEvaluation",
    "CheckpointRecord",
    "Clock",
    "Commands",
    "DeadLetters",
    "ErasureStore",
    "EvaluationReads",
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
    "Judgement",
    "JudgementStore",
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
    "RemoteFile",
    "RemoteJob",
    "RemoteModel",
    "ReportStore",
    "RowFacts",
    "RowStanding",
    "RunStore",
    "SeenEvents",
    "SeenModel",
    "SnapshotStore",
    "StoredEvaluation",
    "StoryStore",
    "Taken",
    "Trainer",
    "UnlabelledRow",
    "Wanted",
]
