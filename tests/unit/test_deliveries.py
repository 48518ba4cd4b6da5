import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.deliveries import (
    TOPICS,
    Doorbell,
    delivery_key,
    read_doorbell,
    verify_signature,
    without_texts,
)
from service.domain.errors import SignatureMismatch, UnknownTopic, UnreadableDelivery
from tests.support.builders import make_delivery

SECRET, OTHER = b"first secret", b"second secret"
BODY = b'{"id": "label-1"}'


def sha1_of(body: bytes, secret: bytes = SECRET) -> bytes:
    return b"sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest().encode()


def sha256_of(body: bytes, secret: bytes = SECRET) -> bytes:
    return b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


def verify(
    body: bytes = BODY,
    *,
    sha256: Sequence[bytes] = (),
    sha1: Sequence[bytes] = (),
    secrets: Sequence[bytes] = (SECRET,),
) -> None:
    verify_signature(body, sha256=sha256, sha1=sha1, secrets=secrets)


# Signatures.


@given(body=st.binary(max_size=200), secret=st.binary(min_size=1, max_size=64))
def test_what_one_of_our_secrets_signed_is_believed(body: bytes, secret: bytes) -> None:
    verify(body, sha1=[sha1_of(body, secret)], secrets=[b"an older one", secret])
    verify(body, sha256=[sha256_of(body, secret)], secrets=[secret, b"a newer one"])


@given(body=st.binary(max_size=200), other=st.binary(max_size=200), secret=st.binary(min_size=1))
def test_a_signature_fits_no_other_body(body: bytes, other: bytes, secret: bytes) -> None:
    if body != other:
        with pytest.raises(SignatureMismatch):
            verify(other, sha1=[sha1_of(body, secret)], secrets=[secret])


@given(header=st.binary(max_size=80))
def test_no_header_made_up_without_the_secret_is_believed_and_none_raises_anything_else(header: bytes) -> None:
    with pytest.raises(SignatureMismatch):
        verify(sha1=[header])
    with pytest.raises(SignatureMismatch):
        verify(sha256=[header])


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"sha1=",
        "sha1=é\udcff".encode("utf-8", "surrogateescape"),
        sha1_of(BODY)[5:],
        sha1_of(BODY)[:-1],
        sha1_of(BODY) + b"0",
        sha1_of(BODY) + b" ",
        b"sha256=" + sha1_of(BODY)[5:],
        sha1_of(BODY, OTHER),
        sha1_of(json.dumps(json.loads(BODY), separators=(",", ":")).encode()),
    ],
)
def test_a_wrong_signature_is_refused(header: bytes) -> None:
    with pytest.raises(SignatureMismatch):
        verify(sha1=[header])


def test_an_unsigned_delivery_is_refused() -> None:
    with pytest.raises(SignatureMismatch):
        verify()


def test_a_header_given_twice_is_refused_even_if_both_are_right() -> None:
    with pytest.raises(SignatureMismatch):
        verify(sha1=[sha1_of(BODY)] * 2)
    with pytest.raises(SignatureMismatch):
        verify(sha256=[sha256_of(BODY), b"sha256=00"])


def test_a_wrong_sha256_is_not_outweighed_by_a_right_sha1() -> None:
    with pytest.raises(SignatureMismatch):
        verify(sha256=[b"sha256=" + b"0" * 64], sha1=[sha1_of(BODY)])


def test_hex_digits_may_be_upper_case() -> None:
    verify(sha1=[b"sha1=" + sha1_of(BODY)[5:].upper()])
    verify(sha256=[b"sha256=" + sha256_of(BODY)[7:].upper()])


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(SignatureMismatch):
        verify(sha1=[sha1_of(BODY, b"")], secrets=[b""])
    with pytest.raises(SignatureMismatch):
        verify(sha1=[sha1_of(BODY, b"")], secrets=[b"", SECRET])
    verify(sha1=[sha1_of(BODY)], secrets=[b"", SECRET])


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(SignatureMismatch):
        verify(sha1=[sha1_of(BODY)], secrets=[])


