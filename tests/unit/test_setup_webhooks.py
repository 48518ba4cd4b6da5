"""Which webhooks are ours, which one serves, and which are stale."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.setup_webhooks import (
    TOPICS,
    HeldWebhook,
    check_address,
    check_secret,
    is_ours,
    judge_webhooks,
    plan_webhooks,
)
from service.domain.setups import Scope
from tests.support.fakes import NOON

HOST = "https://tuneloop.example.com"
URL = f"{HOST}/webhooks/labelbox"
OLD = "https://old.example.com/webhooks/labelbox"


def hook(
    name: str,
    url: str = URL,
    *,
    scope: Scope = "project",
    status: str = "ACTIVE",
    topics: tuple[str, ...] = TOPICS,
    age: int = 0,
) -> HeldWebhook:
    return HeldWebhook(name, url, topics, status, NOON - timedelta(days=age), scope)


hooks = st.lists(
    st.builds(
        hook,
        st.uuids().map(str),
        st.sampled_from([URL, OLD, f"{HOST}/webhooks/labelbox/p", f"{HOST}/webhooks/labelbox/q", f"{HOST}/else"]),
        scope=st.sampled_from(["project", "organization"]),
        status=st.sampled_from(["ACTIVE", "INACTIVE", "REVOKED"]),
        topics=st.sampled_from([TOPICS, TOPICS[:2]]),
        age=st.integers(0, 3),
    ),
    max_size=6,
    unique_by=lambda found: found.webhook_id,
)


@given(hooks, st.sampled_from(["project", "organization"]))
def test_only_active_webhooks_that_are_recognisably_ours_are_ever_switched_off(
    held: list[HeldWebhook], scope: Scope
) -> None:
    plan = plan_webhooks(held, pipeline="p", url=URL, scope=scope)
    for found in plan.off:
        assert found.is_active
        assert found.scope == "project" or (found.url, scope) == (URL, "organization")
        assert found.url in {URL, OLD, f"{HOST}/webhooks/labelbox/p"}
        assert found != plan.keep
    assert plan.keep is None or (plan.keep.is_active, plan.keep.scope, plan.keep.url) == (True, scope, URL)


@given(hooks, st.sampled_from(["project", "organization"]))
def test_once_done_nothing_is_left_to_switch_off(held: list[HeldWebhook], scope: Scope) -> None:
    plan = plan_webhooks(held, pipeline="p", url=URL, scope=scope)
    left = [found for found in held if found not in plan.off]
    made = [] if plan.keep else [hook("made", scope=scope)]
    again = plan_webhooks([*left, *made], pipeline="p", url=URL, scope=scope)
    assert again.keep is not None
    assert again.off == ()


def test_of_two_at_one_address_the_newest_stays() -> None:
    plan = plan_webhooks([hook("new"), hook("old", age=1)], pipeline="p", url=URL, scope="project")
    assert (plan.keep, plan.off) == (hook("new"), (hook("old", age=1),))


def test_what_the_organisations_webhook_serves_already_is_posted_once() -> None:
    held = [hook("new", scope="organization"), hook("old", scope="organization", age=1), hook("own", age=2)]
    plan = plan_webhooks(held, pipeline="p", url=URL, scope="organization")
    assert (plan.keep, plan.off, plan.doubled) == (held[0], (held[2], held[1]), ())


def test_the_organisations_webhook_is_left_alone_by_a_project() -> None:
    held = [hook("wide", scope="organization"), hook("own")]
    assert plan_webhooks(held, pipeline="p", url=URL, scope="project").doubled == (held[0],)
    plan = plan_webhooks(held[:1], pipeline="p", url=URL, scope="project")
    assert (plan.keep, plan.off, plan.doubled) == (None, (), (held[0],))


def test_addresses_of_other_pipelines_are_left_alone() -> None:
    held = [hook("other", OLD), hook("named", f"{HOST}/webhooks/labelbox/q")]
    assert plan_webhooks(held, pipeline="p", url=URL, scope="project", others=[OLD]).off == ()
    assert plan_webhooks(held, pipeline="p", url=URL, scope="project").off == (held[0],)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}/p",
        f"{HOST}:8443/behind/webhooks/labelbox?x=%22",
        "http://127.0.0.1:8000/webhooks/labelbox",
        "http://localhost/webhooks/labelbox",
        "http://[::1]:1/webhooks/labelbox",
    ],
)
def test_addresses_that_labelbox_can_post_to_are_taken(url: str) -> None:
    assert check_address(url, {"p"}) == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f'{URL}?x="', "percent-encode"),
        (f"{URL}\\", "percent-encode"),
        (f"{URL} ", "percent-encode"),
        (f"{URL}\n", "percent-encode"),
        (f"{HOST}/ü/webhooks/labelbox", "percent-encode"),
        ("http://tuneloop.example.com/webhooks/labelbox", "must be https"),
        ("http://127.0.0.1.example.com/webhooks/labelbox", "must be https"),
        ("ftp://tuneloop.example.com/webhooks/labelbox", "such as"),
        ("tuneloop.example.com/webhooks/labelbox", "such as"),
        ("https:///webhooks/labelbox", "such as"),
        ("https://h:99999/webhooks/labelbox", "such as"),
        ("https://user:secret@h/webhooks/labelbox", "such as"),
        (f"{HOST}/webhooks", "must end in"),
        (f"{URL}/", "must end in"),
        (f"{URL}/unknown", "must end in"),
        (f"{URL}/p/q", "must end in"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        check_address(url, {"p"})
    assert "secret" not in str(raised.value)


@given(st.text(alphabet=st.sampled_from('abc0"\\ \n\x00é/?'), max_size=20))
def test_no_address_or_secret_that_is_taken_can_alter_the_query(text: str) -> None:
    for check in (lambda: check_address(f"{HOST}/{text}/webhooks/labelbox", ()), lambda: check_secret(text)):
        try:
            taken = check()
        except ValueError:
            continue
        assert not set(taken) & set('"\\ \n\x00é')
        assert taken


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="hex digits") as raised:
        check_secret('geheim"')
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "ours"),
    [(URL, True), (f"{URL}/p", True), (f"{OLD}/", True), (f"{URL}/q", False), (f"{HOST}/hooks", False)],
)
def test_ours_is_what_ends_where_this_service_listens_for_the_pipeline(url: str, ours: bool) -> None:  # noqa: FBT001
    assert is_ours(url, "p") is ours


def judged(held: list[HeldWebhook], url: str | None) -> list[tuple[str, str]]:
    return [(verdict, text) for verdict, text, _ in judge_webhooks(held, pipeline="p", url=url)]


@pytest.mark.parametrize("url", [None, URL])
@pytest.mark.parametrize(
    ("held", "verdict", "words"),
    [
        ([hook("w")], "ok", "w of the project posts every topic"),
        ([hook("w", scope="organization")], "ok", "w of the organization posts every topic"),
        ([hook("w", topics=TOPICS[:2])], "wrong", "w lacks LABEL_DELETED, WORKFLOW_ACTION"),
        ([hook("w", status="INACTIVE"), hook("v", status="REVOKED")], "wrong", "w is INACTIVE, v is REVOKED"),
        ([hook("w"), hook("v")], "wrong", "w and v post to the same address"),
        ([hook("w"), hook("v", status="INACTIVE")], "ok", "w of the project"),
        ([hook("w"), hook("v", scope="organization")], "wrong", "w and v post to the same address"),
    ],
)
def test_what_is_wrong_with_webhooks_is_told(
    held: list[HeldWebhook], verdict: str, words: str, url: str | None
) -> None:
    ((found, text),) = judged(held, url)
    assert found == verdict
    assert words in text


def test_no_webhook_is_fine_unless_one_is_configured() -> None:
    assert judged([hook("other", f"{HOST}/else")], None)[0][0] == "ok"
    assert judged([hook("other", OLD)], URL) == [("wrong", f"none goes to {URL}")]
    assert all(remedy for verdict, _, remedy in judge_webhooks([], pipeline="p", url=URL) if verdict == "wrong")
