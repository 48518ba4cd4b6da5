"""A line has the same tokens whoever counts it: the appraisal, the snapshot, and whoever reads the file."""

import json
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.tokens import count_tokens
from service.domain.appraisals import Appraiser
from service.domain.contents import Content, Form, Turn, has_lines, pair
from service.domain.line_forms import form_of
from service.domain.line_tokens import LineCounter, counted_by, tokens_of
from service.domain.pipelines import DatasetPolicy, Pipeline, TrainPolicy
from service.domain.snapshots import SPLITS
from service.domain.splits import Split
from service.ports import FileStore
from service.usecases.build_snapshot import Built, write_files
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.freezing import build, content_of, in_order, make_frozen, memory_files

FORMS: tuple[Form, ...] = ("chat", "preference", "completion")
COUNT = partial(count_tokens, model="gpt-4.1")
RANKED: Content = (
    Turn("user", "Where is it?"),
    Turn("assistant", "There.", rejected=("Nowhere.", "Go away.", "No.")),
)

texts = st.text(max_size=30)
asked = st.builds(Turn, role=st.just("user"), content=texts)
answers = st.builds(
    Turn,
    role=st.just("assistant"),
    content=texts,
    rejected=st.lists(texts, max_size=3).map(tuple),
    weight=st.sampled_from([0, 1]),
)
contents = st.lists(st.tuples(asked, answers), min_size=1, max_size=3).map(lambda pairs: sum(pairs, ()))
systems = st.sampled_from([None, "", "Be kind.", "Be\n\nbrief\n"])


def pipeline_of(form: Form, **policies: object) -> Pipeline:
    method, written = ("preference", "chat") if form == "preference" else ("supervised", form)
    model = str(policies.pop("model", "gpt-4.1"))
    return make_pipeline(train=TrainPolicy("box", model, method=method, format=written), **policies)  # type: ignore[arg-type]


def tokens_read(built: Built, files: FileStore, split: Split) -> int:
    """Count the tokens of a snapshot's file as ``tuneloop validate`` does."""
    lines = map(json.loads, content_of(files, built.files[split].sha256).splitlines())
    return sum(tokens_of(line, form_of(line) or "chat", limit=65_536, count=COUNT) for line in lines)


@given(
    form=st.sampled_from(FORMS),
    system=systems,
    earlier=systems,
    made=st.lists(st.tuples(st.sampled_from(SPLITS), contents, st.booleans()), max_size=5),
)
def test_a_snapshot_tells_the_tokens_that_its_files_have(
    form: Form, system: str | None, earlier: str | None, made: list[tuple[Split, Content, bool]]
) -> None:
    # Appraised with another system text than the one that is written, some of them by another way to count.
    appraiser = Appraiser(pipeline_of(form, system=earlier), COUNT, "o200k_base")
    examples = []
    for number, (split, content, is_known) in enumerate(made):
        found = appraiser.appraise(replace(make_outcome("row"), content=content))
        examples.append(make_frozen(number, split, content, tokens=found.tokens if is_known else None))
    files = memory_files()
    built = write_files(
        pipeline_of(form, system=system), in_order(examples), files=files, count_tokens=COUNT, encoding="o200k_base"
    )
    assert built.head["tokens"] == {split: tokens_read(built, files, split) for split in SPLITS}


@given(content=contents, system=systems, form=st.sampled_from(FORMS))
def test_every_line_of_a_content_is_counted(content: Content, system: str | None, form: Form) -> None:
    counted = LineCounter(form, system, COUNT).lines(content)
    assert bool(counted) == has_lines(content, form)
    assert all(tokens > LineCounter(form, system, COUNT).opening for tokens in counted)


def test_each_pair_repeats_the_question_and_the_system_text() -> None:
    built = build([make_frozen(1, content=RANKED)], pipeline=pipeline_of("preference", system="Be kind."))
    # Two words of the system text, three of the question, one of the better answer: with four more each, and three
    # for the reply.
    around = 2 + 4 + 3 + 4 + 1 + 4 + 3
    assert built.files["train"].tokens == 3 * (around + 4) + 1 + 2 + 1


def test_what_lost_to_an_answer_is_no_part_of_a_chat() -> None:
    built = build([make_frozen(1, content=RANKED)])
    assert built.files["train"].tokens == 3 + 4 + 1 + 4 + 3


def test_a_held_out_example_counts_as_the_chat_that_is_asked() -> None:
    examples = [make_frozen(1, "held_out", content=RANKED, tokens=1000)]
    built = build(examples, pipeline=pipeline_of("preference"))
    assert built.files["held_out"].tokens == 3 + 4 + 1 + 4 + 3


# What is too long.


def findings_in(content: Content, pipeline: Pipeline) -> tuple[str, ...]:
    return appraisers(pipeline).appraise(replace(make_outcome("row"), content=content)).findings


@pytest.mark.parametrize(("form", "longest"), [("chat", 6 + 15), ("preference", 6 + 15 + 6), ("completion", 2 + 4 + 3)])
def test_the_longest_line_with_its_system_text_decides_not_all_of_them(form: Form, longest: int) -> None:
    content = pair("Where is it?", "There.") if form == "completion" else RANKED
    policies = [DatasetPolicy(max_tokens=tokens) for tokens in (longest, longest - 1)]
    limited = [pipeline_of(form, system="Be kind.", dataset=policy) for policy in policies]
    assert [findings_in(content, pipeline) for pipeline in limited] == [(), ("too_many_tokens",)]


def test_a_model_that_takes_shorter_lines_has_the_last_word() -> None:
    content = pair("Where is it?", "word " * 20_000)
    assert pipeline_of("chat", model="gpt-3.5-turbo-0125").max_line_tokens == 16_385
    assert findings_in(content, pipeline_of("chat", model="gpt-3.5-turbo-0125")) == ("too_many_tokens",)
    assert findings_in(content, pipeline_of("chat")) == ()


def test_everything_that_tokens_and_limit_depend_on_asks_for_a_new_appraisal() -> None:
    pipelines = [
        *map(pipeline_of, FORMS),
        pipeline_of("chat", system="Be kind."),
        pipeline_of("chat", system="Be good."),
        pipeline_of("chat", model="gpt-3.5-turbo-0125"),
        pipeline_of("chat", dataset=DatasetPolicy(max_tokens=100)),
    ]
    made = [appraisers(pipeline).made_with for pipeline in pipelines]
    assert len(set(made)) == len(made)
    for pipeline, way in zip(pipelines, made, strict=True):
        assert way.startswith(counted_by("words", pipeline.form) + "-")
