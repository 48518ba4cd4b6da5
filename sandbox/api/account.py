"""The user, the organisation, and the tasks of the user."""

from sandbox.api.context import Arguments, Context, Resolver, where_of
from sandbox.api.views import task_view, user_view, webhook_view
from sandbox.errors import InvalidQuery
from sandbox.records import Json
from sandbox.stamps import api_stamp


def _user(context: Context, _: Arguments) -> Json:
    sandbox = context.sandbox

    def created_tasks(arguments: Arguments) -> list[Json]:
        wanted = where_of(arguments).get("id")
        if wanted is None:
            raise InvalidQuery("tasks are only found by id")
        return [task_view(task, sandbox.now()) for task in sandbox.tasks.find(wanted)]

    return user_view(sandbox.organization.owner) | {"createdTasks": created_tasks}


def _organization(context: Context, _: Arguments) -> Json:
    organization = context.sandbox.organization
    return {
        "id": organization.id,
        "name": organization.name,
        "createdAt": api_stamp(organization.created_at),
        "updatedAt": api_stamp(organization.created_at),
        "webhooks": lambda _: [
            webhook_view(hook) for hook in organization.webhooks.values() if hook.project_id is None
        ],
    }


def _no_entries(_: Context, __: Arguments) -> list[Json]:
    return []


def _metadata(context: Context, _: Arguments) -> list[Json]:
    return [schema.view() for schema in context.sandbox.organization.metadata.all()]


def _put_metadata(context: Context, arguments: Arguments) -> Json:
    return context.sandbox.organization.metadata.put(arguments["data"]).view()


ACCOUNT: dict[str, Resolver] = {
    "user": _user,
    "organization": _organization,
    # The SDK looks for these on its way to things that are imitated; an account may well have none.
    "iamIntegrations": _no_entries,
    "customMetadataOntology": _metadata,
    "upsertCustomMetadataSchema": _put_metadata,
}