# Keys.


def test_the_same_delivery_has_the_same_key_and_any_difference_another() -> None:
    keys = {
        delivery_key("LABEL_CREATED", BODY),
        delivery_key("LABEL_UPDATED", BODY),
        delivery_key("LABEL_CREATED", BODY + b" "),
        delivery_key("LABEL_CREATED", BODY, pipeline="one"),
        delivery_key("LABEL_CREATED", BODY, pipeline="other"),
    }
    assert len(keys) == 5
    assert delivery_key("LABEL_CREATED", BODY) == delivery_key("LABEL_CREATED", BODY)
    assert all(len(key) == 64 for key in keys)


# Doorbells.


def ring(body: Any, topic: str = "LABEL_CREATED") -> Doorbell:  # noqa: ANN401 - any JSON
    return read_doorbell(topic, json.dumps(body).encode())


def test_payload_version_1_names_project_row_and_label() -> None:
    body = {
        "id": "label-1",
        "updatedAt": "2026-11-02T12:00:00Z",
        "label": '{"objects":[],"classifications":[]}',
        "deleted": False,
        "project": {"id": "project-1", "name": "Chats"},
        "dataRow": {"id": "row-1", "externalId": "x", "rowData": "a chat"},
        "dataset": {"id": "dataset-1"},
        "user": {"id": "user-1"},
    }
    assert ring(body) == Doorbell("project-1", ("row-1",), "label-1")


def test_payload_version_2_looks_like_a_row_of_an_export() -> None:
    body = {"data_row": {"id": "row-1"}, "media_attributes": {}, "projects": {"project-1": {"labels": []}}}
    assert ring(body, "LABEL_UPDATED") == Doorbell("project-1", ("row-1",), None)


def test_of_several_projects_in_a_body_none_is_guessed() -> None:
    body = {"data_row": {"id": "row-1"}, "projects": {"project-1": {}, "project-2": {}}}
    assert ring(body) == Doorbell(None, ("row-1",), None)


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"dataRow": {"id": "row-1"}}, ("row-1",)),
        ({"data_row": {"id": "row-1"}}, ("row-1",)),
        ({"dataRowId": "row-1"}, ("row-1",)),
        ({"data_row_id": "row-1"}, ("row-1",)),
        ({"dataRows": [{"id": "row-1"}, {"id": "row-2"}]}, ("row-1", "row-2")),
        ({"data_rows": [{"id": "row-1"}, {"id": "row-2"}]}, ("row-1", "row-2")),
        ({"dataRowIds": ["row-1", "row-2"]}, ("row-1", "row-2")),
        ({"data_row_ids": ["row-1", "row-2"]}, ("row-1", "row-2")),
        ({"dataRows": ["row-1"], "dataRowIds": ["row-1", "row-2"]}, ("row-1", "row-2")),
        ({}, ()),
    ],
)
def test_a_workflow_action_is_read_in_every_spelling_of_its_ids(body: dict[str, Any], rows: tuple[str, ...]) -> None:
    assert ring({**body, "project": {"id": "project-1"}}, "WORKFLOW_ACTION") == Doorbell("project-1", rows, None)


@pytest.mark.parametrize(
    "body", [{"project": {"id": "p"}}, {"projects": {"p": {}}}, {"projectId": "p"}, {"project_id": "p"}]
)
def test_the_project_is_read_in_every_spelling(body: dict[str, Any]) -> None:
    assert ring(body, "WORKFLOW_ACTION").project_id == "p"


def test_the_id_of_a_workflow_action_is_not_taken_for_a_label() -> None:
    assert ring({"id": "action-1", "dataRow": {"id": "row-1"}}, "WORKFLOW_ACTION").label_id is None


def test_reviews_of_old_webhooks_still_mean_look_again() -> None:
    body = {"label": {"id": "label-1"}, "score": 1, "project": {"id": "p"}, "dataRow": {"id": "row-1"}}
    assert ring(body, "REVIEW_CREATED") == Doorbell("p", ("row-1",), None)


