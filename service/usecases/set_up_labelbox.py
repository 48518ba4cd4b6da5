"""Make a project with its dataset, rows, ontology, batch and webhook in Labelbox, and say what was there already.

Everything is looked at before anything is made, found by its name or key, and made once however often this runs; a
run that was killed is completed by the next one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from service.domain.errors import AmbiguousAccount
from service.domain.setup_rows import MAX_BATCH_ROWS, RowPlan, UploadRow, empty_chats, free_batch_name, plan_rows
from service.domain.setup_webhooks import TOPICS, check_secret, plan_webhooks
from service.domain.setups import (
    HeldOntology,
    HeldProject,
    Setup,
    normalized,
    ontology_differences,
    project_differences,
)
from service.ports import LabelboxAccount

Did = Literal[
    "found",
    "made",
    "changed",
    "switched off",
    "would make",
    "would change",
    "would switch off",
    "differs",
    "refused",
    "missing",
]
_WOULD: Mapping[str, Did] = {"made": "would make", "changed": "would change", "switched off": "would switch off"}
_NOT_AS_WANTED = frozenset({"differs", "refused"})
_SHOWN_REASONS = 5
# One task of Labelbox takes at most 150,000.
_ROWS_AN_UPLOAD = 10_000

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was found or done; ``remedy`` says what to do about it, if anything."""

    did: Did
    what: str
    remedy: str = ""

    @property
    def is_as_wanted(self) -> bool:
        """Whether nothing is left for a person to do."""
        return self.did not in _NOT_AS_WANTED


Tell = Callable[[Line], None]


def set_up_labelbox(
    setup: Setup,
    *,
    project_id: str,
    rows: Sequence[UploadRow],
    account: LabelboxAccount,
    secret: Callable[[], str],
    tell: Tell,
    others: Collection[str] = (),
    dry_run: bool = False,
) -> str:
    """Bring Labelbox to what the setup says, without deleting or silently altering anything that is there.

    Args:
        setup: What should be there.
        project_id: The project that the configuration names; empty where it names none yet.
        rows: Data rows to be there, each global key once.
        account: Labelbox.
        secret: Gives the webhook's secret; asked only when a webhook is about to be made, so that whoever shows a
            new one has shown it before anything depends on it.
        tell: Told of each thing as soon as it is found or done.
        others: Addresses of other pipelines' webhooks, which are left alone.
        dry_run: Only say what would be done.

    Returns:
        The project's id; empty if a dry run would make it.

    Raises:
        AmbiguousAccount: Labelbox has several of one name; nothing was done.
    """
    work = _Work(setup, account, tell, project_id, dry_run=dry_run)
    if work.is_of_another_kind():
        return work.project_id
    work.project()
    work.ontology()
    work.dataset()
    work.rows([*rows, *empty_chats(setup.pipeline, setup.chats)])
    if setup.webhook:
        work.webhooks(setup.webhook, secret, others)
    return work.project_id


def review_setup(setup: Setup, *, project_id: str, account: LabelboxAccount, tell: Tell) -> None:
    """Say how Labelbox differs from the setup, its rows in general and its webhooks apart; changes nothing."""
    work = _Work(setup, account, tell, project_id, dry_run=True)
    if not work.is_of_another_kind():
        work.project()
        work.ontology()
        work.dataset()
        work.rows(empty_chats(setup.pipeline, setup.chats))


