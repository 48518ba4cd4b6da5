"""Everything that a test or a demo may want to compare with, as JSON."""

from dataclasses import asdict

from sandbox.answers import plain_answers, plain_message_answers, prompt_name
from sandbox.choices import plain_choices
from sandbox.core import Sandbox
from sandbox.courier import Courier
from sandbox.labelers import Labelers
from sandbox.project import Project
from sandbox.records import DataRow, Json, Label, ProjectRow
from sandbox.storage import Storage


def describe(sandbox: Sandbox, courier: Courier, labelers: Labelers) -> Json:
    """Give the whole state of the sandbox."""
    with sandbox.lock:
        organization = sandbox.organization
        projects = [project for project in organization.projects.values() if not project.deleted]
        return {
            "seed": sandbox.seed,
            "projects": [_project(sandbox, project, labelers) for project in projects],
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
            "exports": sandbox.tasks.exports(None, sandbox.now()),
            "faults": asdict(sandbox.faults),
        }


def approved(project: Project, storage: Storage) -> list[Json]:
    """List the truth: every row that is done with an answer.

    Rows whose chosen label says skipped are done too, but nobody answered them.
    """
    chosen = [(row, row.label(row.selected_label_id)) for row in project.current_rows() if row.status == "DONE"]
    return [_approved(project, row, label, storage) for row, label in chosen if label and not label.skipped]


def _project(sandbox: Sandbox, project: Project, labelers: Labelers) -> Json:
    rows = project.current_rows()
    run = labelers.run_of(project.id)
    return {
        "id": project.id,
        "name": project.name,
        "ontology_id": project.ontology.id if project.ontology else None,
        "rows": len(rows),
        "labels": sum(len(row.labels) for row in rows),
        "by_status": project.count_by_status(),
        "approved": approved(project, sandbox.organization.storage),
        "exports": sandbox.tasks.exports(project.id, sandbox.now()),
        "labelers": run.described() if run else None,
    }


def _shown(data_row: DataRow, storage: Storage) -> str:
    """Give what labelers saw: also the text that lies in a file."""
    return storage.text(data_row.file) if data_row.file else data_row.row_data


def _approved(project: Project, row: ProjectRow, label: Label, storage: Storage) -> Json:
    answers = plain_answers(label.classifications)
    prompt = prompt_name(project.ontology)
    texts = [item["value"] for item in label.classifications if "text_answer" in item and item["value"] != prompt]
    return {
        "data_row_id": row.data_row.id,
        "global_key": row.data_row.global_key,
        "label_id": label.id,
        "prompt": answers.get(prompt) if prompt else _shown(row.data_row, storage),
        "answer": answers[texts[0]] if texts else None,
        "answers": answers,
        "messages": plain_message_answers(label.classifications),
        "selections": plain_choices(label.objects, "selections"),
        "rankings": plain_choices(label.objects, "rankings"),
    }