@pytest.mark.parametrize("odd", [None, 7, True, "", [], {}, [None], [[]], {"id": None}, {"id": 7}, "a\x00b", "\ud800"])
def test_an_id_of_an_odd_shape_is_no_id(odd: object) -> None:
    # Half a surrogate or a NUL in an id could be written into no database.
    body = {"id": odd, "dataRow": odd, "dataRowId": odd, "projectId": odd, "project": {"id": odd}}
    assert ring(body) == Doorbell(None, (), None)


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b'{"a":']
)
def test_a_body_that_is_no_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableDelivery):
        read_doorbell("LABEL_CREATED", body)


@pytest.mark.parametrize("topic", ["", "label_created", "LABEL_CREATED ", "MODEL_RUN", "x" * 10_000])
def test_a_topic_that_is_not_known_is_named(topic: str) -> None:
    assert topic not in TOPICS
    with pytest.raises(UnknownTopic) as caught:
        read_doorbell(topic, b"{}")
    assert len(str(caught.value)) < 100
    assert caught.value.remedy


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["id", "project", "projects", "projectId", "dataRow", "dataRows", "data_row_ids", "data_row"])


@given(body=st.dictionaries(names, json_values), topic=st.sampled_from(sorted(TOPICS)))
def test_no_json_object_makes_reading_it_fail(body: dict[str, Any], topic: str) -> None:
    doorbell = read_doorbell(topic, json.dumps(body).encode())
    assert all(isinstance(row_id, str) and row_id for row_id in doorbell.data_row_ids)
    assert len(set(doorbell.data_row_ids)) == len(doorbell.data_row_ids)


# Deliveries without their texts.

IDS = st.text(st.characters(codec="ascii", categories=["L", "Nd"]), min_size=1)
WRITTEN = st.text(min_size=20).map(lambda text: f"<{text}>")


@given(
    topic=st.sampled_from(sorted(TOPICS)),
    ids=st.lists(IDS, min_size=1, unique=True),
    text=WRITTEN,
    moment=st.datetimes(),
)
def test_a_bare_delivery_rings_for_the_same_and_says_nothing(
    topic: str, ids: list[str], text: str, moment: datetime
) -> None:
    body = {
        "id": "label-1",
        "updatedAt": moment.isoformat(),
        "label": text,
        "project": {"id": "project-1", "name": text},
        "dataRow": {"id": ids[0], "rowData": text},
        "dataRows": [{"id": row_id, "rowData": text} for row_id in ids],
    }
    delivery = make_delivery(json.dumps(body).encode(), topic)
    bare = without_texts(delivery, ids[-1:])
    assert read_doorbell(topic, bare.body) == read_doorbell(topic, delivery.body)
    assert json.dumps(text)[1:-1].encode() not in bare.body
    assert bare.key == delivery_key(topic, bare.body) != delivery.key
    assert without_texts(bare, ids) == bare


def test_a_delivery_that_concerns_other_rows_stays_what_it_is() -> None:
    for body in (b'{"dataRow": {"id": "row-11"}}', b"row-11 and text", b'{"dataRow": {}}', b"\xff"):
        delivery = make_delivery(body)
        assert without_texts(delivery, ["row-1"]) is delivery
        assert without_texts(delivery, []) is delivery


@pytest.mark.parametrize("body", [b'{"row-1": "text', b'["row-1", "text"]', b"text (row-1) \xff"])
def test_a_body_that_cannot_be_read_becomes_empty_if_it_mentions_a_row(body: bytes) -> None:
    assert without_texts(make_delivery(body), ["row-1"]).body == b""


def test_a_row_that_is_mentioned_where_nobody_expects_it_is_enough() -> None:
    delivery = make_delivery(b'{"project": {"id": "p"}, "about": ["row-1"], "said": "text"}')
    bare = without_texts(delivery, ["row-1"])
    assert b"text" not in bare.body
    assert read_doorbell(bare.topic, bare.body) == Doorbell("p", (), None)
