"""Everything that a test or a demo may want to compare with, as JSON."""

from dataclasses import asdict

from sandbox.answers import plain_answers
from sandbox.core import Sandbox
from sandbox.courier import Courier
from sandbox.labelers import Labelers
from sandbox.project import Project
from sandbox.records import Json, ProjectRow


def describe(sandbox: Sandbox, courier: Courier, labelers: Labelers) -> Json:
    """Give the whole state of the sandbox."""
    with sandbox.lock:
        organization = sandbox.organization
        return {
            "seed": sandbox.seed,
            "projects": [
                _project(project, labelers) for project in organization.projects.values() if not project.deleted
            ],
            "webhooks": [
                {
                    "id": hook.id,
                    "url": hook.url,
                    "topics": list(hook.topics),
                    "status": hook.status,
                    "project_id": hook.project_id,
                }
                for hook in organization.webhooks.values()
            ],
            "deliveries": courier.counters(),
            "faults": asdict(sandbox.faults),
        }


def approved(project: Project) -> list[Json]:
    """List the truth: every row that is done with an answer.

    Rows whose label says skipped are done too, but nobody answered them.
    """
    return [
        _approved(row, row.labels[0].id)
        for row in project.current_rows()
        if row.status == "DONE" and row.labels and not row.labels[0].skipped
    ]


def _project(project: Project, labelers: Labelers) -> Json:
    rows = project.current_rows()
    run = labelers.run_of(project.id)
    return {
        "id": project.id,
        "name": project.name,
        "ontology_id": project.ontology.id if project.ontology else None,
        "rows": len(rows),
        "labels": sum(len(row.labels) for row in rows),
        "by_status": project.count_by_status(),
        "approved": approved(project),
        "labelers": run.described() if run else None,
    }


def _approved(row: ProjectRow, label_id: str) -> Json:
    answers = plain_answers(row.labels[0].classifications)
    texts = [given for given in answers.values() if isinstance(given, str)]
    return {
        "data_row_id": row.data_row.id,
        "global_key": row.data_row.global_key,
        "label_id": label_id,
        "prompt": row.data_row.row_data,
        "answer": texts[0] if texts else None,
        "answers": answers,
    }
