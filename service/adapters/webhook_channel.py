"""Notices as outgoing webhooks: Standard Webhooks, signed with every secret there is."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr
from standardwebhooks import Webhook

from service.domain.errors import ChannelFailed, ChannelGone
from service.domain.notices import Notice, event_body

TIMEOUT_S = 10.0
_GONE = 410


class WebhookChannel:
    """See ``NoticeChannel``.

    Args:
        url: Where to; no secret, and still never in an error.
        secrets: Each ``whsec_`` and base64, checked; several while one is rotated.
        timeout_s: For the whole request, from the look-up of the host to the answer's headers.
    """

    def __init__(self, url: str, secrets: Sequence[SecretStr], *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._secrets = secrets
        self._timeout_s = timeout_s

    def send(self, notice: Notice, *, message_id: str, at: datetime, now: datetime) -> None:
        """See ``NoticeChannel``."""
        body = event_body(notice, at)
        headers = {
            "content-type": "application/json",
            "user-agent": "tuneloop",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signatures(message_id, now, body),
        }
        status = self._status(body, headers)
        if status == _GONE:
            raise ChannelGone("the receiver answered 410 Gone")
        if not httpx2.codes.is_success(status):
            raise ChannelFailed(f"the receiver answered {status}")

    def describe(self) -> str:
        """See ``NoticeChannel``."""
        self._require_secrets()
        parts = urlsplit(self._url)
        bare = "; without https everybody on the way can read it" if parts.scheme == "http" else ""
        return f"webhook to {parts.hostname}, {len(self._secrets)} signature{'s'[: len(self._secrets) > 1]}{bare}"

    def _signatures(self, message_id: str, now: datetime, body: bytes) -> str:
        self._require_secrets()
        signers = (Webhook(secret.get_secret_value()) for secret in self._secrets)
        # It takes every moment for one of UTC, whatever the moment itself says.
        return " ".join(signer.sign(message_id, now.astimezone(UTC), body.decode()) for signer in signers)

    def _require_secrets(self) -> None:
        if not self._secrets:
            raise ChannelFailed(
                "the variable that secret_env names is not set",
                remedy="Set it: 'whsec_' and the base64 of 24 to 64 random bytes.",
            )

    def _status(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            return asyncio.run(self._post(body, headers))
        except TimeoutError:
            raise ChannelFailed(f"no answer in {self._timeout_s:g} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Only its name: its words may quote the address.
            raise ChannelFailed(type(error).__name__) from None

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        # Over everything: a timeout for each read would let a receiver answer a byte at a time for ever.
        async with asyncio.timeout(self._timeout_s):
            # A redirect counts as a failure: the secret was agreed with this address, not with another.
            async with (
                httpx2.AsyncClient(timeout=self._timeout_s, follow_redirects=False) as client,
                # Nobody reads the answer's body, so that its size is nobody's trouble.
                client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                return answer.status_code
