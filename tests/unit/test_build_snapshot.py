"""The one place that writes training lines: what is held out gets past it in no disguise."""

import hashlib
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.contents import Turn, pair
from service.domain.errors import SnapshotRefused
from service.domain.manifests import Line, lines_in
from service.domain.pipelines import DatasetPolicy, TrainPolicy
from service.domain.snapshots import SPLITS, FrozenExample
from service.domain.splits import Split
from service.ports import FileStore
from service.usecases.build_snapshot import Built, write_files
from tests.support.builders import make_pipeline
from tests.support.freezing import build, content_of, in_order, make_frozen, memory_files


def lines_of(built: Built, files: FileStore) -> list[Line]:
    with files.open(built.snapshot_id) as stream:
        return list(lines_in(stream))


def texts_of(built: Built, files: FileStore, split: Split) -> list[str]:
    lines = content_of(files, built.files[split].sha256).splitlines()
    return ["\n".join(message["content"] for message in json.loads(line)["messages"]) for line in lines]


# What is written.


def test_every_line_is_listed_with_its_label_and_hash_in_the_order_of_the_files() -> None:
    files = memory_files()
    examples = [make_frozen(number, SPLITS[number % 3]) for number in range(9)]
    built = build(examples, files)
    listed = lines_of(built, files)
    assert [line.key for line in listed] == sorted((example.split, example.example_id) for example in examples)
    assert [(line.label_id, line.content_hash) for line in listed] == [
        (example.label_id, example.content_hash) for example in in_order(examples)
    ]
    for split in SPLITS:
        written = content_of(files, built.files[split].sha256).splitlines(keepends=True)
        assert [hashlib.sha256(line).hexdigest() for line in written] == [
            line.sha256 for line in listed if line.split == split
        ]


def test_the_head_tells_sizes_reasons_and_what_shaped_it() -> None:
    files = memory_files()
    pipeline = make_pipeline(system="Be kind.", dataset=DatasetPolicy(held_out_percent=30))
    built = build(
        [make_frozen(1, tokens=10), make_frozen(2), make_frozen(3, "held_out")],
        files,
        pipeline=pipeline,
        noted={"conflicting_answers": 2, "near_duplicate": 0},
    )
    head = built.head
    assert head["counts"]["train"] == {"examples": 2, "lines": 2}
    # Two words and six more for the system text, then ten, and (4 + 2 words) with 4 a message and 3 for the reply.
    assert head["tokens"]["train"] == 2 * (2 + 4) + 10 + (6 + 2 * 4 + 3)
    assert head["reasons"] == {"conflicting_answers": 2}
    assert head["configuration"]["dataset"]["held_out_percent"] == 30
    assert (head["system"], head["form"], head["pipeline"]) == ("Be kind.", "chat", "summaries")
    assert head["files"]["train"] == {
        "sha256": built.files["train"].sha256,
        "file_bytes": built.files["train"].file_bytes,
    }
    with files.open(built.snapshot_id) as stream:
        document = json.load(stream)
    assert document["lines"]
    assert {key: document[key] for key in head} == head


def test_the_id_is_the_hash_of_the_manifest_as_it_is_stored() -> None:
    files = memory_files()
    content_of(files, build([make_frozen()], files).snapshot_id)


def test_one_example_may_give_several_lines_or_none() -> None:
    files = memory_files()
    content = (Turn("user", "one"), Turn("assistant", "good", ("bad", "worse")))
    pipeline = make_pipeline(train=TrainPolicy("box", "base-model", method="preference"))
    built = build([make_frozen(1, content=content), make_frozen(2)], files, pipeline=pipeline)
    assert (built.files["train"].examples, built.files["train"].lines) == (1, 2)
    assert [line.example_id for line in lines_of(built, files)] == ["ex-000001"] * 2
    assert built.head["reasons"] == {"no_line": 1}


def test_an_empty_dataset_is_a_snapshot() -> None:
    files = memory_files()
    built = build([], files)
    assert lines_of(built, files) == []


