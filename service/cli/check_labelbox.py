"""The Labelbox part of ``tuneloop check``: project, questions, webhooks, and everything in the setup table."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.bootstrap import Deps
from service.domain.errors import ServiceError
from service.domain.labels import RowReader
from service.domain.setup_lines import Line, Report
from service.domain.setup_webhooks import judge_webhooks
from service.usecases.set_up_labelbox import review_setup


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was verified; a note is right today and wants attention soon."""

    name: str
    ok: bool
    text: str
    remedy: str = ""
    is_note: bool = False


def check_labelbox(deps: Deps, pipeline: str) -> Iterator[Checked]:
    """Verify a pipeline's project against the account."""
    project_id = deps.settings.pipelines[pipeline].labels.project
    name = f"labelbox project {project_id}"
    for part in (_question, _webhooks, _setup):
        try:
            yield from part(deps, pipeline, name)
        except ServiceError as error:
            yield Checked(name, ok=False, text=str(error), remedy=error.remedy)
            if part is _question and not _is_reachable(deps, project_id):
                return  # the same words for every part


def _question(deps: Deps, pipeline: str, name: str) -> Iterator[Checked]:
    policy = deps.settings.pipelines[pipeline]
    ontology = deps.labels.normalized_ontology(policy.labels.project)
    yield Checked(name, ok=True, text=RowReader(ontology, policy.labels, form=policy.form).describe())


def _webhooks(deps: Deps, pipeline: str, name: str) -> Iterator[Checked]:
    setup = deps.settings.setups.get(pipeline)
    held = deps.account.webhooks(deps.settings.pipelines[pipeline].labels.project)
    for verdict, text, remedy in judge_webhooks(held, pipeline=pipeline, url=setup.webhook if setup else None):
        yield Checked(f"{name}, webhook", ok=verdict == "ok", text=text, remedy=remedy)


def _setup(deps: Deps, pipeline: str, name: str) -> Iterator[Checked]:
    setup = deps.settings.setups.get(pipeline)
    if setup is None:
        return
    lines: list[Line] = []
    project_id = deps.settings.pipelines[pipeline].labels.project
    review_setup(setup, project_id=project_id, account=deps.account, report=Report(lines.append))
    for line in lines:
        ok = line.did == "found"
        remedy = line.remedy or f"Run tuneloop labelbox setup {pipeline}."
        words = line.what if ok else f"{_WORDS.get(line.did, line.did)} {line.what}".strip()
        yield Checked(f"{name}, setup", ok=ok, text=words, remedy="" if ok else remedy)


# A check would make nothing.
_WORDS = {"would make": "not there:", "would change": "not as wanted:", "differs": "", "missing": ""}


def _is_reachable(deps: Deps, project_id: str) -> bool:
    try:
        deps.account.project(project_id)
    except ServiceError:
        return False
    return True