class _Work:
    """One pipeline's setup, and what was found when it began."""

    def __init__(self, setup: Setup, account: LabelboxAccount, tell: Tell, project_id: str, *, dry_run: bool) -> None:
        self._setup, self._account, self._tell, self._dry_run = setup, account, tell, dry_run
        name = setup.name
        self._project = (
            account.project(project_id)
            if project_id
            else _only("projects", name, _projects(account.projects_named(name)))
        )
        self._connected = account.connected_ontology(self._project.project_id) if self._project else None
        self._ontology = self._connected or _only("ontologies", name, _ontologies(account.ontologies_named(name)))
        self._dataset_id = _only("datasets", name, {found: found for found in account.datasets_named(name)})
        self._batches = account.batches(self._project.project_id) if self._project else {}

    @property
    def project_id(self) -> str:
        return self._project.project_id if self._project else ""

    def is_of_another_kind(self) -> bool:
        """Tell whether the project that is there is of another kind than wanted: then all the rest is in vain."""
        differences = project_differences(self._setup, self._project) if self._project else []
        for words in differences:
            remedy = "Labelbox cannot change it: choose another name (or labels.project), or correct kind."
            self._tell(Line("differs", f"project {self.project_id}: {words}", remedy))
        return bool(differences)

    def project(self) -> None:
        what = f"project {self._setup.name!r}"
        if self._project:
            self._tell(Line("found", f"project {self._project.name!r}, {self.project_id}"))
        elif self._do("made", what):
            self._project = self._account.create_project(self._setup.name, self._setup.kind)
            self._tell(Line("made", f"{what}, {self.project_id}"))

    def ontology(self) -> None:
        setup, what = self._setup, f"ontology {self._setup.name!r}"
        if self._ontology:
            self._tell(Line("found", f"ontology {self._ontology.name!r}, {self._ontology.ontology_id}"))
        elif self._do("made", what):
            self._ontology = self._account.create_ontology(setup.name, setup.kind, normalized(setup.questions))
            self._tell(Line("made", f"{what}, {self._ontology.ontology_id}"))
        differences = ontology_differences(setup, self._ontology) if self._ontology else []
        for words in differences:
            remedy = "Change it in Labelbox's ontology editor, or correct the table; it is left as it is."
            self._tell(Line("differs", f"ontology {self._ontology_id}: {words}", remedy))
        if not self._connected and not differences and self._do("made", "the ontology connected to the project"):
            self._account.connect_ontology(self.project_id, self._ontology_id)
            self._tell(Line("made", "the ontology connected to the project"))

    def dataset(self) -> None:
        what = f"dataset {self._setup.name!r}"
        if self._dataset_id:
            self._tell(Line("found", f"{what}, {self._dataset_id}"))
        elif self._do("made", what):
            self._dataset_id = self._account.create_dataset(self._setup.name)
            self._tell(Line("made", f"{what}, {self._dataset_id}"))

    def rows(self, rows: Sequence[UploadRow]) -> None:
        """Upload the rows that are not there and send those to the project that it does not have."""
        plan = self._plan(rows)
        if plan.there:
            self._tell(Line("found", f"{plan.there} of the data rows in the project"))
        refused = self._upload("made", plan.make, exist=False)
        refused |= self._upload("changed", plan.change, exist=True)
        for reason in sorted(set(refused.values()))[:_SHOWN_REASONS]:
            count = sum(found == reason for found in refused.values())
            self._tell(Line("refused", f"{count} data rows: {reason}", "Correct them and run the same command again."))
        self._fill([key for key in plan.join if key not in refused])

    def webhooks(self, url: str, secret: Callable[[], str], others: Collection[str]) -> None:
        """Let exactly one webhook post to the address, and switch off those that went elsewhere before."""
        setup, account = self._setup, self._account
        held = account.webhooks(self.project_id) if self.project_id else []
        plan = plan_webhooks(held, pipeline=setup.pipeline, url=url, scope=setup.webhook_scope, others=others)
        what = f"webhook of the {setup.webhook_scope} to {url}"
        for hook in plan.doubled:
            remedy = 'Set webhook_scope = "organization", or switch it off in Labelbox if nothing else needs it.'
            words = f"webhook {hook.webhook_id} of the organization posts to this address already"
            self._tell(Line("differs", words, remedy))
        if plan.keep is None:
            if not plan.doubled and self._do("made", what):
                owner = self.project_id if setup.webhook_scope == "project" else None
                made = account.create_webhook(owner, url=url, topics=TOPICS, secret=check_secret(secret()))
                self._tell(Line("made", f"{what}, {made}"))
        elif plan.keep.missing_topics:
            change = f"webhook {plan.keep.webhook_id}: topics {', '.join(plan.keep.missing_topics)} added"
            if self._do("changed", change):
                account.set_topics(plan.keep, (*plan.keep.topics, *plan.keep.missing_topics))
                self._tell(Line("changed", change))
        else:
            self._tell(Line("found", f"{what}, {plan.keep.webhook_id}"))
        for hook in plan.off:
            stale = f"webhook {hook.webhook_id} to {hook.url}"
            if self._do("switched off", stale):
                account.switch_off(hook)
                self._tell(Line("switched off", stale))

    def _do(self, did: Did, what: str) -> bool:
        """Tell whether to act; in a dry run only what would be done is told."""
        if self._dry_run:
            self._tell(Line(_WOULD[did], what))
        return not self._dry_run

    @property
    def _ontology_id(self) -> str:
        return self._ontology.ontology_id if self._ontology else ""

    def _plan(self, rows: Sequence[UploadRow]) -> RowPlan:
        keys = [row.global_key for row in rows]
        # Rows come into a project by batches only.
        in_project = self._account.contents_in_project(self.project_id, keys) if self._batches and keys else {}
        left = [key for key in keys if key not in in_project]
        return plan_rows(rows, in_project=in_project, known=self._account.known_keys(left) if left else ())

    def _upload(self, did: Did, rows: Sequence[UploadRow], *, exist: bool) -> dict[str, str]:
        refused: dict[str, str] = {}
        if not rows or not self._do(did, f"{len(rows)} data rows in the dataset"):
            return refused
        for start in range(0, len(rows), _ROWS_AN_UPLOAD):
            refused |= self._account.upload(self._dataset_id or "", rows[start : start + _ROWS_AN_UPLOAD], exist=exist)
        if len(refused) < len(rows):
            self._tell(Line(did, f"{len(rows) - len(refused)} data rows in the dataset"))
        return refused

    def _fill(self, keys: Sequence[str]) -> None:
        batches = self._batches
        if not keys:
            size = sum(batches.values())
            remedy = f"Give some: tuneloop labelbox setup {self._setup.pipeline} --rows FILE."
            found = Line("found", f"{size} data rows, sent to the project in {len(batches)} batches")
            self._tell(found if size else Line("missing", "the project has no data rows", remedy))
        for start in range(0, len(keys), MAX_BATCH_ROWS):
            part = keys[start : start + MAX_BATCH_ROWS]
            name = free_batch_name(self._setup.name, batches)
            batches[name] = len(part)
            what = f"batch {name!r} of {len(part)} data rows"
            if self._do("made", what):
                arrived = self._account.create_batch(self.project_id, name, part, priority=self._setup.priority)
                self._tell(Line("made", what))
                self._judge(name, arrived, len(part))

    def _judge(self, name: str, arrived: int, sent: int) -> None:
        if arrived < sent:
            remedy = "Run the same command again in a minute; rows that the project has already do not count."
            self._tell(Line("differs", f"batch {name!r} holds {arrived} of {sent}", remedy))


def _projects(found: Sequence[HeldProject]) -> dict[str, HeldProject]:
    return {project.project_id: project for project in found}


def _ontologies(found: Sequence[HeldOntology]) -> dict[str, HeldOntology]:
    return {ontology.ontology_id: ontology for ontology in found}


def _only(what: str, name: str, found: Mapping[str, _Found]) -> _Found | None:
    if len(found) > 1:
        raise AmbiguousAccount(f"{len(found)} {what} are named {name!r}: {', '.join(found)}")
    return next(iter(found.values()), None)
