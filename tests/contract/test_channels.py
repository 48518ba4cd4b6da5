"""The ways out: webhooks and apprise, each against a real server on loopback."""

import base64
import json
import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event, Thread

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from service.adapters.apprise_channel import AppriseChannel
from service.adapters.webhook_channel import WebhookChannel
from service.cli.valkey import free_port
from service.domain.errors import ChannelFailed, ChannelGone
from service.domain.notices import Notice
from service.domain.standard_webhooks import SignedHeaders, verify_standard_webhook
from tests.support.fakes import NOON
from tests.support.receiver import Received, Receiver, receiving

NEW = "whsec_" + base64.b64encode(bytes(range(40))).decode()
OLD = "whsec_" + base64.b64encode(bytes(range(60, 84))).decode()
NOTICE = Notice("failed", "run-1 4", "p: run 3 failed", "OverBudget: 9.00 USD. Grüße\ntuneloop runs show run-1", "p")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO):
        yield
    assert not [record for record in caplog.records if "hidden" in record.getMessage() or "whsec_" in str(record.args)]


def send(channel: WebhookChannel | AppriseChannel, *, message_id: str = "msg_1") -> datetime:
    now = datetime.now(UTC)
    channel.send(NOTICE, message_id=message_id, at=NOON, now=now)
    return now


def webhook(url: str, *secrets: str, timeout_s: float = 10.0) -> WebhookChannel:
    return WebhookChannel(url, [SecretStr(secret) for secret in secrets or (NEW,)], timeout_s=timeout_s)


def verified(request: Received, secret: str) -> str:
    """Verify with the reference implementation and with our own; give the id."""
    Webhook(secret).verify(request.body, request.headers)
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = SignedHeaders(*([request.headers[name].encode()] for name in names))
    return verify_standard_webhook(request.body, headers, secrets=[secret], now_s=time.time())


def test_what_is_sent_is_believed_by_a_receiver_that_knows_the_secret_and_by_no_other(receiver: Receiver) -> None:
    now = send(webhook(receiver.url))
    (request,) = receiver.requests
    assert verified(request, NEW) == "msg_1"
    assert request.path == "/hook"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-timestamp"] == str(int(now.timestamp()))
    event = json.loads(request.body)
    assert (event["type"], event["timestamp"]) == ("run.failed", "2026-11-02T12:00:00+00:00")
    assert event["data"]["text"] == NOTICE.text
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(request.body, request.headers)


def test_while_a_secret_is_rotated_old_and_new_receivers_believe(receiver: Receiver) -> None:
    send(webhook(receiver.url, NEW, OLD))
    assert [verified(receiver.requests[0], secret) for secret in (NEW, OLD)] == ["msg_1", "msg_1"]


def test_every_try_has_the_same_id_and_body_and_a_time_of_its_own(receiver: Receiver) -> None:
    channel = webhook(receiver.url)
    for minute in (0, 4):
        channel.send(NOTICE, message_id="msg_1", at=NOON, now=NOON.replace(minute=minute))
    first, second = receiver.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 240


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 413, 429, 500, 503])
def test_whatever_is_no_success_is_a_failure_and_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    with pytest.raises(ChannelFailed, match=f"the receiver answered {status}"):
        send(webhook(receiver.url))
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_a_success(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    send(webhook(receiver.url))
    assert len(receiver.requests) == 1


def test_a_receiver_that_is_gone_ends_the_channel(receiver: Receiver) -> None:
    receiver.statuses = [410]
    with pytest.raises(ChannelGone):
        send(webhook(receiver.url))


def test_nobody_listening_is_a_failure_that_names_no_address() -> None:
    with pytest.raises(ChannelFailed) as raised:
        send(webhook(f"http://127.0.0.1:{free_port()}/hidden-path?token=hidden"))
    assert str(raised.value) == "ConnectError"
    assert raised.value.__cause__ is None


def test_a_host_that_does_not_exist_is_a_failure() -> None:
    with pytest.raises(ChannelFailed):
        send(webhook("http://no-such-host.test/hidden"))


def test_a_receiver_that_answers_a_byte_at_a_time_is_not_waited_for() -> None:
    stop = Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000:
                    if stop.wait(0.02):
                        return
                    try:
                        connection.send(bytes([byte]))
                    except OSError:
                        return

        thread = Thread(target=trickle)
        thread.start()
        with pytest.raises(ChannelFailed, match=r"no answer in 0\.5 seconds"):
            send(webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_s=0.5))
        stop.set()
        thread.join()


def test_without_a_secret_nothing_is_sent(receiver: Receiver) -> None:
    channel = WebhookChannel(receiver.url, [])
    for use in (channel.describe, lambda: send(channel)):
        with pytest.raises(ChannelFailed, match="not set"):
            use()
    assert receiver.requests == []


def test_a_webhook_says_where_it_goes_without_what_may_be_secret() -> None:
    assert webhook("https://hooks.example.com/hidden").describe() == "webhook to hooks.example.com, 1 signature"
    plain = webhook("http://receiver:8080/hidden", NEW, OLD).describe()
    assert plain == "webhook to receiver, 2 signatures; without https everybody on the way can read it"


# Apprise.


def apprise(address: str) -> AppriseChannel:
    return AppriseChannel(SecretStr(address))


def test_apprise_hands_over_title_text_and_severity(receiver: Receiver) -> None:
    channel = apprise(f"json://user:hidden-word@127.0.0.1:{receiver.port}/hook")
    send(channel)
    (request,) = receiver.requests
    event = json.loads(request.body)
    assert (event["title"], event["message"], event["type"]) == (NOTICE.title, NOTICE.text, "failure")
    assert channel.describe() == "apprise, JSON"


@pytest.mark.parametrize("status", [400, 410, 500])
def test_what_apprise_could_not_hand_over_is_a_failure(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    with pytest.raises(ChannelFailed, match="JSON did not take it"):
        send(apprise(f"json://user:hidden-word@127.0.0.1:{receiver.port}/"))


def test_a_service_that_does_not_answer_is_a_failure_that_names_no_address() -> None:
    with pytest.raises(ChannelFailed) as raised:
        send(apprise(f"json://user:hidden-word@127.0.0.1:{free_port()}/"))
    assert "hidden" not in str(raised.value) + raised.value.remedy


@pytest.mark.parametrize("address", ["nonsense-hidden", "slack://hidden", "nothing://hidden/x", "https://"])
def test_an_address_that_apprise_cannot_read_is_refused_without_being_shown(address: str) -> None:
    for use in (apprise(address).describe, lambda: send(apprise(address))):
        with pytest.raises(ChannelFailed, match="apprise cannot read the address") as raised:
            use()
        assert "hidden" not in str(raised.value) + raised.value.remedy


def test_without_an_address_nothing_is_sent() -> None:
    with pytest.raises(ChannelFailed, match="not set"):
        AppriseChannel(None).describe()
