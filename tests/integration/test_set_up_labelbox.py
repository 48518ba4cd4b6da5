"""Setting up an account: made once, found afterwards, completed after a failure, and never more than was asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest

from service.domain.errors import AmbiguousAccount, LabelsUnreachable
from service.domain.setup_lines import Line, Report
from service.domain.setup_rows import UploadRow, derived_key
from service.domain.setup_webhooks import TOPICS
from service.domain.setups import AskedQuestion, Choice, HeldProject, Setup, normalized
from service.usecases.set_up_labelbox import review_setup, set_up_labelbox
from tests.support.fake_account import FakeAccount

URL = "https://tuneloop.example.com/webhooks/labelbox"
OLD = "https://old.example.com/webhooks/labelbox"
TEXT = Setup(
    "p",
    "Chats",
    "text",
    (
        AskedQuestion("summary", "Summarise.", "text", min_characters=5, max_characters=800),
        AskedQuestion("quality", "How good?", "radio", options=(Choice("good", "Good"), Choice("bad", "Bad"))),
    ),
    webhook=URL,
)
CHAT = Setup("p", "Chats", "chat", (AskedQuestion("best", "Best?", "selection"),), webhook=URL, chats=3)
EVERYTHING = [
    "made project 'Chats', project-1",
    "made ontology 'Chats', ontology-1",
    "made the ontology connected to the project",
    "made dataset 'Chats', dataset-1",
    "made 2 data rows in the dataset",
    "made batch 'Chats 1' of 2 data rows",
    f"made webhook of the project to {URL}, webhook-1",
]


def rows_of(*texts: str) -> list[UploadRow]:
    return [UploadRow(derived_key("p", text), text, key_is_derived=True) for text in texts]


@dataclass
class Desk:
    """Somebody who sets up, and what was said."""

    account: FakeAccount = field(default_factory=FakeAccount)
    lines: list[Line] = field(default_factory=list)
    secrets_shown: int = 0

    def run(
        self,
        setup: Setup = TEXT,
        rows: Sequence[UploadRow] = (),
        *,
        project_id: str = "",
        others: Collection[str] = (),
        dry_run: bool = False,
    ) -> list[str]:
        """Set up; give the lines as they read."""
        self.lines = []
        set_up_labelbox(
            setup,
            project_id=project_id,
            rows=rows,
            account=self.account,
            secret=self._secret,
            report=Report(self.lines.append, dry_run),
            others=others,
        )
        return [f"{line.did} {line.what}" for line in self.lines]

    def verbs(self) -> set[str]:
        return {line.did for line in self.lines}

    def _secret(self) -> str:
        self.secrets_shown += 1
        return "00ff"


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_everything_is_made_once_and_then_only_found(desk: Desk) -> None:
    rows = rows_of("one chat", "another")
    assert desk.run(rows=rows) == EVERYTHING
    changes = desk.account.changes
    desk.run(rows=rows)
    assert desk.verbs() == {"found"}
    assert (desk.account.changes, desk.secrets_shown) == (changes, 1)
    assert desk.account.secrets == ["00ff"]
    assert list(desk.account.rows.values()) == ["one chat", "another"]
    assert [hook.topics for hook in desk.account.hooks.values()] == [TOPICS]


def test_a_dry_run_says_the_same_and_changes_nothing(desk: Desk) -> None:
    said = desk.run(rows=rows_of("one chat", "another"), dry_run=True)
    assert [line.split(" ", 2)[0] for line in said] == ["would"] * len(EVERYTHING)
    assert (desk.account.changes, desk.secrets_shown) == (0, 0)
    desk.run(rows=rows_of("one chat"))
    changes = desk.account.changes
    assert "would make batch 'Chats 2' of 1 data rows" in desk.run(rows=rows_of("one chat", "b"), dry_run=True)
    assert desk.account.changes == changes


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("fails_at", range(1, 10))
def test_a_run_that_broke_at_any_change_is_completed_by_the_next(fails_at: int, acts: bool) -> None:  # noqa: FBT001
    stale = FakeAccount()
    stale.create_project("Chats", "text")
    for url, topics in ((OLD, TOPICS), (URL, TOPICS[:2])):
        stale.create_webhook("project-1", url=url, topics=topics, secret="00ff")
    for account in (FakeAccount(), stale):
        desk, rows = Desk(account), rows_of("one chat", "another")
        account.changes, account.fails_at, account.acts_before_failing = 0, fails_at, acts
        try:
            desk.run(rows=rows)
        except LabelsUnreachable:
            assert account.changes == fails_at
        else:
            assert account.changes < fails_at
        account.fails_at = 0
        desk.run(rows=rows)
        assert all(line.is_as_wanted for line in desk.lines)
        desk.run(rows=rows)
        assert desk.verbs() == {"found"}
        assert len(account.projects) == len(account.ontologies) == len(account.datasets) == 1
        assert sum(account.batches("project-1").values()) == len(account.rows) == 2
        assert [hook.url for hook in account.hooks.values() if hook.is_active] == [URL]


def test_a_live_chat_has_its_empty_conversations(desk: Desk) -> None:
    said = desk.run(CHAT)
    assert "made batch 'Chats 1' of 3 data rows" in said
    assert "missing the models that labelers talk with" in said
    desk.run(CHAT)
    assert desk.verbs() == {"found"}
    assert "made batch 'Chats 2' of 2 data rows" in desk.run(replace(CHAT, chats=5))


def test_the_configured_project_is_taken_whatever_its_name(desk: Desk) -> None:
    desk.account.create_project("Another name", "text")
    desk.account.create_project("Chats", "text")
    said = desk.run(project_id="project-1")
    assert said[0] == "found project 'Another name', project-1"
    assert desk.account.connected == {"project-1": "ontology-1"}


@pytest.mark.parametrize("what", ["project", "ontology", "dataset"])
def test_two_of_one_name_are_an_error_with_their_ids_before_anything_is_made(desk: Desk, what: str) -> None:
    account = desk.account
    for _ in range(2):
        if what == "project":
            account.create_project("Chats", "text")
        elif what == "ontology":
            account.create_ontology("Chats", "text", normalized(TEXT.questions))
        else:
            account.create_dataset("Chats")
    with pytest.raises(AmbiguousAccount, match=f"{what}-1, {what}-2") as raised:
        desk.run(rows=rows_of("a"))
    assert "Rename" in raised.value.remedy
    assert (account.changes, desk.lines) == (2, [])


def test_a_project_of_another_kind_is_told_and_nothing_is_done(desk: Desk) -> None:
    desk.account.projects["cl1"] = HeldProject("cl1", "Chats", "IMAGE", None)
    assert desk.run(rows=rows_of("a")) == [
        "differs project cl1: its media type is IMAGE, kind 'text' needs TEXT",
    ]
    assert not desk.lines[0].is_as_wanted
    assert desk.account.changes == 0


def test_an_ontology_that_differs_is_told_and_neither_changed_nor_connected(desk: Desk) -> None:
    made = desk.account.create_ontology("Chats", "text", normalized(TEXT.questions[:1]))
    said = desk.run()
    assert "differs ontology ontology-1: question 'quality' is missing" in said
    assert desk.account.ontologies == {"ontology-1": made}
    assert desk.account.connected == {}
    assert any(line.did == "differs" and "ontology editor" in line.remedy for line in desk.lines)


def test_a_connected_ontology_is_compared_and_kept(desk: Desk) -> None:
    desk.run()
    harder = replace(TEXT, questions=(replace(TEXT.questions[0], max_characters=100), TEXT.questions[1]))
    said = desk.run(harder)
    assert "differs ontology ontology-1: question 'summary' has max_characters 800, not 100" in said
    assert len(desk.account.ontologies) == 1


def test_limits_that_labelbox_does_not_keep_are_told_at_once(desk: Desk) -> None:
    desk.account.keeps_limits = False
    said = desk.run()
    assert "differs ontology ontology-1: question 'summary' has min_characters none, not 5" in said
    # It asks what is wanted all the same.
    assert desk.account.connected == {"project-1": "ontology-1"}


def test_rows_with_keys_of_their_own_are_changed_where_their_text_is(desk: Desk) -> None:
    rows = [UploadRow("k1", "a"), UploadRow("k2", "b")]
    desk.run(rows=rows)
    said = desk.run(rows=[UploadRow("k1", "a"), UploadRow("k2", "changed"), UploadRow("k3", "c")])
    assert [line for line in said if "data rows" in line] == [
        "found 1 of the data rows in the project",
        "made 1 data rows in the dataset",
        "changed 1 data rows in the dataset",
        "made batch 'Chats 2' of 1 data rows",
    ]
    assert desk.account.rows == {"k1": "a", "k2": "changed", "k3": "c"}


def test_rows_of_another_project_are_sent_to_this_one_too(desk: Desk) -> None:
    desk.run(replace(TEXT, name="Others"), rows_of("a", "b"))
    said = desk.run(rows=rows_of("a", "b", "c"))
    assert "made 1 data rows in the dataset" in said
    assert "made batch 'Chats 1' of 3 data rows" in said


def test_refused_rows_are_counted_by_reason_and_the_others_go_on(desk: Desk) -> None:
    desk.account.refuses = {"k1": "too long", "k2": "too long", "k3": "no text"}
    rows = [UploadRow(f"k{number}", "text") for number in range(1, 5)]
    said = desk.run(rows=rows)
    assert [line for line in said if line.startswith("refused")] == [
        "refused 1 data rows: no text",
        "refused 2 data rows: too long",
    ]
    assert "made batch 'Chats 1' of 1 data rows" in said
    desk.account.refuses = {}
    assert "made batch 'Chats 2' of 3 data rows" in desk.run(rows=rows)


def test_without_rows_it_is_said_how_to_give_some(desk: Desk) -> None:
    assert "missing the project has no data rows" in desk.run()
    assert all(line.is_as_wanted for line in desk.lines)
    assert "--rows" in next(line.remedy for line in desk.lines if line.did == "missing")


def test_batches_and_uploads_stay_within_what_labelbox_takes(desk: Desk) -> None:
    rows = [UploadRow(f"k{number}", "text") for number in range(100_001)]
    said = desk.run(rows=rows)
    assert [line for line in said if line.startswith("made batch")] == [
        "made batch 'Chats 1' of 100000 data rows",
        "made batch 'Chats 2' of 1 data rows",
    ]
    assert desk.account.batches("project-1") == {"Chats 1": 100_000, "Chats 2": 1}


def test_rows_that_do_not_arrive_are_told(desk: Desk) -> None:
    desk.run(rows=rows_of("a"))
    # An export that lags behind does not show the row yet.
    desk.account.contents_in_project = lambda _project_id, _keys: {}  # type: ignore[method-assign]
    said = desk.run(rows=rows_of("a"))
    assert said[-2:] == [
        "differs batch 'Chats 2' holds 0 of 1",
        f"found webhook of the project to {URL}, webhook-1",
    ]


def test_a_stale_webhook_is_switched_off_after_the_new_one_was_made(desk: Desk) -> None:
    account = desk.account
    account.create_project("Chats", "text")
    for url in (OLD, f"{OLD}/p", f"{OLD}/another", "https://old.example.com/hooks"):
        account.create_webhook("project-1", url=url, topics=TOPICS, secret="00ff")
    account.create_webhook(None, url=OLD, topics=TOPICS, secret="00ff")
    said = desk.run()
    assert said[-3:] == [
        f"made webhook of the project to {URL}, webhook-6",
        f"switched off webhook webhook-1 to {OLD}",
        f"switched off webhook webhook-2 to {OLD}/p",
    ]
    active = {hook.webhook_id for hook in account.hooks.values() if hook.is_active}
    assert active == {"webhook-3", "webhook-4", "webhook-5", "webhook-6"}
    desk.run()
    assert "switched off" not in desk.verbs()


def test_another_pipelines_webhook_of_the_same_project_stays(desk: Desk) -> None:
    desk.account.create_project("Chats", "text")
    desk.account.create_webhook("project-1", url=OLD, topics=TOPICS, secret="00ff")
    desk.run(others=[OLD])
    assert all(hook.is_active for hook in desk.account.hooks.values())


def test_lacking_topics_are_added_and_others_stay(desk: Desk) -> None:
    desk.account.create_project("Chats", "text")
    desk.account.create_webhook("project-1", url=URL, topics=("LABEL_DELETED", "OTHER"), secret="00ff")
    said = desk.run()
    assert "changed webhook webhook-1: topics LABEL_CREATED, LABEL_UPDATED, WORKFLOW_ACTION added" in said
    assert set(desk.account.hooks["webhook-1"].topics) == {*TOPICS, "OTHER"}
    assert desk.secrets_shown == 0


def test_an_inactive_webhook_is_not_taken_for_one_that_serves(desk: Desk) -> None:
    desk.run()
    desk.account.switch_off(desk.account.hooks["webhook-1"])
    assert f"made webhook of the project to {URL}, webhook-2" in desk.run()


def test_of_two_webhooks_at_one_address_the_older_is_switched_off(desk: Desk) -> None:
    desk.run()
    desk.account.create_webhook("project-1", url=URL, topics=TOPICS, secret="00ff")
    assert f"switched off webhook webhook-1 to {URL}" in desk.run()
    desk.run()
    assert "switched off" not in desk.verbs()


def test_the_organisations_webhook_is_made_once_for_every_project(desk: Desk) -> None:
    wide = replace(TEXT, webhook_scope="organization")
    desk.run(wide)
    second = desk.run(replace(wide, name="Others"))
    assert f"found webhook of the organization to {URL}, webhook-1" in second
    assert desk.account.owners == {"webhook-1": None}


def test_beside_the_organisations_webhook_a_project_gets_none(desk: Desk) -> None:
    desk.account.create_webhook(None, url=URL, topics=TOPICS, secret="00ff")
    said = desk.run()
    assert said[-1] == "differs webhook webhook-1 of the organization posts to this address already"
    assert len(desk.account.hooks) == 1


def test_a_review_finds_what_was_set_up_and_changes_nothing(desk: Desk) -> None:
    desk.run(CHAT)
    changes, lines = desk.account.changes, list[Line]()
    review_setup(CHAT, project_id="project-1", account=desk.account, report=Report(lines.append))
    assert {line.did for line in lines} == {"found"}
    assert desk.account.changes == changes


def test_a_review_tells_what_is_missing(desk: Desk) -> None:
    desk.account.create_project("Chats", "text")
    lines = list[Line]()
    review_setup(TEXT, project_id="project-1", account=desk.account, report=Report(lines.append))
    assert [f"{line.did} {line.what}" for line in lines] == [
        "found project 'Chats', project-1",
        "would make ontology 'Chats'",
        "would make the ontology connected to the project",
        "would make dataset 'Chats'",
        "missing the project has no data rows",
    ]
    assert desk.account.changes == 1
