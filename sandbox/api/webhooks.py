"""Webhooks; the SDK writes their values into the query text."""

from dataclasses import replace

from sandbox.api.context import Arguments, Context, Resolver, where_of
from sandbox.api.views import webhook_view
from sandbox.errors import InvalidQuery
from sandbox.records import TOPICS, Json


def _create(context: Context, arguments: Arguments) -> Json:
    given = arguments["data"]
    sandbox = context.sandbox
    project_id = (given.get("project") or {}).get("id")
    if project_id is not None:
        sandbox.organization.project(project_id)
    webhook = sandbox.organization.create_webhook(
        given["url"],
        secret=given["secret"],
        topics=_topics(given["topics"]["set"]),
        project_id=project_id,
        at=sandbox.now(),
    )
    return webhook_view(webhook)


def _update(context: Context, arguments: Arguments) -> Json:
    given = arguments["data"]
    organization = context.sandbox.organization
    former = organization.webhook(where_of(arguments).get("id"))
    webhook = replace(
        former,
        url=given.get("url", former.url),
        topics=_topics(given["topics"]["set"]) if "topics" in given else former.topics,
        status=given.get("status", former.status),
        updated_at=context.sandbox.now(),
    )
    organization.webhooks[webhook.id] = webhook
    return webhook_view(webhook)


def _topics(given: list[str]) -> tuple[str, ...]:
    if unknown := [topic for topic in given if topic not in TOPICS]:
        raise InvalidQuery(f'Value "{unknown[0]}" does not exist in "WebhookTopic" enum.')
    return tuple(given)


WEBHOOKS: dict[str, Resolver] = {"createWebhook": _create, "updateWebhook": _update}
