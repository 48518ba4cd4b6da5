import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.contents import Form, Turn, pair
from service.domain.snapshots import (
    SPLITS,
    FileEntry,
    FrozenExample,
    frozen_lines,
    manifest_bytes,
    manifest_of,
    read_chats,
    snapshot_id_of,
)

FORMS: tuple[Form, ...] = ("chat", "preference")
EXAMPLE = FrozenExample("ex-1", 1, "label-1", "train", pair("a chat", "a summary"))


def line_of(example: FrozenExample, *, system: str | None) -> bytes:
    (line,) = frozen_lines(example, system=system, form="chat")
    return line


def snapshot_id(*examples: FrozenExample, system: str | None = "Be kind.", pipeline: str = "p") -> str:
    """Name a snapshot of these examples the way a freeze does."""
    listed, contents = [], dict.fromkeys(SPLITS, b"")
    for example in examples:
        line = line_of(example, system=system)
        contents[example.split] += line
        digest = hashlib.sha256(line).hexdigest()
        listed.append([example.split, example.example_id, example.version, example.label_id, digest])
    files = {
        split: FileEntry(hashlib.sha256(content).hexdigest(), len(content), content.count(b"\n"), 7)
        for split, content in contents.items()
    }
    return snapshot_id_of(manifest_of(pipeline, system=system, files=files, lines=listed))


@given(prompt=st.text(), response=st.text(), system=st.none() | st.text(min_size=1))
def test_a_line_is_one_line_of_ascii_and_reads_back_unchanged(prompt: str, response: str, system: str | None) -> None:
    line = line_of(replace(EXAMPLE, content=pair(prompt, response)), system=system)
    assert line.isascii()
    assert line.decode().splitlines(keepends=True) == [line.decode()]
    (messages,) = read_chats(iter([line]))
    assert [message["content"] for message in messages] == [*([system] if system else []), prompt, response]
    assert messages[-1]["role"] == "assistant"


@pytest.mark.parametrize("separator", ["\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_character_of_a_text_ends_the_line(separator: str) -> None:
    line = line_of(replace(EXAMPLE, content=pair("a chat", f"one{separator}two")), system=None).decode()
    assert len(line.splitlines()) == 1


def test_the_id_is_the_hash_of_the_manifest_as_it_is_written() -> None:
    files = {split: FileEntry("0" * 64, 0, 0, 0) for split in SPLITS}
    manifest = manifest_of("p", system=None, files=files, lines=[])
    assert snapshot_id_of(manifest) == hashlib.sha256(manifest_bytes(manifest)).hexdigest()
    assert json.loads(manifest_bytes(manifest)) == manifest
    assert snapshot_id_of(json.loads(manifest_bytes(manifest))) == snapshot_id_of(manifest)


@pytest.mark.parametrize(
    "other",
    [
        replace(EXAMPLE, example_id="ex-2"),
        replace(EXAMPLE, version=2),
        replace(EXAMPLE, label_id="label-2"),
        replace(EXAMPLE, label_id=None),
        replace(EXAMPLE, split="held_out"),
        replace(EXAMPLE, content=pair("a chat ", "a summary")),
        replace(EXAMPLE, content=pair("a chat", "A summary")),
    ],
)
def test_anything_about_a_line_changes_the_id(other: FrozenExample) -> None:
    first = replace(EXAMPLE, example_id="ex-0")
    assert snapshot_id(first, other) != snapshot_id(first, EXAMPLE)


def test_what_the_lines_stand_in_changes_the_id() -> None:
    ids = {
        snapshot_id(EXAMPLE),
        snapshot_id(EXAMPLE, system=None),
        snapshot_id(EXAMPLE, system="Be brief."),
        snapshot_id(EXAMPLE, pipeline="q"),
        snapshot_id(),
    }
    assert len(ids) == 5


@given(
    st.lists(
        st.builds(
            FrozenExample,
            example_id=st.text(),
            version=st.integers(1, 9),
            label_id=st.none() | st.text(),
            split=st.sampled_from(SPLITS),
            content=st.builds(pair, st.text(), st.text()),
        ),
        max_size=4,
    )
)
def test_the_same_examples_always_have_the_same_id(examples: list[FrozenExample]) -> None:
    assert snapshot_id(*examples) == snapshot_id(*examples)
    assert snapshot_id(*examples) != snapshot_id(*examples, EXAMPLE)


OTHER_MACHINE = """
from service.domain.contents import pair
from service.domain.snapshots import *
files = {name: FileEntry("0" * 64, 0, 0, 0) for name in reversed(SPLITS)}
example = FrozenExample("ex-1", 1, "label-1", "train", pair("Gr\\u00fc\\u00dfe \\u2028", "a"))
line = next(frozen_lines(example, system="x", form="chat"))
lines = [["train", "ex-1", 1, "label-1", hashlib.sha256(line).hexdigest()]]
print(snapshot_id_of(manifest_of("p", system="x", files=files, lines=lines)))
"""


@pytest.mark.parametrize(("locale", "hash_seed", "timezone"), [("C", "1", "UTC"), ("POSIX", "2", "Asia/Tokyo")])
def test_the_id_does_not_depend_on_the_machine(locale: str, hash_seed: str, timezone: str) -> None:
    environment = {"LC_ALL": locale, "PYTHONHASHSEED": hash_seed, "TZ": timezone, "PYTHONPATH": "."}
    found = subprocess.run(
        [sys.executable, "-c", OTHER_MACHINE], env=environment, capture_output=True, text=True, check=True
    )
    # Written down once: a change here would rename every snapshot there is.
    assert found.stdout.strip() == "107ab559d65060e90293c011c25c343a37e7e076e3d9f82162f1d93236109ade"


PREFERENCE = replace(
    EXAMPLE,
    content=(
        Turn("user", "one"),
        Turn("assistant", "good", ("bad", "worse")),
        Turn("user", "two"),
        Turn("assistant", "fine", ("poor",)),
    ),
)


def test_preference_gives_a_line_for_each_pair_with_what_came_before_it() -> None:
    lines = [json.loads(line) for line in frozen_lines(PREFERENCE, system="Be kind.", form="preference")]
    asked = [[message["content"] for message in line["input"]["messages"]] for line in lines]
    assert asked == [["Be kind.", "one"], ["Be kind.", "one"], ["Be kind.", "one", "good", "two"]]
    pairs = [(line["preferred_output"][0]["content"], line["non_preferred_output"][0]["content"]) for line in lines]
    assert pairs == [("good", "bad"), ("good", "worse"), ("fine", "poor")]


@pytest.mark.parametrize("form", ["chat", "preference"])
def test_held_out_lines_are_chats_because_they_are_asked(form: Form) -> None:
    (line,) = frozen_lines(replace(PREFERENCE, split="held_out"), system=None, form=form)
    assert [message["content"] for message in json.loads(line)["messages"]] == ["one", "good", "two", "fine"]


def test_what_nobody_judged_is_shown_and_not_taught() -> None:
    content = (Turn("user", "a"), Turn("assistant", "b", weight=0), Turn("user", "c"), Turn("assistant", "d"))
    (line,) = frozen_lines(replace(EXAMPLE, content=content), system=None, form="chat")
    assert [message.get("weight") for message in json.loads(line)["messages"]] == [None, 0, None, None]


def test_the_form_of_the_lines_is_part_of_the_id() -> None:
    files = {split: FileEntry("0" * 64, 0, 0, 0) for split in SPLITS}
    chat, preference = (manifest_of("p", system=None, form=form, files=files, lines=[]) for form in FORMS)
    assert snapshot_id_of(chat) != snapshot_id_of(preference)
