"""What can go wrong, each with the words that tell an operator what to do."""


class ServiceError(Exception):
    """The root of every error this service raises on purpose.

    Attributes:
        retryable: Whether the same work may succeed later without anybody acting.
        remedy: What an operator does about it, in a sentence.
    """

    retryable = False
    remedy = ""

    def __init__(self, message: str = "", *, remedy: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n", maxsplit=1)[0])
        if remedy is not None:
            self.remedy = remedy


class SignatureMismatch(ServiceError):
    """The delivery is not signed with any secret we hold."""

    remedy = "Compare LABELBOX_WEBHOOK_SECRET with the secret the webhook was created with."


class UnreadableDelivery(ServiceError):
    """The delivery is signed, but its body is no JSON object."""

    remedy = "Nothing is lost: the next reconcile reads the project. If it repeats, report it to Labelbox."


class UnknownTopic(ServiceError):
    """The delivery's topic is none that this service knows."""

    remedy = "Remove the topic from the webhook, or upgrade this service if Labelbox added it."


class UnknownProject(ServiceError):
    """The delivery names no project that a pipeline reads."""

    remedy = "Add a pipeline with this project to tuneloop.toml and replay, or switch the webhook off."


class AmbiguousOntology(ServiceError):
    """The ontology does not say which question is the assistant's answer."""

    remedy = (
        "Name the question in [pipelines.NAME.labels]: response = '<name or feature schema id>' (convert: --response)."
    )


class UnreadableRow(ServiceError):
    """A row of an export has not the shape that Labelbox documents."""

    remedy = "Keep the row and report it; the rest of the export is converted."


class NoExample(ServiceError):
    """A data row gives no example; ``reason`` is a stable code, explained in docs/labels.md."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnfetchablePrompt(ServiceError):
    """The text behind an address was not fetched.

    Args:
        reason: A stable code, a key of ``ADDRESS_REMEDIES``; also an attribute.
        detail: What was found; never a query, which may be signed, nor anything of the content. Also an attribute.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason, remedy=ADDRESS_REMEDIES[reason])
        self.reason, self.detail = reason, detail
        self.retryable = reason in _FETCHABLE_LATER


ADDRESS_REMEDIES = {
    "address_scheme": "Only https is fetched. Upload the text itself, or an https address.",
    "address_malformed": "Upload the text itself, or an address without user, port, fragment and tricks.",
    "address_host": "Add the host to fetch_hosts in the [service] table if you trust it, or upload the text itself.",
    "address_private": "The host is in a private network, which is never fetched from. Upload the text itself.",
    "address_redirect": "Upload the text itself, or the address that it redirects to.",
    "address_too_large": "Upload a shorter text: no model is trained on one of this size.",
    "address_not_text": "Upload the text as UTF-8, not compressed.",
    "address_gone": "Nothing yet; the next export signs the address anew. If it lasts, the file is gone.",
    "address_unreachable": "Nothing yet; it is tried again. If it lasts, check host and network; no proxy is used.",
}
_FETCHABLE_LATER = frozenset({"address_gone", "address_unreachable"})


class LabelsUnreachable(ServiceError):
    """Labelbox does not answer, or answers that it is overloaded."""

    retryable = True
    remedy = "The service tries again. If it lasts: TUNELOOP_LABELBOX_ENDPOINT, the network, Labelbox's status page."


class LabelsLimited(ServiceError):
    """Labelbox answers that this account asks too often."""

    retryable = True
    remedy = "Nothing yet: no export is asked for during a minute. If it lasts, see what else uses the account's limit."


class ExportFailed(ServiceError):
    """Labelbox ended the export without a result, or its file is not what was announced."""

    retryable = True
    remedy = (
        "The service asks again. If it lasts, export the project in Labelbox by hand and show its support the error."
    )


class ExportLost(ServiceError):
    """Labelbox does not know the export's task, or it belongs to another user."""

    retryable = True
    remedy = "Nothing: the export is asked for anew."


class ExportMoved(ServiceError):
    """Another worker took this export over; what it does counts."""

    retryable = True
    remedy = "Nothing: the other worker goes on with it."


