"""A new project, with the rows of a live chat if it asks for some."""

from sandbox.api.context import Arguments, Context, Resolver
from sandbox.api.views import project_view
from sandbox.assets import empty_chat
from sandbox.core import Sandbox
from sandbox.errors import MalformedRequest
from sandbox.imports import add_slots
from sandbox.kinds import LIVE_CHAT, Kind, Quality, check_editor_task_type, check_media_type
from sandbox.records import Dataset, Json

_DEFAULT_ROWS = 100
_STANDARD = Quality()


def _create(context: Context, arguments: Arguments) -> Json:
    given = arguments["data"]
    sandbox = context.sandbox
    editor = check_editor_task_type(given.get("editorTaskType"))
    kind = Kind(check_media_type(given.get("allowedMediaType")), editor, makes_rows=editor == LIVE_CHAT)
    dataset = _dataset(sandbox, kind, given)
    project = sandbox.organization.create_project(
        given["name"],
        description=given.get("description") or "",
        media_type=kind.media_type,
        at=sandbox.now(),
        kind=kind,
        quality=_quality(given),
    )
    if dataset is not None:
        # The real service takes a while over this.
        count = given.get("dataRowCount") or _DEFAULT_ROWS
        add_slots(sandbox.organization, project, dataset.id, document=empty_chat(), count=count, at=sandbox.now())
    return project_view(project)


def _quality(given: Json) -> Quality:
    return Quality(
        number_of_labels=given.get("autoAuditNumberOfLabels") or _STANDARD.number_of_labels,
        percentage=float(given.get("autoAuditPercentage", _STANDARD.percentage)),
        benchmark=bool(given.get("isBenchmarkEnabled", _STANDARD.benchmark)),
        consensus=bool(given.get("isConsensusEnabled", _STANDARD.consensus)),
    )


def _dataset(sandbox: Sandbox, kind: Kind, given: Json) -> Dataset | None:
    """Find or make the dataset for a live chat's rows; None where it shall have none yet.

    Raises:
        MalformedRequest: The project is of another kind.
        UnknownResource: There is no dataset to append to.
    """
    named = given.get("datasetNameOrId")
    if not named:
        return None
    if not kind.makes_rows:
        raise MalformedRequest("only live chat projects make their own rows")
    if given.get("appendToExistingDataset"):
        return sandbox.organization.dataset(named)
    return sandbox.organization.create_dataset(named, description="", at=sandbox.now())


CREATION: dict[str, Resolver] = {"createProject": _create}
