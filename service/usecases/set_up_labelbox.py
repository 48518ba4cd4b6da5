"""Make a project with its ontology, dataset, rows, batch and webhook in Labelbox, and say what was there already.

Everything is looked at before anything is made, found by its name or key, and made once however often this runs; a
run that was killed is completed by the next one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from service.domain.errors import AmbiguousAccount
from service.domain.setup_lines import Report
from service.domain.setup_rows import UploadRow, empty_chats
from service.domain.setups import Setup, normalized, ontology_differences, project_differences
from service.ports import LabelboxAccount
from service.usecases.set_up_rows import Place, set_up_rows
from service.usecases.set_up_webhooks import set_up_webhooks

_Found = TypeVar("_Found")


def set_up_labelbox(
    setup: Setup,
    *,
    project_id: str,
    rows: Sequence[UploadRow],
    account: LabelboxAccount,
    secret: Callable[[], str],
    report: Report,
    others: Collection[str] = (),
) -> str:
    """Bring Labelbox to what the setup says, without deleting or silently altering anything that is there.

    Args:
        setup: What should be there.
        project_id: The project that the configuration names; empty where it names none yet.
        rows: Data rows to be there, each global key once.
        account: Labelbox.
        secret: Gives the webhook's secret; asked only when a webhook is about to be made, so that whoever shows a
            new one has shown it before anything depends on it.
        report: Where to say what was found and done, and whether to do it.
        others: Addresses of other pipelines' webhooks, which are left alone.

    Returns:
        The project's id; empty if a dry run would make it.

    Raises:
        AmbiguousAccount: Labelbox has several of one name; nothing was done.
    """
    work = _Work(setup, project_id, account, report)
    if work.is_of_its_kind():
        work.bring(rows)
        set_up_webhooks(setup, project_id=work.project_id, account=account, secret=secret, others=others, report=report)
    return work.project_id


def review_setup(setup: Setup, *, project_id: str, account: LabelboxAccount, report: Report) -> None:
    """Say how Labelbox differs from the setup, without its webhooks; changes nothing."""
    work = _Work(setup, project_id, account, Report(report.tell, dry_run=True))
    if work.is_of_its_kind():
        work.bring(())


class _Work:
    """One pipeline's setup, and what was found when it began."""

    def __init__(self, setup: Setup, project_id: str, account: LabelboxAccount, report: Report) -> None:
        self._setup, self._account, self._report = setup, account, report
        name = setup.name
        projects = [account.project(project_id)] if project_id else account.projects_named(name)
        self._project = _only("projects", name, {found.project_id: found for found in projects})
        self._connected = account.connected_ontology(self.project_id) if self._project else None
        ontologies = [self._connected] if self._connected else account.ontologies_named(name)
        self._ontology = _only("ontologies", name, {found.ontology_id: found for found in ontologies})
        self._dataset_id = _only("datasets", name, {found: found for found in account.datasets_named(name)})
        self._batches = account.batches(self.project_id) if self._project else {}

    @property
    def project_id(self) -> str:
        """The project, empty until it is made."""
        return self._project.project_id if self._project else ""

    def is_of_its_kind(self) -> bool:
        """Tell whether the project that is there, if any, is of the kind wanted: else all the rest is in vain."""
        differences = project_differences(self._setup, self._project) if self._project else []
        for words in differences:
            remedy = "Labelbox cannot change it: choose another name (or labels.project), or correct kind."
            self._report.say("differs", f"project {self.project_id}: {words}", remedy)
        return not differences

    def bring(self, rows: Sequence[UploadRow]) -> None:
        """Make what is missing of the project, its ontology, the dataset and the rows."""
        setup = self._setup
        self._bring_project()
        self._bring_ontology()
        self._bring_dataset()
        place = Place(self.project_id, self._dataset_id or "", self._batches)
        chats = empty_chats(setup.pipeline, setup.chats)
        set_up_rows(setup, [*rows, *chats], place, account=self._account, report=self._report)

    def _bring_project(self) -> None:
        what = f"project {self._setup.name!r}"
        if self._project:
            self._report.say("found", f"project {self._project.name!r}, {self.project_id}")
        elif self._report.may("made", what):
            self._project = self._account.create_project(self._setup.name, self._setup.kind)
            self._report.say("made", f"{what}, {self.project_id}")
            if self._setup.kind == "chat":
                remedy = "Add them in the project's settings in Labelbox."
                self._report.say("missing", "the models that labelers talk with", remedy)

    def _bring_ontology(self) -> None:
        setup, what = self._setup, f"ontology {self._setup.name!r}"
        if self._ontology:
            self._report.say("found", f"ontology {self._ontology.name!r}, {self._ontology.ontology_id}")
        elif self._report.may("made", what):
            self._ontology = self._account.create_ontology(setup.name, setup.kind, normalized(setup.questions))
            self._report.say("made", f"{what}, {self._ontology.ontology_id}")
        # Also of one just made: Labelbox may not keep everything.
        differences = ontology_differences(setup, self._ontology) if self._ontology else []
        for words in differences:
            remedy = "Change it in Labelbox's ontology editor, or correct the table; it is left as it is."
            self._report.say("differs", f"ontology {self._ontology_id}: {words}", remedy)
        what = "the ontology connected to the project"
        # With other limits it still asks what is wanted; with other questions it does not.
        fits = not (self._ontology and ontology_differences(setup, self._ontology, limits=False))
        if not self._connected and fits and self._report.may("made", what):
            self._account.connect_ontology(self.project_id, self._ontology_id)
            self._report.say("made", what)

    def _bring_dataset(self) -> None:
        what = f"dataset {self._setup.name!r}"
        if self._dataset_id:
            self._report.say("found", f"{what}, {self._dataset_id}")
        elif self._report.may("made", what):
            self._dataset_id = self._account.create_dataset(self._setup.name)
            self._report.say("made", f"{what}, {self._dataset_id}")

    @property
    def _ontology_id(self) -> str:
        return self._ontology.ontology_id if self._ontology else ""


def _only(what: str, name: str, found: Mapping[str, _Found]) -> _Found | None:
    if len(found) > 1:
        raise AmbiguousAccount(f"{len(found)} {what} are named {name!r}: {', '.join(found)}")
    return next(iter(found.values()), None)