def test_only_a_snapshot_of_the_wanted_id_is_stored() -> None:
    files = memory_files()
    wanted = build([make_frozen()])
    assert build([make_frozen(2)], files, only=wanted.snapshot_id).snapshot_id != wanted.snapshot_id
    with pytest.raises(Exception, match="missing"), files.open(wanted.snapshot_id):
        pass
    assert build([make_frozen()], files, only=wanted.snapshot_id) == wanted
    content_of(files, wanted.files["train"].sha256)


# What it is called.

EXAMPLE = make_frozen()


@pytest.mark.parametrize(
    "other",
    [
        EXAMPLE._replace(example_id="ex-2"),
        EXAMPLE._replace(version=2),
        EXAMPLE._replace(label_id="label-2"),
        EXAMPLE._replace(label_id=None),
        EXAMPLE._replace(split="validation"),
        EXAMPLE._replace(content_hash="0" * 64),
        EXAMPLE._replace(content=pair("the chat of 1 ", "a summary")),
        EXAMPLE._replace(content=pair("the chat of 1", "A summary")),
    ],
)
def test_anything_about_a_line_changes_the_id(other: FrozenExample) -> None:
    assert build([other]).snapshot_id != build([EXAMPLE]).snapshot_id


def test_what_the_lines_stand_in_changes_the_id() -> None:
    pipelines = [
        make_pipeline(),
        make_pipeline("other"),
        make_pipeline(system="Be brief."),
        make_pipeline(dataset=DatasetPolicy(held_out_percent=30)),
        make_pipeline(train=TrainPolicy("box", "base-model", method="preference")),
    ]
    ids = {build([make_frozen(1, "held_out")], pipeline=pipeline).snapshot_id for pipeline in pipelines}
    assert len(ids) == len(pipelines)


def test_where_and_how_often_it_is_trained_does_not_change_the_id() -> None:
    other = make_pipeline(train=TrainPolicy("elsewhere", "model", hyperparameters={"n_epochs": 9}))
    assert build([EXAMPLE], pipeline=other).snapshot_id == build([EXAMPLE]).snapshot_id


OTHER_MACHINE = """
from tests.support.freezing import *
print(build([make_frozen(1, "held_out", pair("Gr\\u00fc\\u00dfe \\u2028", "a")), make_frozen(2)]).snapshot_id)
"""


def test_the_id_does_not_depend_on_the_machine() -> None:
    found = set()
    for locale, hash_seed, timezone in (("C", "1", "UTC"), ("POSIX", "2", "Asia/Tokyo")):
        environment = {"LC_ALL": locale, "PYTHONHASHSEED": hash_seed, "TZ": timezone, "PYTHONPATH": "."}
        ended = subprocess.run(
            [sys.executable, "-c", OTHER_MACHINE], env=environment, capture_output=True, text=True, check=True
        )
        found.add(ended.stdout.strip())
    assert found == {build([make_frozen(1, "held_out", pair("Grüße \u2028", "a")), make_frozen(2)]).snapshot_id}


# What does not get in.

