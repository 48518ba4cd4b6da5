"""The setup table: everything it can say, and every mistake in it with its line."""

from pathlib import Path

import pytest

from service.config import Settings, describe, load
from service.domain.errors import ConfigurationError
from service.domain.setups import AskedQuestion, Choice, Setup

TRAIN = '[pipelines.support.train]\nmodel = "m"\n'
SETUP = TRAIN + "[pipelines.support.setup]\n"
QUESTION = '[[pipelines.support.setup.questions]]\nname = "summary"\ntype = "text"\n'


class Folder:
    def __init__(self, path: Path) -> None:
        self.file = path / "tuneloop.toml"

    def load(self, text: str, *, setting_up: bool = True) -> Settings:
        self.file.write_text(text, encoding="utf-8")
        return load({"TUNELOOP_CONFIG": str(self.file)}, setting_up=setting_up)

    def mistakes(self, text: str, *, setting_up: bool = True) -> list[str]:
        with pytest.raises(ConfigurationError) as raised:
            self.load(text, setting_up=setting_up)
        return str(raised.value).replace(f"{self.file}:", "").split("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_everything_a_setup_can_say_arrives_in_the_domains_words(folder: Folder) -> None:
    settings = folder.load(
        TRAIN
        + """
        [pipelines.support.setup]
        name = "Support chats"
        kind = "offline-chat"
        webhook = "https://tuneloop.example.com/webhooks/labelbox/support"
        webhook_scope = "organization"
        priority = 1
        [[pipelines.support.setup.questions]]
        name = "best"
        type = "ranking"
        [[pipelines.support.setup.questions]]
        name = "quality"
        ask = "How good?"
        type = "radio"
        required = false
        [[pipelines.support.setup.questions.options]]
        value = "good"
        [[pipelines.support.setup.questions.options]]
        value = "bad"
        label = "Bad"
        questions = [ { name = "why", type = "text", max_characters = 9 } ]
        """
    )
    why = AskedQuestion("why", "why", "text", max_characters=9)
    assert settings.setups["support"] == Setup(
        pipeline="support",
        name="Support chats",
        kind="offline-chat",
        questions=(
            AskedQuestion("best", "best", "ranking"),
            AskedQuestion(
                "quality",
                "How good?",
                "radio",
                required=False,
                options=(Choice("good", "good"), Choice("bad", "Bad", (why,))),
            ),
        ),
        webhook="https://tuneloop.example.com/webhooks/labelbox/support",
        webhook_scope="organization",
        priority=1,
    )


def test_a_question_is_enough(folder: Folder) -> None:
    assert folder.load(SETUP + QUESTION).setups["support"] == Setup(
        "support", "support", "text", (AskedQuestion("summary", "summary", "text"),)
    )


def test_the_project_may_be_missing_only_while_setting_up(folder: Folder) -> None:
    for text in (SETUP + QUESTION, f"{SETUP}{QUESTION}[pipelines.support.labels]\naccept = 'done'\n"):
        assert folder.load(text).pipelines["support"].labels.project == ""
        (found,) = folder.mistakes(text, setting_up=False)
        assert "pipelines.support.labels.project: is missing" in found
        assert "tuneloop labelbox setup" in found
    assert folder.mistakes(f"{SETUP}{QUESTION}[pipelines.support.labels]\nproject = ' '\n") == [
        "8: pipelines.support.labels.project: must not be empty"
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("prompt-response", "'chat', where labelers write the prompts"),
        ("prompts", "'chat', where labelers write the prompts"),
        ("responses", "'text' with a question of type 'text' and your prompts as --rows"),
    ],
)
def test_a_retired_kind_is_refused_with_its_replacement(folder: Folder, kind: str, words: str) -> None:
    assert folder.mistakes(f'{SETUP}kind = "{kind}"\n{QUESTION}') == [
        f"4: pipelines.support.setup.kind: '{kind}' was retired by Labelbox on 2026-06-30; use {words}"
    ]


