"""Webhooks: which of the account's are ours, what is to be done with them, and what is wrong with them.

Ours is a webhook of the same project whose address ends in the path that this service listens at for the pipeline.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from service.domain.setups import Scope

PATH = "/webhooks/labelbox"
TOPICS = ("LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED", "WORKFLOW_ACTION")
_OUR_PATH = re.compile(rf"{PATH}(?:/([A-Za-z0-9][A-Za-z0-9_-]*))?$")


@dataclass(frozen=True, slots=True)
class HeldWebhook:
    """A webhook as the account has it; its secret is never given back."""

    webhook_id: str
    url: str
    topics: tuple[str, ...]
    status: str
    created_at: datetime
    scope: Scope

    @property
    def is_active(self) -> bool:
        """Whether it posts."""
        return self.status == "ACTIVE"

    @property
    def missing_topics(self) -> tuple[str, ...]:
        """The topics that it should be told of and is not."""
        return tuple(topic for topic in TOPICS if topic not in self.topics)


@dataclass(frozen=True, slots=True)
class WebhookPlan:
    """What is to be done.

    Attributes:
        keep: The one that serves; None if there is none of the scope wanted.
        off: Those to be switched off.
        doubled: Of the organisation at the address wanted for the project alone. They may serve other projects, so
            they are left alone, and none is made beside them.
    """

    keep: HeldWebhook | None
    off: tuple[HeldWebhook, ...]
    doubled: tuple[HeldWebhook, ...]


Finding = tuple[Literal["ok", "wrong"], str, str]
"""A verdict, what was found, and the remedy."""


def check_address(url: str, pipelines: Collection[str]) -> str:
    """Check an address that Labelbox is given.

    Args:
        url: The address.
        pipelines: The names that may end its path.

    Raises:
        ValueError: It is none that Labelbox takes, none that the SDK can write into a query, or not this service's.
    """
    if any(character in '"\\' or not "!" <= character <= "~" for character in url):
        raise ValueError("must hold neither quotes, backslashes, spaces nor other than ASCII; percent-encode them")
    try:
        parts = urlsplit(url)
        host, usable = parts.hostname or "", parts.port != 0
    except ValueError:
        host, usable = "", False
    if not usable or not host or "@" in parts.netloc or parts.scheme not in {"https", "http"}:
        raise ValueError("must be an address such as 'https://tuneloop.example.com/webhooks/labelbox'")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("must be https: Labelbox posts nowhere else (http is for a sandbox on this machine)")
    path = _OUR_PATH.search(parts.path)
    if path is None or (path[1] is not None and path[1] not in pipelines):
        raise ValueError(f"must end in {PATH} or {PATH}/ and the name of a pipeline, where this service listens")
    return url


def check_secret(secret: str) -> str:
    """Check a secret before the SDK writes it into a query as it is.

    Raises:
        ValueError: It would alter the query; the secret is not repeated.
    """
    if not secret or any(character in '"\\' or not "!" <= character <= "~" for character in secret):
        raise ValueError("the webhook secret must be ASCII without quotes, backslashes and spaces, such as hex digits")
    return secret


def is_ours(url: str, pipeline: str) -> bool:
    """Tell whether an address ends where this service listens for this pipeline."""
    path = urlsplit(url).path.rstrip("/")
    return path.endswith((PATH, f"{PATH}/{pipeline}"))


def plan_webhooks(
    held: Sequence[HeldWebhook], *, pipeline: str, url: str, scope: Scope, others: Collection[str] = ()
) -> WebhookPlan:
    """Choose the webhook that serves and those that are stale.

    Args:
        held: Those of the project and of the organisation.
        pipeline: The pipeline's name, which may end an address.
        url: Where it should post.
        scope: Whose it should be.
        others: Addresses of other pipelines of this installation, which are left alone.
    """
    active = sorted((hook for hook in held if hook.is_active), key=lambda hook: hook.created_at)
    here = [hook for hook in active if _same(hook.url, url)]
    fitting = [hook for hook in here if hook.scope == scope]
    # The newest: of two, that is the one whose secret was shown last.
    keep = fitting[-1] if fitting else None
    wider = tuple(hook for hook in here if hook.scope == "organization") if scope == "project" else ()
    doubles = [hook for hook in here if hook not in {keep, *wider}]
    kept = {url, *others}
    stale = [
        hook
        for hook in active
        if hook.scope == "project" and is_ours(hook.url, pipeline) and not any(_same(hook.url, one) for one in kept)
    ]
    return WebhookPlan(keep, (*doubles, *stale), wider)


def judge_webhooks(held: Sequence[HeldWebhook], *, pipeline: str, url: str | None) -> list[Finding]:
    """Say what is right and wrong with the webhooks of one project.

    Args:
        held: Those of the project and of the organisation.
        pipeline: The pipeline's name.
        url: Where one should post, if that is configured.
    """
    setup = f"Run tuneloop labelbox setup {pipeline}"
    ours = [hook for hook in held if (_same(hook.url, url) if url else is_ours(hook.url, pipeline))]
    active = [hook for hook in ours if hook.is_active]
    if not ours and url is None:
        return [("ok", "none goes here: labels arrive by reconcile alone, every reconcile_every", "")]
    if not ours:
        return [("wrong", f"none goes to {url}", f"{setup}.")]
    if not active:
        listed = ", ".join(f"{hook.webhook_id} is {hook.status}" for hook in ours)
        return [("wrong", f"none is active: {listed}", f"{setup} to make a new one, or switch it on in Labelbox.")]
    return [*_missing(active, setup), *_doubles(active)] or [
        ("ok", f"{active[0].webhook_id} of the {active[0].scope} posts every topic to {active[0].url}", "")
    ]


def _missing(active: Sequence[HeldWebhook], setup: str) -> list[Finding]:
    if any(not hook.missing_topics for hook in active):
        return []
    hook = active[0]
    remedy = f"{setup}, or add the topics in Labelbox."
    return [("wrong", f"{hook.webhook_id} lacks {', '.join(hook.missing_topics)}", remedy)]


def _doubles(active: Sequence[HeldWebhook]) -> list[Finding]:
    found: list[Finding] = []
    for at, hook in enumerate(active):
        same = [hook.webhook_id, *(other.webhook_id for other in active[at + 1 :] if _same(other.url, hook.url))]
        if len(same) > 1 and not any(_same(hook.url, before.url) for before in active[:at]):
            # Whether Labelbox lists other projects' webhooks among the organisation's is not documented.
            remedy = (
                "Each delivery comes as often: switch all but one off in Labelbox, unless they are other projects'."
            )
            found.append(("wrong", f"{' and '.join(same)} post to the same address", remedy))
    return found


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(url: str) -> tuple[str, str, str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/"), parts.query


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