HELD = make_frozen(1, "held_out", cluster="c-1")
DISGUISES: dict[str, dict[str, Any]] = {
    "same group": {"group": HELD.group},
    "same prompt by its column": {"prompt_key": HELD.prompt_key},
    "same cluster": {"cluster": "c-1"},
    "same text": {"content": HELD.content},
    "other spacing": {"content": pair("  the chat\n\nof\t1 ", "another answer")},
    "other case": {"content": pair("THE Chat OF 1", "another answer")},
    "other Unicode form": {"content": pair("the chat of \N{FULLWIDTH DIGIT ONE}", "another answer")},
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_held_out_enters_no_file_in_any_disguise(split: Split, disguise: dict[str, Any]) -> None:
    files = memory_files()
    # Every column says that it has nothing to do with what is held out, but for the one.
    honest = {"group": "another group", "prompt_key": "another prompt", "cluster": "c-2"}
    built = build([HELD, make_frozen(2, split, **(honest | disguise)), make_frozen(3)], files)
    assert built.head["reasons"] == {"held_out_leak": 1}
    assert [line.example_id for line in lines_of(built, files)] == ["ex-000001", "ex-000003"]
    assert built.files["train"].examples == 1


def test_what_only_looks_alike_is_no_leak() -> None:
    held = make_frozen(1, "held_out", group="7", cluster="")
    others = [
        make_frozen(2, cluster="7"),
        make_frozen(3, cluster=""),
        make_frozen(4, group="", prompt_key=""),
        make_frozen(5, content=pair("7", "an answer")),
        make_frozen(6, content=pair("group 7", "an answer")),
    ]
    assert build([held, *others]).head["reasons"] == {}


@pytest.mark.parametrize(
    "examples",
    [
        [make_frozen(1, "train"), make_frozen(2, "held_out")],
        [make_frozen(2), make_frozen(1)],
        [make_frozen(1), make_frozen(1)],
        [make_frozen(1, "validation"), make_frozen(2, "train")],
        [make_frozen(1, "test")],  # type: ignore[arg-type]
        [make_frozen(1, None)],  # type: ignore[arg-type]
    ],
)
def test_examples_in_an_order_that_hides_what_is_held_out_are_refused(examples: list[FrozenExample]) -> None:
    with pytest.raises(SnapshotRefused):
        write_files(make_pipeline(), examples, files=memory_files(), count_tokens=len, encoding="e")


prompts = st.sampled_from(["a", "A ", " a", "b", "b\u00a0", "B", "c", "\u1d9c", "d e", "d\ne", "d  e"])


@given(
    st.lists(
        st.tuples(st.sampled_from(SPLITS), prompts, st.sampled_from("xyz"), st.sampled_from(["", "k", "l"])),
        max_size=12,
    )
)
def test_no_training_line_ever_shares_anything_with_a_held_out_one(
    rows: list[tuple[Split, str, str, str]],
) -> None:
    files = memory_files()
    built = build(
        (
            make_frozen(number, split, pair(prompt, str(number)), group=group, cluster=cluster)
            for number, (split, prompt, group, cluster) in enumerate(rows)
        ),
        files,
    )
    held = [row for row in rows if row[0] == "held_out"]
    for line in lines_of(built, files):
        split, prompt, group, cluster = rows[int(line.example_id[3:])]
        if split != "held_out":
            assert not any(folded_like(prompt, other[1]) for other in held)
            assert group not in {other[2] for other in held}
            assert cluster == "" or cluster not in {other[3] for other in held}
    assert built.files["held_out"].examples == len(held)
    assert sum(file.lines for file in built.files.values()) + built.head["reasons"].get("held_out_leak", 0) == len(rows)


def folded_like(one: str, other: str) -> bool:
    words = [text.replace("\u1d9c", "c").replace("\u00a0", " ").lower().split() for text in (one, other)]
    return words[0] == words[1]


def test_of_exact_duplicates_the_first_is_written_where_the_policy_says_so() -> None:
    content = pair("one prompt", "one answer")
    twins = [make_frozen(number, content=content) for number in (1, 2, 3)]
    kept = build([*twins, make_frozen(4)])
    assert (kept.files["train"].examples, kept.head["reasons"]) == (4, {})
    dropped = build([*twins, make_frozen(4)], duplicates={twins[0].content_hash})
    assert (dropped.files["train"].examples, dropped.head["reasons"]) == (2, {"exact_duplicate": 2})


def test_a_duplicate_of_a_training_line_is_no_validation_line() -> None:
    twin = make_frozen(1, group="a", prompt_key="a")
    other = twin._replace(example_id="ex-2", split="validation", group="b")
    built = build([twin, other], duplicates={twin.content_hash})
    assert built.files["validation"].examples == 0
