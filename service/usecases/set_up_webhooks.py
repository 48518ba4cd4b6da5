"""Let exactly one webhook post to this service for a project, and switch off those that went elsewhere before."""

from collections.abc import Callable, Collection

from service.domain.setup_lines import Report
from service.domain.setup_webhooks import TOPICS, HeldWebhook, check_secret, plan_webhooks
from service.domain.setups import Setup
from service.ports import LabelboxAccount


def set_up_webhooks(
    setup: Setup,
    *,
    project_id: str,
    account: LabelboxAccount,
    secret: Callable[[], str],
    others: Collection[str],
    report: Report,
) -> None:
    """Make the webhook that the setup names, or mend the one that is there; see ``plan_webhooks``."""
    if setup.webhook is None:
        return
    held = account.webhooks(project_id) if project_id else []
    plan = plan_webhooks(held, pipeline=setup.pipeline, url=setup.webhook, scope=setup.webhook_scope, others=others)
    for hook in plan.doubled:
        remedy = 'Set webhook_scope = "organization", or switch it off in Labelbox if nothing else needs it.'
        report.say("differs", f"webhook {hook.webhook_id} of the organization posts to this address already", remedy)
    what = f"webhook of the {setup.webhook_scope} to {setup.webhook}"
    if plan.keep is not None:
        _mend(plan.keep, what, account, report)
    elif not plan.doubled and report.may("made", what):
        owner = project_id if setup.webhook_scope == "project" else None
        made = account.create_webhook(owner, url=setup.webhook, topics=TOPICS, secret=check_secret(secret()))
        report.say("made", f"{what}, {made}")
    # Only now: until the new one posts, the old one is better than none.
    for hook in plan.off:
        stale = f"webhook {hook.webhook_id} to {hook.url}"
        if report.may("switched off", stale):
            account.switch_off(hook)
            report.say("switched off", stale)


def _mend(hook: HeldWebhook, what: str, account: LabelboxAccount, report: Report) -> None:
    if not hook.missing_topics:
        report.say("found", f"{what}, {hook.webhook_id}")
        return
    change = f"webhook {hook.webhook_id}: topics {', '.join(hook.missing_topics)} added"
    if report.may("changed", change):
        account.set_topics(hook, (*hook.topics, *hook.missing_topics))
        report.say("changed", change)
