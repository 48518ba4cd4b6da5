"""The control API in projects of every kind: one operation at a time, compared with the state."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx2
import pytest

from sandbox.chat_trees import forks, tree
from sandbox.records import Json
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings

Serve = Callable[[str], "Control"]


class Control:
    """The control API of a sandbox that has one project."""

    def __init__(self, running: RunningSandbox) -> None:
        self.http = httpx2.Client(base_url=f"{running.base_url}/sandbox", trust_env=False)
        self.keys = list(running.core.organization.data_rows)

    def post(self, path: str, **body: object) -> Json:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def refusal(self, path: str, **body: object) -> tuple[int, str]:
        answer = self.http.post(path, json=body)
        assert not answer.is_success
        return answer.status_code, answer.json()["message"]

    def project(self) -> Json:
        (project,) = self.http.get("/state").json()["projects"]
        return dict(project)

    def approved(self) -> Json:
        (row,) = self.project()["approved"]
        return dict(row)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(scenario: str) -> Control:
            control = Control(stack.enter_context(serve_in_thread(Settings(scenario=scenario, rows=3))))
            stack.callback(control.http.close)
            return control

        yield start


def test_nested_answers_are_given_and_shown(serve: Serve) -> None:
    control = serve("classification")
    answers = {"area": {"value": "parcels", "answers": {"problem": "late_delivery"}}, "personal": ["name"]}
    done = control.post("/operations", operation="submit", global_key="classification-00000", answers=answers)
    control.post("/operations", operation="approve", data_row=done["data_row_id"])
    assert control.approved()["answers"] == answers


def test_an_archived_feature_stays_in_old_labels_and_is_refused_in_new_ones(serve: Serve) -> None:
    control = serve("classification")
    answers = {"area": {"value": "parcels", "answers": {"problem": "late_delivery"}}, "mood": "open"}
    done = control.post("/operations", operation="submit", global_key="classification-00000", answers=answers)
    control.post("/operations", operation="approve", data_row=done["data_row_id"])
    archived = control.post("/archive", feature="mood")["normalized"]["classifications"]
    assert {item["name"]: item["archived"] for item in archived} == {
        "language": True,
        "area": False,
        "mood": True,
        "personal": False,
    }
    assert control.approved()["answers"] == answers
    again = {"operation": "submit", "global_key": "classification-00001", "answers": answers}
    assert control.refusal("/operations", **again) == (400, "the ontology has no question 'mood'")
    area = next(item for item in archived if item["name"] == "area")
    parcels = next(option for option in area["options"] if option["value"] == "parcels")
    control.post("/archive", feature=parcels["featureSchemaId"])
    del answers["mood"]
    assert control.refusal("/operations", **again) == (400, "'area' has no option 'parcels'")
    assert control.refusal("/archive", feature="nothing")[0] == 404
    assert control.refusal("/archive")[0] == 400


def test_a_prompt_is_given_as_an_answer(serve: Serve) -> None:
    control = serve("prompt-response")
    key = control.keys[0]
    given = {"prompt": "Say why.", "reply": "Because.", "quality": "good"}
    done = control.post("/operations", operation="submit", data_row=key, answers=given)
    control.post("/operations", operation="approve", data_row=done["data_row_id"])
    row = control.approved()
    assert (row["prompt"], row["answer"]) == ("Say why.", "Because.")


def test_answers_about_messages_are_given_and_shown(serve: Serve) -> None:
    control = serve("conversations")
    messages = {"message-0": {"intent": "ask", "traits": ["long"], "note": "n"}}
    given = {"answers": {"reply": "Here it is."}, "messages": messages}
    done = control.post("/operations", operation="submit", global_key="conversations-00000", **given)
    control.post("/operations", operation="approve", data_row=done["data_row_id"])
    row = control.approved()
    assert (row["messages"], row["answer"]) == (messages, "Here it is.")
    wrong = {**given, "messages": {"nobody": {"intent": "ask"}}}
    edit = {"operation": "edit", "data_row": done["data_row_id"]}
    assert control.refusal("/operations", **edit, **wrong) == (400, "the row has no message 'nobody'")


def test_choices_are_given_and_shown(serve: Serve) -> None:
    control = serve("chat-trees")
    target = {"global_key": "chat-trees-00001"}
    done = control.post("/operations", operation="skip", **target)
    control.post("/operations", operation="reject", data_row=done["data_row_id"])
    selections = [{"tool": "better", "parent": "chat1-1", "messages": ["chat1-1-0"]}]
    rankings = [{"tool": "order", "parent": "chat1-1", "messages": ["chat1-1-1", "chat1-1-0"]}]
    control.post("/operations", operation="submit", **target, selections=selections, rankings=rankings)
    control.post("/operations", operation="approve", **target)
    row = control.approved()
    assert (row["selections"], row["rankings"]) == (selections, rankings)
    assert {message for _, children in forks(json.loads(row["prompt"])) for message in children} > {"chat1-1-0"}
    bad = [{"tool": "better", "parent": "chat1-1", "messages": ["chat1-0-0"]}]
    assert control.refusal("/operations", operation="edit", **target, selections=bad)[0] == 400


def test_a_live_chat_is_written_by_whoever_labels_it(serve: Serve) -> None:
    control = serve("live-chats")
    key = control.keys[0]
    chat = tree(["Hello"], [("Yes", "No")])
    selections = [{"tool": "better", "parent": "m-0", "messages": ["m-0-0"]}]
    early = {"operation": "submit", "data_row": key, "selections": selections}
    assert control.refusal("/operations", **early) == (400, "the chat has no message 'm-0'")
    control.post("/operations", **early, chat=chat)
    control.post("/operations", operation="approve", data_row=key)
    row = control.approved()
    assert (json.loads(row["prompt"]), row["selections"]) == (chat, selections)


def test_only_live_chats_are_written_by_labelers(serve: Serve) -> None:
    control = serve("chat-trees")
    submit = {"operation": "submit", "global_key": "chat-trees-00000", "chat": tree(["Hello"], [("Yes",)])}
    assert control.refusal("/operations", **submit)[0] == 400
    assert control.refusal("/operations", **{**submit, "chat": "Hello"}) == (400, "chat is a document")


def test_a_reviewer_chooses_one_of_several_labels(serve: Serve) -> None:
    control = serve("consensus")
    target = {"global_key": "consensus-00000"}
    labels = []
    for name in ("a", "b", "c"):
        given = {"resolved": "yes", "summary": name}
        labels.append(control.post("/operations", operation="submit", by=name, answers=given, **target)["label_id"])
    control.post("/operations", operation="choose", label=labels[2], **target)
    control.post("/operations", operation="approve", **target)
    assert (control.approved()["label_id"], control.approved()["answer"]) == (labels[2], "c")
    control.post("/operations", operation="choose", label=labels[0], **target)
    assert control.approved()["label_id"] == labels[0]
    again = {"operation": "submit", "by": "a", "answers": {"resolved": "no", "summary": "x"}}
    assert control.refusal("/operations", **again, **target)[0] == 409
    assert control.refusal("/operations", operation="choose", label="nobody", **target)[0] == 404


def test_a_benchmark_is_labelled_by_others_too(serve: Serve) -> None:
    control = serve("support-chats")
    key = control.keys[0]
    for operation in ({"operation": "submit", "answers": {"summary": "s"}}, {"operation": "approve"}):
        control.post("/operations", data_row=key, **operation)
    control.post("/operations", operation="benchmark", data_row=key)
    control.post("/operations", operation="submit", data_row=key, by="other", answers={"summary": "t"})
    project = control.project()
    assert (project["labels"], project["by_status"]["DONE"], control.approved()["answer"]) == (2, 1, "s")