class ConversionCrashed(ServiceError):
    """A fault of this service's own, again and again: the work was not done."""

    remedy = "See conversion_crashed in the worker's log, report it, and replay the dead letter with a mended version."

    def __init__(self, message: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class LabelsRefused(ServiceError):
    """Labelbox understood the request and refused it."""

    remedy = "Check LABELBOX_API_KEY and its access to the project, then replay the dead letter."


class AmbiguousAccount(ServiceError):
    """Labelbox has several things of one name, and nothing says which is meant."""

    remedy = "Rename or delete all but one in Labelbox, or choose another name in [pipelines.NAME.setup]."


class GapsRefused(ServiceError):
    """This project cannot take work back, or nothing of what was asked for can be known of it."""

    remedy = "See docs/gaps.md: what each kind of gap and of project allows."


class GapsBusy(ServiceError):
    """Another process is sending this pipeline's rows, or was killed while it did."""

    retryable = True
    remedy = "Run the same command again in a minute: it goes on where that one stood."


class BatchUnclear(ServiceError):
    """Nobody heard which rows a batch took, and exports do not show all of them yet."""

    retryable = True
    remedy = "Run the same command again in some minutes: exports stay behind. If it lasts an hour: --give-up."


class RowsRefused(LabelsRefused):
    """Labelbox refused an export of these rows by their ids; perhaps it does not know one of them."""

    remedy = "Nothing is lost: the next reconcile reads the project. If it repeats, report the row to Labelbox."


class InboxUnavailable(ServiceError):
    """Redis did not confirm that the delivery is durable."""

    retryable = True
    remedy = "Start Redis or Valkey, or correct TUNELOOP_REDIS_URL."


class TrainerUnreachable(ServiceError):
    """The trainer does not answer, or failed on its side."""

    retryable = True
    remedy = "Nothing yet; it is tried again. If it lasts, check the trainer's base_url and status."

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TrainerBusy(ServiceError):
    """The trainer asked us to come back later; nothing was created.

    Args:
        retry_after_s: In how many seconds, None where it did not say; also an attribute.
    """

    retryable = True
    remedy = "Nothing yet; if it lasts an hour, raise the organisation's rate limit or its limit of active jobs."

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TrainerRefused(ServiceError):
    """The trainer refused for good; nothing was created."""

    remedy = "Read the trainer's message, correct the configuration and start the run again."

    def __init__(self, message: str = "", *, code: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class JobMissing(TrainerRefused):
    """The trainer does not know the job: not yet, or no longer."""

    retryable = True
    remedy = (
        "Look for the job in the trainer's console. If it is there: tuneloop runs approve RUN, which looks again; if "
        "not: tuneloop runs cancel RUN, and start another."
    )


class JobNotStopped(ServiceError):
    """A job of a run that has ended goes on at the trainer, and may cost money."""

    remedy = "Stop it in the trainer's console. Once it has ended it is billed, and this letter is settled."


class WorkersDie(ServiceError):
    """Every worker that took this step died of it, or was stopped in the middle of it."""

    remedy = "Look into the workers' log and the machine's (memory, disk), report it, then start the run again."


class OrphanFound(ServiceError):
    """Something of ours is at a trainer that no run of ours knows."""

    remedy = "tuneloop runs orphans says what to do about it."


class OutcomeUnknown(ServiceError):
    """The request to create a job was sent, and no one can say whether it worked."""

    retryable = True
    remedy = "Nothing yet: the trainer is searched for the job, and nothing is created again meanwhile."


class UnreadableResult(ServiceError):
    """The trainer's result file is no table of metrics."""

    remedy = "Nothing is lost but the file: the steps that events told are kept. Report it if it repeats."


class ModelNotReady(ServiceError):
    """The trainer does not know the model (yet)."""

    retryable = True
    remedy = "New models take some minutes; if it lasts, the model was deleted or shut down."


class CommandFailed(ServiceError):
    """A command of the installation's own did not do its work."""

    retryable = True
    remedy = "Run the command by hand as the worker's user: what it writes to standard error is in the worker's output."


class NotDeployed(ServiceError):
    """A tuned model does not answer before somebody has deployed it."""

    remedy = "Deploy it, then approve the run; or set the trainer's deploy command."


class MetricFailed(ServiceError):
    """A metric of the configuration could not measure an answer; nothing of the texts is in the message."""

    remedy = (
        "Correct it in [pipelines.NAME.metrics], or the function that it names; then go on: tuneloop runs approve RUN."
    )


class OverBudget(ServiceError):
    """The estimate of this run does not fit the budget."""

    remedy = (
        "Raise run_usd or month_usd of that budget, or wait for the next month (tuneloop money shows what is left); "
        "then: tuneloop runs start PIPELINE"
    )


class ModelEnds(ServiceError):
    """The model shuts down too soon to be worth a training, or nobody can train it any more: nothing was sent."""

    remedy = (
        "Name another trainer or model in [pipelines.NAME.train]; or, to train it all the same, set min_days_left = 0 "
        "there, or start the run with --despite-sunset."
    )


class ModelNotListed(ServiceError):
    """The trainer's list, which is complete, does not have the model: nothing was sent."""

    remedy = (
        "Correct model in [pipelines.NAME.train]. If the trainer trains it although its list does not have it: start "
        "the run with --despite-list, or say model_list = 'partial' in [trainers.NAME]."
    )


class CorruptFile(ServiceError):
    """A stored file is missing or has not the content its name promises."""

    remedy = (
        "Let tuneloop datasets verify --repair build it again, restore it from a backup of the files, or start "
        "another run, which freezes the examples anew."
    )

    def __init__(self, message: str = "", *, remedy: str | None = None, is_missing: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.is_missing = is_missing


class FilesUnavailable(ServiceError):
    """The folder or bucket of the files does not take or give any; nothing half is left there."""

    retryable = True
    remedy = "Nothing yet; it is tried again. If it lasts, check TUNELOOP_FILES_URL, its credentials and the network."


class FilesReplaced(ServiceError):
    """Texts in the snapshot's files were forgotten meanwhile; other files hold the rest."""

    retryable = True
    remedy = "Nothing: the next attempt uses those."


class TooFewExamples(ServiceError):
    """What was frozen is less than the pipeline's minimums: nothing was sent."""

    remedy = (
        "Have more labelled, or lower min_train, min_validation or min_held_out in [pipelines.NAME.dataset]; then "
        "start the run again. Without that, the next run comes when the threshold is crossed again."
    )


class TrainedAlready(ServiceError):
    """These examples were trained on this model already, or are being trained: nothing was sent."""


class SnapshotRefused(ServiceError):
    """The examples came in a way in which nobody can tell what is held out; nothing was written."""

    remedy = "This is a fault of the service: report it."


class StoreFailed(ServiceError):
    """The database refused a statement or did not answer."""

    retryable = True
    remedy = "Look into the database's own log; ours leaves out its words, because they quote label texts."


class NotBegun(StoreFailed):
    """Nothing has run here yet: there is no database."""

    remedy = (
        "tuneloop up starts everything and makes it, tuneloop migrate makes it alone; tuneloop check tells what is "
        "missing for that."
    )


class RunMoved(ServiceError):
    """Another worker changed the run meanwhile; its step is the one that counts."""

    retryable = True
    remedy = "Nothing: the other worker's step stands."


class ChampionMoved(ServiceError):
    """Another model became the champion meanwhile, so that what was decided is no longer about who serves."""

    retryable = True
    remedy = "Look who serves now, and decide anew."


class ChannelFailed(ServiceError):
    """A channel did not take a notice."""

    retryable = True
    remedy = "See that the channel's address is right and its receiver answers; then tuneloop notify test CHANNEL."


class ChannelGone(ServiceError):
    """The receiver answered that it is gone for good (410): the channel ends."""

    remedy = "Give the channel another address, or tuneloop dead-letters replay LETTER once the receiver is back."


class NotFound(ServiceError):
    """Nothing has that name or id."""

    remedy = "List what there is with the command's list form."


class ConfigurationError(ServiceError):
    """The configuration cannot be used; the message lists every mistake at once."""

    remedy = "Correct the keys named, then run tuneloop check."