def test_every_mistake_is_named_at_once_with_the_line_of_its_question(folder: Folder) -> None:
    found = folder.mistakes(
        SETUP
        + """\
kind = "txt"
webhook = "http://tuneloop.example.com/webhooks/labelbox"
webhook_scope = "everything"
priority = 0
nmae = "x"
[[pipelines.support.setup.questions]]
name = "a"
type = "text"
min_characters = 5
max_characters = 3
[[pipelines.support.setup.questions]]
name = "b"
type = "radio"
min_characters = 5
[[pipelines.support.setup.questions]]
name = "c"
type = "checklist"
options = [
  "x",
  { value = "y", lable = "Y", questions = [ { name = "w", type = "ranking" } ] },
]
[[pipelines.support.setup.questions]]
name = "d"
type = "text"
required = "yes"
options = ["x"]
[[pipelines.support.setup.questions]]
nam = "e"
type = "rdio"
options = ["x", "x", 5]
"""
    )
    place = "pipelines.support.setup"
    assert found == [
        f"4: {place}.kind: must be one of 'text', 'chat', 'offline-chat' (got 'txt'); did you mean 'text'?",
        f"5: {place}.webhook: must be https: Labelbox posts nowhere else (http is for a sandbox on this machine)",
        f"6: {place}.webhook_scope: must be 'project' or 'organization' (got 'everything')",
        f"7: {place}.priority: must be at least 1 (got 0)",
        f"8: {place}.nmae: unknown key; did you mean 'name'?",
        f"13: {place}.questions.0.max_characters: must be at least min_characters, 5 (got 3)",
        f"14: {place}.questions.1.options: are needed for the type 'radio', such as ['good', 'bad']",
        f"17: {place}.questions.1.min_characters: is for questions of type 'text' only",
        (
            f"21: {place}.questions.2.options.1.questions.0.type: "
            "must be one of 'text', 'radio', 'checklist' (got 'ranking')"
        ),
        f"21: {place}.questions.2.options.1.lable: unknown key; did you mean 'label'?",
        f"28: {place}.questions.3.required: must be true or false (got 'yes')",
        f"29: {place}.questions.3.options: are for questions of type 'radio' and 'checklist' only",
        f"30: {place}.questions.4.name: is missing",
        f"31: {place}.questions.4.nam: unknown key; did you mean 'name'?",
        (
            f"32: {place}.questions.4.type: must be one of 'text', 'radio', 'checklist', 'selection', "
            "'multi-selection', 'ranking' (got 'rdio'); did you mean 'radio'?"
        ),
        f"33: {place}.questions.4.options.2: must be a text, or a table with value and label (got 5)",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SETUP, "3: pipelines.support.setup.questions: needs at least one [[pipelines.NAME.setup.questions]]"),
        (
            SETUP + QUESTION + QUESTION,
            "4: pipelines.support.setup.questions: the question 'summary' stands there twice",
        ),
        (
            SETUP + QUESTION.replace("text", "selection"),
            (
                "4: pipelines.support.setup.questions: 'summary' chooses among messages, "
                "which only kind 'chat' and 'offline-chat' have"
            ),
        ),
        (
            SETUP + QUESTION.replace('"text"', '"radio"\noptions = ["x", "x"]'),
            "7: pipelines.support.setup.questions.0.options: the option 'x' stands there twice",
        ),
        (
            f"{SETUP}chats = 3\n{QUESTION}",
            "4: pipelines.support.setup.chats: is for kind 'chat' only: empty conversations that labelers fill",
        ),
        (
            f'{SETUP}webhook = "https://h/webhooks/labelbox/other"\n{QUESTION}',
            (
                "4: pipelines.support.setup.webhook: must end in /webhooks/labelbox or /webhooks/labelbox/ "
                "and the name of a pipeline, where this service listens"
            ),
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(folder: Folder, text: str, words: str) -> None:
    assert folder.mistakes(text) == [words]


def test_the_setup_is_described_with_its_questions(folder: Folder) -> None:
    rows = dict(describe(folder.load(SETUP + QUESTION)))
    assert rows["pipelines.support.setup.name"] == "support"
    assert rows["pipelines.support.setup.questions.0.name"] == "summary"
    assert rows["pipelines.support.setup.questions.0.max_characters"] == "none"
    assert "pipelines.support.setup.pipeline" not in rows
