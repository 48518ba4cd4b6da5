"""Sending the webhooks that tell of a job's end, until they arrive or 72 hours have passed.

Source: the Standard Webhooks specification, and OpenAI's guide "Webhooks" for the time limit.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
import structlog
from standardwebhooks.webhooks import Webhook

from trainer.store.deliveries import Delivery, DeliveryStore

logger = structlog.get_logger()
GIVE_UP_AFTER_S = 72 * 3600
LONGEST_WAIT_S = 3600.0
TIMEOUT_S = 10.0
IDLE_S = 30.0


class Sending:
    """Sends what is due, the oldest first.

    Args:
        deliveries: The webhooks to send.
        url: Where to.
        secret: ``whsec_`` and base64, checked.
        retry_s: The wait after the first failure; it doubles at each further one.
        clock: The time in unix seconds.
    """

    def __init__(
        self, deliveries: DeliveryStore, *, url: str, secret: str, retry_s: float, clock: Callable[[], float]
    ) -> None:
        self._deliveries = deliveries
        self._url = url
        self._signer = Webhook(secret)
        self._retry_s = retry_s
        self._clock = clock
        # A redirect counts as a failure: the secret was agreed with this address, not with another.
        self._client = httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False)

    def send_due(self) -> float:
        """Send one webhook that is due; give the seconds until the next is."""
        delivery = self._deliveries.due(self._clock())
        if delivery is not None:
            self._send(delivery)
        next_at = self._deliveries.next_at()
        return IDLE_S if next_at is None else max(0.0, next_at - self._clock())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, delivery: Delivery) -> None:
        outcome = self._post(delivery)
        if outcome is None:
            self._deliveries.settle(delivery.id, "delivered")
            logger.info("webhook_delivered", webhook=delivery.id, attempts=delivery.attempts + 1)
        elif self._clock() - delivery.created_at >= GIVE_UP_AFTER_S:
            self._deliveries.settle(delivery.id, "given_up")
            logger.error("webhook_given_up", webhook=delivery.id, attempts=delivery.attempts + 1, reason=outcome)
        else:
            wait_s = min(LONGEST_WAIT_S, self._retry_s * 2 ** min(delivery.attempts, 32))
            self._deliveries.put_off(delivery.id, self._clock() + wait_s)
            logger.warning("webhook_failed", webhook=delivery.id, reason=outcome, wait_s=wait_s)

    def _post(self, delivery: Delivery) -> str | None:
        """Send a webhook, signed anew: a receiver refuses an old timestamp. Give why it failed, None if it did not."""
        now = datetime.fromtimestamp(int(self._clock()), UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "tuneloop-trainer",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(delivery.id, now, delivery.body),
        }
        try:
            answer = self._client.post(self._url, content=delivery.body.encode(), headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return type(error).__name__
        return None if answer.is_success else f"status {answer.status_code}"
