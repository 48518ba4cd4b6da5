import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from service.domain.errors import SignatureMismatch
from service.domain.standard_webhooks import TOLERANCE_S, SignedHeaders, verify_standard_webhook

SECRET = "whsec_" + base64.b64encode(bytes(range(100, 132))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(24))).decode()
BODY = b'{"object":"event","id":"evt_1","type":"fine_tuning.job.succeeded","data":{"id":"ftjob-1"}}'
NOW_S = 1_790_000_000


def signed(body: bytes = BODY, *, secret: str = SECRET, event_id: str = "wh_1", at_s: int = NOW_S) -> SignedHeaders:
    """Sign with the reference implementation."""
    signature = Webhook(secret).sign(event_id, datetime.fromtimestamp(at_s, UTC), body.decode())
    return SignedHeaders([event_id.encode()], [str(at_s).encode()], [signature.encode()])


def verify(
    headers: SignedHeaders, body: bytes = BODY, *, secrets: Iterable[str] = (SECRET,), now_s: float = NOW_S
) -> str:
    return verify_standard_webhook(body, headers, secrets=secrets, now_s=now_s)


def refused(
    headers: SignedHeaders, body: bytes = BODY, *, secrets: Iterable[str] = (SECRET,), now_s: float = NOW_S
) -> None:
    with pytest.raises(SignatureMismatch):
        verify(headers, body, secrets=secrets, now_s=now_s)


texts = st.text(st.characters(codec="utf-8"), max_size=100)


@given(body=texts, event_id=st.text("abc_123", min_size=1), key=st.binary(min_size=24, max_size=64))
def test_what_the_reference_implementation_signed_is_believed(body: str, event_id: str, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = signed(body.encode(), secret=secret, event_id=event_id)
    assert verify(headers, body.encode(), secrets=[secret]) == event_id
    assert verify(headers, body.encode(), secrets=[OTHER, secret]) == event_id
    assert verify(headers, body.encode(), secrets=[secret, OTHER]) == event_id


def test_the_prefix_of_a_secret_is_no_part_of_the_key() -> None:
    assert verify(signed(), secrets=[SECRET.removeprefix("whsec_")]) == "wh_1"


def test_one_wrong_byte_is_enough_to_be_refused() -> None:
    right = signed().signature[0]
    for place in (3, 20, len(right) - 2):
        wrong = bytearray(right)
        wrong[place] = ord("A") if wrong[place] != ord("A") else ord("B")
        refused(replace(signed(), signature=[bytes(wrong)]))


def test_the_same_json_in_other_bytes_is_refused() -> None:
    other = json.dumps(json.loads(BODY)).encode()
    assert other != BODY
    refused(signed(), other)


@pytest.mark.parametrize("off_s", [TOLERANCE_S + 1, -TOLERANCE_S - 1, 86_400])
def test_an_event_that_is_too_old_or_from_the_future_is_refused(off_s: int) -> None:
    refused(signed(), now_s=NOW_S + off_s)


@pytest.mark.parametrize("off_s", [TOLERANCE_S, -TOLERANCE_S, 0.5])
def test_an_event_within_the_tolerance_is_believed(off_s: float) -> None:
    assert verify(signed(), now_s=NOW_S + off_s) == "wh_1"


@pytest.mark.parametrize("name", ["event_id", "timestamp", "signature"])
def test_a_header_that_is_missing_or_doubled_is_refused(name: str) -> None:
    right = getattr(signed(), name)
    for values in ([], [*right, *right], [*right, b""]):
        refused(replace(signed(), **{name: values}))


def test_another_id_or_time_than_the_signed_one_is_refused() -> None:
    refused(replace(signed(), event_id=[b"wh_2"]))
    refused(replace(signed(), timestamp=[str(NOW_S + 1).encode()]))


def test_a_signature_with_another_secret_is_refused() -> None:
    refused(signed(secret=OTHER))
    refused(signed(), secrets=[])


def test_one_right_signature_among_several_is_enough() -> None:
    right, other = signed().signature[0], signed(secret=OTHER).signature[0]
    assert verify(replace(signed(), signature=[other + b" v2,what-is-this " + right])) == "wh_1"


def test_a_right_signature_under_another_version_is_refused() -> None:
    right = signed().signature[0]
    refused(replace(signed(), signature=[right.replace(b"v1,", b"v2,")]))
    refused(replace(signed(), signature=[right.removeprefix(b"v1,")]))


@pytest.mark.parametrize(
    "timestamp",
    [b"", b"now", b"-1", b"+1", b" 1", b"1.0", b"1e9", "१".encode(), b"9" * 20, b"9" * 400, b"9" * 5000, b"\xff"],
)
def test_a_malformed_time_is_refused_and_raises_nothing_else(timestamp: bytes) -> None:
    refused(replace(signed(), timestamp=[timestamp]))


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_headers_made_up_without_the_secret_are_refused_and_raise_nothing_else(a: bytes, b: bytes, c: bytes) -> None:
    refused(SignedHeaders([a], [b], [c]))
    refused(replace(signed(), signature=[c]))
    refused(replace(signed(), event_id=[a], signature=[b"v1," + c]))


@pytest.mark.parametrize("unusable", ["", "whsec_"])
def test_an_empty_secret_signs_nothing(unusable: str) -> None:
    # Anybody can sign with an empty key.
    message = b"wh_1." + str(NOW_S).encode() + b"." + BODY
    forged = b"v1," + base64.b64encode(hmac.new(b"", message, hashlib.sha256).digest())
    refused(replace(signed(), signature=[forged]), secrets=[unusable])
    refused(replace(signed(), signature=[forged]), secrets=[unusable, SECRET])


@pytest.mark.parametrize("unusable", ["", "whsec_", "whsec_not base64!", "whsec_é", "whsec_abc"])
def test_a_secret_that_cannot_be_used_does_not_disturb_the_others(unusable: str) -> None:
    assert verify(signed(), secrets=[unusable, SECRET]) == "wh_1"
    refused(signed(), secrets=[unusable])
