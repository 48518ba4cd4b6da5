"""Issues: remarks pinned to data rows.

Source: labelbox 7.17, ``Project.create_issue`` and ``Project.get_issues``.
"""

from sandbox.api.context import Arguments, Context, Resolver, where_of
from sandbox.api.views import issue_view
from sandbox.errors import InvalidQuery, UnknownResource
from sandbox.organization import Organization
from sandbox.project import Project
from sandbox.records import Issue, Json

_CONDITIONS = frozenset({"type", "status", "dataRow", "content"})


def issue_page(organization: Organization, project: Project, arguments: Arguments) -> Json:
    """Give a page of a project's issues: those with a label only, as the SDK says of the real service.

    Raises:
        InvalidQuery: A condition that is not imitated.
    """
    wanted = where_of(arguments)
    if unknown := sorted(set(wanted) - _CONDITIONS):
        raise InvalidQuery(f'"{unknown[0]}" is not imitated as a condition')
    found = [
        issue
        for issue in organization.issues
        if issue.project_id == project.id
        and issue.label_id is not None
        and wanted.get("status") in {None, "Open"}
        and (wanted.get("dataRow") or {}).get("id") in {None, issue.data_row_id}
        and str(wanted.get("content") or "") in issue.content
    ]
    start = int(arguments.get("after") or 0)
    end = start + int(arguments.get("first") or 100)
    views = [issue_view(issue, organization.owner) for issue in found[start:end]]
    return {"nodes": views, "nextCursor": str(end) if end < len(found) else None}


def _create(context: Context, arguments: Arguments) -> Json:
    organization, given = context.sandbox.organization, arguments["data"]
    row = organization.project(given["projectId"]).row(given["dataRowId"])
    label_id = given.get("labelId")
    if label_id is not None and row.label(label_id) is None:
        raise UnknownResource(f"the row has no label {label_id!r}")
    issue = Issue(
        id=organization.ids.cuid(),
        number=len(organization.issues) + 1,
        project_id=given["projectId"],
        data_row_id=row.data_row.id,
        label_id=label_id,
        content=given["content"],
        created_at=context.sandbox.now(),
    )
    organization.issues.append(issue)
    return issue_view(issue, organization.owner)


ISSUES: dict[str, Resolver] = {"createIssue": _create}
