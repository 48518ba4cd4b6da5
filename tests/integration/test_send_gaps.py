"""Sending gaps back: from stored evaluations and examples, once each whatever happens, and what it changed."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from service.adapters.sql_aftermath import SqlAftermath
from service.adapters.sql_evaluation_reads import SqlEvaluationReads
from service.adapters.sql_gaps import SqlGapStore
from service.adapters.sql_tables import gap_plans, gap_rows
from service.cli.cmd_gaps import say_report
from service.domain.errors import BatchUnclear, GapsBusy, GapsRefused, NotFound, ServiceError
from service.domain.gap_outcomes import OUTCOMES
from service.domain.gaps import KINDS, Candidate, GapPlan, GapRow, RowState
from service.domain.labels import RowOutcome
from service.domain.metric_specs import LabelsSpec, LengthSpec
from service.domain.pipelines import GapPolicy, VerdictPolicy
from service.domain.snapshots import configuration_of
from service.ports import Abilities
from service.usecases.gap_parts import GapParts, Scored, newest_scores, serving_role
from service.usecases.report_gaps import report_gaps
from service.usecases.send_gaps import draft_gaps, give_up_gaps, send_due_gaps, send_gaps
from service.usecases.steps.evaluate import held_out_questions
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline, make_refusal
from tests.support.fake_queues import FakeQueues
from tests.support.workshop import Workshop, good_answer, leaking_answer, prompt_of

NAME = "summaries"
DAY = timedelta(days=1)


class Desk:
    """A workshop whose rows stand in a Labelbox in memory."""

    def __init__(self, shop: Workshop, **policy: object) -> None:
        self.shop, self.queues = shop, FakeQueues()
        gaps = GapPolicy(**{"control_percent": 0.0, **policy})  # type: ignore[arg-type]
        shop.pipelines[NAME] = make_pipeline(verdict=VerdictPolicy(), gaps=gaps)
        for example in shop.examples.existing(NAME, [f"row-{n}" for n in range(60)]).values():
            self.queues.label(example.data_row_id, at=example.activity_at)

    @property
    def parts(self) -> GapParts:
        shop = self.shop
        return GapParts(
            pipelines=shop.pipelines,
            datasets={NAME: ("Support chats",)},
            archive=shop.archive,
            evaluations=shop.evaluations,
            reads=SqlEvaluationReads(shop.engine),
            gaps=SqlGapStore(shop.engine),
            installation=SqlAftermath(shop.engine).installation,
            queues=lambda: self.queues,
            clock=shop.clock,
            keep=lambda _: nullcontext(),
        )

    def plans(self) -> list[GapPlan]:
        return self.parts.gaps.plans(NAME)

    def contradict(self, *numbers: int) -> list[str]:
        """Label the prompts of these rows once more, as a class that says something else; give all row ids."""
        at = self.shop.clock.forward(1)
        new = [make_outcome(f"twin-{n}", "zzz 999", prompt=prompt_of(n), at=at) for n in numbers]
        self.write(*new)
        for outcome in new:
            self.queues.label(outcome.data_row_id, at=at)
        return sorted([f"row-{n}" for n in numbers] + [f"twin-{n}" for n in numbers])

    def write(self, *outcomes: RowOutcome) -> None:
        """Let the service see rows as Labelbox has them now."""
        pipeline, at = self.shop.pipelines[NAME], self.shop.clock.now
        write_outcomes(self.shop.examples, pipeline, outcomes, appraisers=appraisers, gone=(), observed_at=at)

    def judge(self, number: int = 1, *, leaks: bool = True) -> None:
        """Have a model trained and judged."""
        self.shop.go(self.shop.train(number, voice=leaking_answer if leaks else good_answer))

    def offer(self, first: int, last: int, *, in_project: bool = False) -> None:
        for number in range(first, last):
            words = f"Another chat {number}: please write to bob{number}@example.com about the late parcel of mine"
            self.queues.offer(f"new-{number}", words, in_project=in_project)

    def draw(self, ordinal: int, state: RowState, scored: Scored) -> None:
        """Write a plan that was completed: a row for the first of these questions, sent or only watched."""
        failed = Candidate("failure", "batch", f"drawn-{ordinal}", "why", scored.questions[0].key)
        rows = (GapRow(f"g-{ordinal}", failed, state),)
        plan = GapPlan(f"g-{ordinal}", NAME, ordinal, scored.run_id, self.shop.clock.now, rows, scored.role)
        assert self.parts.gaps.add(replace(plan, is_open=False))

    def answer(self, row_id: str, text: str = "a new summary") -> None:
        """Let a labeler deal with a row, and the service see it."""
        at = self.shop.clock.forward(3600)
        before = self.shop.examples.existing(NAME, [row_id]).get(row_id)
        prompt = before.content[0].content if before else self.queues.waiting[row_id].prompt or ""
        self.write(make_outcome(row_id, text, prompt=prompt, at=at))

    def answer_all(self, plan: GapPlan) -> None:
        """Let labelers deal with everything that was sent."""
        for row_id in ids(plan):
            self.answer(row_id)


@pytest.fixture
def desk(shop: Workshop) -> Desk:
    return Desk(shop)


def ids(plan: GapPlan, state: str = "sent") -> list[str]:
    return sorted(row.candidate.data_row_id for row in plan.rows if row.state == state)


# Every kind.


def test_labels_that_contradict_each_other_go_to_rework_with_a_remark(desk: Desk) -> None:
    rows = desk.contradict(3, 4)
    sent = send_gaps(NAME, desk.parts, most=10, kinds=["conflict"])
    assert ids(sent.plan) == rows == sorted(desk.queues.moved)
    assert not sent.plan.is_open
    assert {row_id for row_id, _, _ in desk.queues.remarks} == set(rows)
    assert all(label == f"label-{row_id}" for row_id, label, _ in desk.queues.remarks)
    assert not any("zzz" in text or "late parcel" in text for _, _, text in desk.queues.remarks)


def test_a_remark_that_is_refused_does_not_hold_the_label_up(desk: Desk) -> None:
    rows = desk.contradict(3)
    desk.queues.takes_remarks = False
    sent = send_gaps(NAME, desk.parts, most=10, kinds=["conflict"])
    assert ids(sent.plan) == rows == sorted(desk.queues.moved)


def test_without_an_evaluation_labels_are_asked_about_and_what_is_missing_is_said(desk: Desk) -> None:
    desk.contradict(3)
    desk.offer(0, 5)
    sent = send_gaps(NAME, desk.parts, most=10)
    assert {row.candidate.kind for row in sent.plan.rows} == {"conflict"}
    assert sent.plan.run_id is None
    assert any("no evaluation by pii_leak yet" in note for note in sent.notes)
    assert any("no model serves yet" in note for note in sent.notes)


def test_labels_that_nobody_touched_for_long_go_to_rework_oldest_first(shop: Workshop) -> None:
    desk = Desk(shop, stale_after=30 * DAY)
    assert draft_gaps(NAME, desk.parts, most=5, kinds=["stale"]).plan.rows == ()
    shop.clock.forward(31 * 86_400)
    sent = send_gaps(NAME, desk.parts, most=5, kinds=["stale"])
    assert len(ids(sent.plan)) == 5
    assert all("nobody has touched this label" in row.candidate.reason for row in sent.plan.rows)


def test_prompts_like_failed_ones_are_sent_as_a_batch_or_moved_to_the_front(desk: Desk) -> None:
    desk.judge()
    desk.offer(0, 6)
    desk.offer(6, 10, in_project=True)
    sent = send_gaps(NAME, desk.parts, most=8, kinds=["failure"])
    plan = sent.plan
    assert len(ids(plan)) == 8
    assert desk.queues.asked == [("Support chats",)]
    by_action = Counter(row.candidate.action for row in plan.rows)
    assert set(by_action) == {"batch", "priority"}
    assert desk.queues.named == {f"tuneloop gaps {plan.plan_id} failure": [
        row.candidate.data_row_id for row in plan.rows if row.candidate.action == "batch"
    ]}  # fmt: skip
    assert {desk.queues.priorities[row.candidate.data_row_id] for row in plan.rows} == {1}
    # Their targets are questions of the evaluation, by key and not by text.
    evaluation = desk.shop.evaluations.evaluation(str(plan.run_id))
    assert evaluation is not None
    assert {row.candidate.target for row in plan.rows} <= set(evaluation["questions"])


def test_a_prompt_that_would_be_held_out_itself_is_not_asked_for(desk: Desk) -> None:
    desk.judge()
    held_out = desk.parts.gaps.labelled(NAME, ["held_out"], most=1)[0].content[0].content
    desk.queues.offer("leak", held_out + " !")
    desk.queues.offer("fresh", held_out.replace("please write to", "kindly send the whole of it over to"))
    sent = send_gaps(NAME, desk.parts, most=8, kinds=["failure"])
    assert ids(sent.plan) == ["fresh"]


def test_prompts_nearly_the_same_as_any_held_out_one_are_passed_over_also_where_it_was_never_asked(desk: Desk) -> None:
    desk.shop.pipelines[NAME] = replace(desk.shop.pipelines[NAME], verdict=VerdictPolicy(max_questions=3))
    desk.judge()
    at = desk.shop.clock.forward(1)
    desk.write(
        *(make_outcome(f"late-{n}", good_answer(prompt_of(n)), prompt=prompt_of(n), at=at) for n in range(80, 120))
    )
    held_out = desk.parts.gaps.labelled(NAME, ["held_out"], most=1000)
    late = [item for item in held_out if item.data_row_id.startswith("late-")][:5]
    early = [item for item in held_out if item.data_row_id.startswith("row-")][:6]
    assert (len(late), len(early)) == (5, 6)
    for item in (*late, *early):
        desk.queues.offer(f"copy-{item.data_row_id}", f"{item.content[0].content} !")
    desk.offer(0, 3)
    sent = send_gaps(NAME, desk.parts, most=50, kinds=["failure"])
    assert ids(sent.plan) == ["new-0", "new-1", "new-2"]


def test_of_held_out_rows_with_one_prompt_the_first_ones_label_counts_as_in_the_evaluation(desk: Desk) -> None:
    rows = [f"row-{n}" for n in range(60)]
    standing = desk.shop.examples.existing(NAME, rows)
    desk.contradict(*(n for n, row_id in enumerate(rows) if standing[row_id].split == "held_out"))
    desk.judge()
    scored = newest_scores(desk.shop.pipelines[NAME], desk.parts)
    assert scored is not None
    snapshot = desk.shop.snapshots.get(desk.shop.runs.get(scored.run_id).snapshot_id or "")
    assert list(scored.questions) == held_out_questions(snapshot, desk.shop.parts)
    assert len(scored.questions) > 5


def test_an_evaluation_is_read_by_the_metric_that_it_was_made_with(desk: Desk) -> None:
    """Under one name a score became a yes or no."""
    before = make_pipeline(verdict=VerdictPolicy("mine", ()), metrics={"mine": LabelsSpec()})
    desk.shop.pipelines[NAME] = before
    desk.judge(leaks=False)
    desk.offer(0, 3)
    desk.shop.pipelines[NAME] = replace(before, metrics={"mine": LengthSpec(max_words=8)})
    draft = draft_gaps(NAME, desk.parts, most=50, kinds=["failure", "slice"]).plan
    scored = newest_scores(before, desk.parts)
    assert scored is not None
    assert (scored.metric.kind, draft.run_id) == ("score", scored.run_id)
    desk.draw(1, "sent", scored)
    desk.judge(2)
    # The new values are of another scale: nothing can be said of how they moved.
    assert report_gaps(NAME, desk.parts)["scores"]["failures"]["sent"]["questions"] == 0


def test_prompts_of_a_weak_slice_are_sent_with_its_numbers(desk: Desk) -> None:
    desk.shop.pipelines[NAME] = replace(desk.shop.pipelines[NAME], verdict=VerdictPolicy(promote="manual"))
    long = "and here is much more of what the customer wrote in that long chat " * 4
    at = desk.shop.clock.forward(1)
    prompts = [f"{prompt_of(900 + n)} {long} {n * 'x'}" for n in range(40)]
    desk.write(*(make_outcome(f"long-{n}", f"Answer {n}", prompt=text, at=at) for n, text in enumerate(prompts)))

    def voice(prompt: str) -> str:
        return leaking_answer(prompt) if len(prompt) > 200 else good_answer(prompt)

    desk.shop.go(desk.shop.train(voice=voice))
    desk.queues.offer("long", f"Something new {long} at last {60 * 'y'}")
    desk.queues.offer("short", "Quite a short thing")
    sent = send_gaps(NAME, desk.parts, most=8, kinds=["slice"])
    assert ids(sent.plan) == ["long"]
    reason = sent.plan.rows[0].candidate.reason
    assert reason.startswith("prompt: long (above ")
    assert "pii_leak 1.00 [" in reason


def test_prompts_are_sent_that_share_the_metadata_of_a_weak_slice(desk: Desk) -> None:
    """A field may be called as the other slices are, and a row without the field is in no slice of it."""
    desk.shop.pipelines[NAME] = replace(desk.shop.pipelines[NAME], verdict=VerdictPolicy(promote="manual"))
    at = desk.shop.clock.forward(1)

    def channel(number: int) -> str:
        return "mail" if number % 3 else "phone"

    tagged = [make_outcome(f"tag-{n}", good_answer(prompt_of(n)), prompt=prompt_of(n), at=at) for n in range(100, 220)]
    desk.write(*(replace(item, metadata={"label": channel(n)}) for n, item in enumerate(tagged, 100)))

    def voice(prompt: str) -> str:
        number = int(prompt.partition(":")[0].removeprefix("Chat "))
        return leaking_answer(prompt) if number >= 100 and channel(number) == "phone" else good_answer(prompt)

    desk.shop.go(desk.shop.train(voice=voice))
    desk.queues.offer("phone", "Quite another thing", label="phone")
    desk.queues.offer("mail", "Quite another thing again", label="mail")
    desk.queues.offer("untold", "Quite another thing once more")
    sent = send_gaps(NAME, desk.parts, most=8, kinds=["slice"])
    assert [(row.candidate.data_row_id, row.candidate.target) for row in sent.plan.rows] == [
        ("phone", "metadata label: phone")
    ]
    assert sent.plan.rows[0].candidate.reason.startswith("metadata label: phone: pii_leak 1.00 [")
    # What labelers see of it names neither the field nor its value.
    assert list(desk.queues.named) == [f"tuneloop gaps {sent.plan.plan_id} slice"]


def test_prompts_like_those_of_a_weak_label_are_sent_the_most_alike_first(desk: Desk) -> None:
    desk.shop.pipelines[NAME] = replace(desk.shop.pipelines[NAME], verdict=VerdictPolicy(promote="manual"))
    at = desk.shop.clock.forward(1)
    lost = "please look for jane{}@example.com whose passport went missing abroad"
    prompts = {n: prompt_of(n) if n % 3 else f"Chat {n}: {lost.format(n)}" for n in range(100, 280)}
    labelled = [
        make_outcome(f"class-{n}", "late" if n % 3 else "Lost", prompt=text, at=at) for n, text in prompts.items()
    ]
    desk.write(*(replace(item, is_choice=True) for item in labelled))
    desk.shop.go(desk.shop.train(voice=lambda text: leaking_answer(text) if "passport" in text else good_answer(text)))
    desk.queues.offer("parcel", "the late parcel")
    desk.queues.offer("passport", "passport missing abroad")
    rows = send_gaps(NAME, desk.parts, most=8, kinds=["slice"]).plan.rows
    found = [row.candidate for row in rows if row.candidate.target == "label: lost"]
    assert found[0].data_row_id == "passport"
    assert found[0].reason.startswith("label: lost: pii_leak 1.00 [")


@pytest.mark.parametrize("sampling", [{}, {"seed": 7}])
def test_a_label_that_the_champion_and_newer_labels_contradict_goes_to_rework(
    desk: Desk, sampling: dict[str, int]
) -> None:
    desk.shop.pipelines[NAME] = replace(desk.shop.pipelines[NAME], verdict=VerdictPolicy(sampling=sampling))
    desk.judge(leaks=False)
    item = desk.parts.gaps.labelled(NAME, ["held_out"], most=1)[0]
    # Its label is changed to something that nobody else says; the champion's stored answer is what it was.
    desk.answer(item.data_row_id, "qqq")
    desk.queues.label(item.data_row_id, at=desk.shop.clock.now)
    at = desk.shop.clock.forward(1)
    prompt = item.content[0].content
    prompts = [f"{prompt} now and {n * 'again '}" for n in range(3)]
    desk.write(*(make_outcome(f"new-{n}", good_answer(prompt), prompt=text, at=at) for n, text in enumerate(prompts)))
    sent = send_gaps(NAME, desk.parts, most=8, kinds=["stale"])
    assert ids(sent.plan) == [item.data_row_id]
    assert "so does the model that serves" in sent.plan.rows[0].candidate.reason


# Never more, never twice.


def test_a_dry_run_says_exactly_what_is_then_sent_and_changes_nothing(shop: Workshop) -> None:
    desk = Desk(shop, control_percent=20.0)
    desk.judge()
    desk.offer(0, 20)
    desk.contradict(3, 4)
    draft = draft_gaps(NAME, desk.parts, most=12)
    assert (desk.queues.changes, desk.plans()) == (0, [])
    sent = send_gaps(NAME, desk.parts, most=12)
    assert [row.candidate for row in sent.plan.rows] == [row.candidate for row in draft.plan.rows]
    assert sent.plan.plan_id == draft.plan.plan_id
    assert ids(draft.plan, "planned") == ids(sent.plan)
    assert ids(draft.plan, "control") == ids(sent.plan, "control")
    touched = {*desk.queues.sent, *desk.queues.moved}
    assert touched.isdisjoint(ids(sent.plan, "control"))
    assert touched == set(ids(sent.plan))


def test_what_is_still_out_counts_and_nothing_is_sent_twice(desk: Desk) -> None:
    desk.judge()
    desk.offer(0, 20)
    first = send_gaps(NAME, desk.parts, most=5, kinds=["failure"])
    assert len(ids(first.plan)) == 5
    changes = desk.queues.changes
    again = send_gaps(NAME, desk.parts, most=5, kinds=["failure"])
    assert (again.plan.rows, again.out, desk.queues.changes) == ((), 5, changes)
    assert any("5 rows of earlier plans are still with the labelers" in note for note in again.notes)
    third = send_gaps(NAME, desk.parts, most=8, kinds=["failure"])
    assert len(third.plan.rows) == 3
    for row_id in ids(first.plan):
        desk.answer(row_id)
    fourth = send_gaps(NAME, desk.parts, most=8, kinds=["failure"])
    assert (fourth.out, len(fourth.plan.rows)) == (3, 5)
    assert max(Counter(desk.queues.sent).values()) == 1


def test_pipelines_of_one_project_do_not_ask_for_the_same_rows(desk: Desk) -> None:
    rows = desk.contradict(3, 4)
    pipeline = desk.shop.pipelines[NAME]
    elsewhere = replace(pipeline, name="elsewhere", labels=replace(pipeline.labels, project="project-2"))
    desk.shop.pipelines |= {"mate": replace(pipeline, name="mate"), "elsewhere": elsewhere}
    asked = [GapRow(name, Candidate("stale", "rework", row, "why", row)) for name, row in zip("ab", rows, strict=False)]
    for name, row in zip(("mate", "elsewhere"), asked, strict=True):
        desk.parts.gaps.add(GapPlan(row.plan_id, name, 1, None, desk.shop.clock.now, (row,)))
    assert ids(send_gaps(NAME, desk.parts, most=9, kinds=["conflict"]).plan) == rows[1:]


def test_a_row_that_is_watched_is_left_alone_by_later_plans(shop: Workshop) -> None:
    desk = Desk(shop, control_percent=50.0)
    rows = desk.contradict(1, 2, 3, 4)
    watched = ids(send_gaps(NAME, desk.parts, most=20, kinds=["conflict"]).plan, "control")
    assert len(watched) == 4
    assert send_gaps(NAME, desk.parts, most=20, kinds=["conflict"]).plan.rows == ()
    shop.clock.forward(91 * 86_400)
    later = draft_gaps(NAME, desk.parts, most=20, kinds=["conflict"])
    assert {row.candidate.data_row_id for row in later.plan.rows} == set(rows)


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), None])
@pytest.mark.parametrize("fails_at", range(1, 9))
def test_whatever_breaks_the_next_run_completes_the_plan_and_nothing_is_done_twice(
    desk: Desk,
    fails_at: int,
    error: BaseException | None,
    acts: bool,  # noqa: FBT001
) -> None:
    desk.judge()
    desk.offer(0, 6)
    desk.offer(6, 9, in_project=True)
    desk.contradict(3, 4)
    wanted = draft_gaps(NAME, desk.parts, most=12, kinds=["conflict", "failure"]).plan
    queues = desk.queues
    queues.fails_at, queues.acts_before_failing = fails_at, acts
    queues.error = error or queues.error
    try:
        send_gaps(NAME, desk.parts, most=12, kinds=["conflict", "failure"])
    except (ServiceError, KeyboardInterrupt) as raised:
        if isinstance(raised, KeyboardInterrupt):
            # Its lease has to end; another kind of failure gives it back.
            with pytest.raises(GapsBusy):
                send_gaps(NAME, desk.parts, most=12)
            desk.shop.clock.forward(desk.parts.lease.total_seconds() + 1)
        assert desk.plans()[-1].is_open
        done = send_gaps(NAME, desk.parts, most=12)
        assert done.is_resumed
    (plan,) = desk.plans()
    assert not plan.is_open
    assert plan.plan_id == wanted.plan_id
    assert ids(plan) == sorted(row.candidate.data_row_id for row in wanted.rows)
    assert max(Counter([*queues.sent, *queues.moved]).values()) == 1
    assert len(queues.remarks) == len(set(queues.remarks)) == 4


@pytest.mark.parametrize("is_heard", [True, False])
def test_what_labelbox_did_not_take_of_a_batch_is_told_apart_and_not_asked_again(
    desk: Desk,
    is_heard: bool,  # noqa: FBT001
) -> None:
    desk.judge()
    desk.offer(0, 5)
    queues = desk.queues
    queues.takes = 2
    queues.fails_at, queues.acts_before_failing = (0, False) if is_heard else (1, True)
    plan = send_gaps(NAME, desk.parts, most=6, kinds=["failure"]).plan
    assert not plan.is_open
    assert (ids(plan), len(ids(plan, "refused"))) == (sorted(queues.sent), 3)
    # Only what labelers have counts as theirs.
    queues.takes = None
    desk.offer(6, 9)
    again = send_gaps(NAME, desk.parts, most=6, kinds=["failure"])
    assert (again.out, ids(again.plan)) == (2, ["new-6", "new-7", "new-8"])
    assert report_gaps(NAME, desk.parts)["kinds"]["failure"]["sent"] == 5


def test_what_a_batch_took_stays_open_while_exports_stay_behind(desk: Desk) -> None:
    desk.judge()
    desk.offer(0, 5)
    queues = desk.queues
    queues.fails_at, queues.acts_before_failing, queues.takes, queues.shows = 1, True, 3, 1
    with pytest.raises(BatchUnclear, match="has 3 rows, of which an export shows 1") as raised:
        send_gaps(NAME, desk.parts, most=6, kinds=["failure"])
    assert "--give-up" in raised.value.remedy
    (plan,) = desk.plans()
    assert (plan.is_open, len(ids(plan)), len(ids(plan, "sending"))) == (True, 1, 4)
    queues.shows = None
    plan = send_gaps(NAME, desk.parts, most=6).plan
    assert (plan.is_open, ids(plan), len(ids(plan, "refused"))) == (False, sorted(queues.sent), 2)
    assert len(queues.named) == 1


def test_a_row_that_another_batch_brought_is_not_counted_as_sent(desk: Desk) -> None:
    desk.judge()
    desk.offer(0, 4)
    queues = desk.queues
    queues.fails_at, queues.acts_before_failing, queues.takes = 1, True, 2
    queues.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        send_gaps(NAME, desk.parts, most=4, kinds=["failure"])
    desk.shop.clock.forward(desk.parts.lease.total_seconds() + 1)
    left = sorted({f"new-{n}" for n in range(4)} - {*queues.sent})
    queues.takes = None
    queues.send_batch("project-1", "somebody's own", left[:1], priority=5)
    plan = send_gaps(NAME, desk.parts, most=4).plan
    assert (ids(plan, "overtaken"), ids(plan, "refused")) == (left[:1], left[1:])
    assert len(ids(plan)) == 2


def test_a_large_plan_goes_in_several_batches_and_the_next_run_goes_on_between_them(desk: Desk) -> None:
    rows = tuple(GapRow("g-1", Candidate("failure", "batch", f"new-{n}", "why", "key")) for n in range(1_100))
    desk.parts.gaps.add(GapPlan("g-1", NAME, 1, None, desk.shop.clock.now, rows))
    desk.queues.fails_at = 2
    with pytest.raises(ServiceError):
        send_gaps(NAME, desk.parts, most=1_100)
    assert len(desk.queues.sent) == 500
    plan = send_gaps(NAME, desk.parts, most=1_100).plan
    assert (plan.is_open, len(ids(plan))) == (False, 1_100)
    assert [len(batch) for batch in desk.queues.named.values()] == [500, 500, 100]
    assert sorted(desk.queues.sent) == ids(plan)


def test_what_somebody_else_did_meanwhile_is_left_alone(desk: Desk) -> None:
    rows = desk.contradict(3, 4)
    desk.judge()
    desk.offer(0, 4)
    desk.offer(4, 6, in_project=True)
    parts = desk.parts
    draft = draft_gaps(NAME, parts, most=20, kinds=["conflict", "failure"])
    assert parts.gaps.add(draft.plan)
    desk.queues.label(rows[0], status="IN_REWORK", at=desk.shop.clock.now)
    desk.queues.label(rows[1], at=desk.shop.clock.forward(9))
    del desk.queues.standing[rows[2]]
    desk.queues.label("new-0")
    desk.queues.label("new-4")
    plan = send_gaps(NAME, parts, most=20).plan
    assert ids(plan, "gone") == [rows[2]]
    assert ids(plan, "overtaken") == sorted([*rows[:2], "new-0", "new-4"])
    assert desk.queues.moved == [rows[3]]
    assert "new-0" not in desk.queues.sent


def test_a_plan_that_cannot_be_completed_is_given_up(desk: Desk) -> None:
    assert give_up_gaps(NAME, desk.parts) is None
    rows = desk.contradict(3, 4)
    desk.queues.fails_at = 5
    with pytest.raises(ServiceError):
        send_gaps(NAME, desk.parts, most=20, kinds=["conflict"])
    given_up = give_up_gaps(NAME, desk.parts)
    assert given_up is not None
    (plan,) = desk.plans()
    assert (plan.is_open, ids(plan, "overtaken"), desk.queues.moved) == (False, rows, [])


def test_another_plan_made_meanwhile_or_in_hand_is_not_disturbed(desk: Desk) -> None:
    desk.contradict(3)
    parts = desk.parts
    draft = draft_gaps(NAME, parts, most=20, kinds=["conflict"])
    parts.gaps.add(draft.plan)
    now = desk.shop.clock.now
    assert parts.gaps.take(draft.plan.plan_id, now=now, until=now + parts.lease)
    for act in (lambda: send_gaps(NAME, parts, most=20), lambda: give_up_gaps(NAME, parts)):
        with pytest.raises(GapsBusy):
            act()
    assert desk.queues.changes == 0


# Refusals.


def test_a_project_of_a_retired_kind_is_refused(desk: Desk) -> None:
    desk.queues.can = Abilities(is_retired=True, has_rework=True)
    with pytest.raises(GapsRefused, match="retired") as raised:
        draft_gaps(NAME, desk.parts, most=5)
    assert "text or chat project" in raised.value.remedy


def test_without_a_rework_step_only_unlabelled_prompts_are_sent(desk: Desk) -> None:
    desk.judge()
    desk.contradict(3)
    desk.offer(0, 4)
    desk.queues.can = Abilities(is_retired=False, has_rework=False)
    draft = draft_gaps(NAME, desk.parts, most=20)
    assert {row.candidate.kind for row in draft.plan.rows} == {"failure"}
    assert any("has no rework step: conflict and stale are left out" in note for note in draft.notes)
    with pytest.raises(GapsRefused, match="no label can be sent back"):
        draft_gaps(NAME, desk.parts, most=20, kinds=["stale"])


def test_what_cannot_be_read_is_said(desk: Desk) -> None:
    desk.judge()
    assert any("none is in Support chats" in note for note in draft_gaps(NAME, desk.parts, most=5).notes)
    desk.queues.offer("empty", None)
    draft = draft_gaps(NAME, desk.parts, most=5, kinds=["failure"])
    assert draft.plan.rows == ()
    assert draft.notes == ("1 unlabelled rows have no text that can be read",)


def test_a_pipeline_that_is_not_there_is_named_with_those_that_are(desk: Desk) -> None:
    for act in (lambda: draft_gaps("x", desk.parts, most=5), lambda: report_gaps("x", desk.parts)):
        with pytest.raises(NotFound) as raised:
            act()
        assert NAME in raised.value.remedy


def test_gaps_have_no_part_in_a_snapshots_name() -> None:
    assert "gaps" not in configuration_of(make_pipeline(), encoding="words")


# Plans of one number.


def test_a_plan_made_after_a_restore_takes_no_earlier_batch_for_its_own(desk: Desk) -> None:
    desk.judge()
    desk.offer(0, 3)
    first = send_gaps(NAME, desk.parts, most=3, kinds=["failure"]).plan
    with desk.shop.engine.begin() as connection:
        # The backup is from before.
        connection.execute(gap_rows.delete())
        connection.execute(gap_plans.delete())
    desk.offer(3, 9)
    second = send_gaps(NAME, desk.parts, most=6, kinds=["failure"]).plan
    assert (first.ordinal, second.ordinal) == (1, 1)
    assert sorted(desk.queues.named[f"tuneloop gaps {second.plan_id} failure"]) == ids(second)
    assert set(ids(second)) > {"new-3", "new-4"}
    assert not set(ids(first)) & set(ids(second))


def test_two_installations_do_not_take_each_others_batches_for_their_own(desk: Desk) -> None:
    desk.judge()
    desk.offer(0, 3)
    here = draft_gaps(NAME, desk.parts, most=3, kinds=["failure"]).plan
    elsewhere = draft_gaps(NAME, replace(desk.parts, installation=lambda: "another"), most=3, kinds=["failure"]).plan
    assert ids(here, "planned") == ids(elsewhere, "planned")
    assert here.plan_id != elsewhere.plan_id


# By itself.


def test_by_itself_only_where_it_is_switched_on_and_after_a_verdict(shop: Workshop) -> None:
    desk = Desk(shop, automatic=True, most=4, every=7 * DAY)
    desk.contradict(3, 4)
    pipeline = shop.pipelines[NAME]
    off = replace(pipeline, gaps=replace(pipeline.gaps, automatic=False))
    assert send_due_gaps(pipeline, desk.parts) is None
    desk.judge()
    assert send_due_gaps(off, desk.parts) is None
    sent = send_due_gaps(pipeline, desk.parts)
    assert sent is not None
    assert len(ids(sent.plan)) == 4
    shop.clock.forward(8 * 86_400)
    # No verdict since.
    assert send_due_gaps(pipeline, desk.parts) is None
    desk.judge(2)
    desk.contradict(5)
    empty = send_due_gaps(pipeline, desk.parts)
    assert empty is not None
    assert (empty.plan.rows, empty.out) == ((), 4)
    # Written down, so that it is not looked for again at once.
    assert send_due_gaps(pipeline, desk.parts) is None
    assert [plan.is_open for plan in desk.plans()] == [False, False]


def test_on_a_schedule_no_verdict_is_waited_for(shop: Workshop) -> None:
    desk = Desk(shop, automatic=True, when="schedule", most=2, every=7 * DAY)
    desk.contradict(3, 4)
    pipeline = shop.pipelines[NAME]
    sent = send_due_gaps(pipeline, desk.parts)
    assert sent is not None
    assert len(ids(sent.plan)) == 2
    shop.clock.forward(6 * 86_400)
    assert send_due_gaps(pipeline, desk.parts) is None
    for row_id in ids(sent.plan):
        desk.answer(row_id)
    shop.clock.forward(86_400)
    again = send_due_gaps(pipeline, desk.parts)
    assert again is not None
    assert len(ids(again.plan)) == 2
    off = replace(pipeline, gaps=replace(pipeline.gaps, automatic=False))
    shop.clock.forward(8 * 86_400)
    assert send_due_gaps(off, desk.parts) is None


def test_by_itself_an_unfinished_plan_is_completed_at_once(shop: Workshop) -> None:
    desk = Desk(shop, automatic=True)
    desk.contradict(3, 4)
    desk.judge()
    desk.queues.fails_at = 2
    with pytest.raises(ServiceError):
        send_due_gaps(shop.pipelines[NAME], desk.parts)
    done = send_due_gaps(shop.pipelines[NAME], desk.parts)
    assert done is not None
    assert (done.is_resumed, done.plan.is_open) == (True, False)


def test_the_weaknesses_of_the_model_that_serves_count() -> None:
    facts = {"models": {"base": "b", "challenger": "new", "champion": "old"}}
    assert serving_role(facts, {"model": "old"}) == "champion"
    assert serving_role(facts, {"model": "new"}) == "challenger"
    assert serving_role({"models": {"base": "b"}}, None) == serving_role({}, None) == "base"
    assert serving_role(facts, None) == serving_role(facts, {"model": "third"}) == "challenger"


# What it changed.


def test_what_was_sent_is_compared_with_what_was_only_watched(shop: Workshop) -> None:
    desk = Desk(shop, control_percent=40.0)
    desk.contradict(*range(20))
    send_gaps(NAME, desk.parts, most=40, kinds=["conflict"])
    nothing = report_gaps(NAME, desk.parts)["kinds"]["conflict"]
    assert (nothing["sent"], nothing["control"]) == (24, 16)
    assert (nothing["answered"]["sent"], nothing["answered"]["words"]) == (0, "cannot tell yet")
    sent = ids(desk.plans()[0])
    for row_id in sent[:20]:
        desk.answer(row_id)
    report = report_gaps(NAME, desk.parts)
    told = report["kinds"]["conflict"]
    assert (report["out"], told["answered"]["sent"], told["changed"]["sent"], told["changed"]["control"]) == (
        4,
        20,
        20,
        0,
    )
    assert told["changed"]["words"] == "more than without"
    assert told["changed"]["effect"]["low"] > 0
    assert report["kinds"]["stale"]["changed"]["words"] == "cannot tell yet"


def test_how_a_slice_does_later_is_compared_within_it_by_what_was_sent(shop: Workshop) -> None:
    """Questions of the slice that sent rows are like, against those that watched rows are like."""
    desk = Desk(shop, control_percent=50.0)
    shop.pipelines[NAME] = replace(shop.pipelines[NAME], verdict=VerdictPolicy(promote="manual"))
    at = shop.clock.forward(1)
    desk.write(
        *(
            replace(
                make_outcome(f"tag-{n}", good_answer(prompt_of(n)), prompt=prompt_of(n), at=at),
                metadata={"channel": "phone" if n % 2 else "mail"},
            )
            for n in range(100, 340)
        )
    )

    def voice(prompt: str) -> str:
        number = int(prompt.partition(":")[0].removeprefix("Chat "))
        return leaking_answer(prompt) if number >= 100 and number % 2 else good_answer(prompt)

    shop.go(shop.train(voice=voice))
    for number in range(40):
        words = f"Another chat {number}: write to bob{number}@example.com about the late parcel of mine"
        desk.queues.offer(f"new-{number}", words, channel="phone")
    plan = send_gaps(NAME, desk.parts, most=40, kinds=["slice"]).plan
    questions = {side: {row.candidate.near for row in plan.rows if row.is_control is side} for side in (False, True)}
    assert all(questions.values())
    assert questions[False].isdisjoint(questions[True])
    desk.answer_all(plan)
    desk.judge(2, leaks=False)
    scores = report_gaps(NAME, desk.parts)["scores"]
    (part,) = scores["slices"]
    assert (part["slice"], part["inside"]["moved"]) == ("metadata channel: phone", 1.0)
    for told in (part["by_lot"], scores["weak"]):
        assert told["sent"] == {"questions": len(questions[False]), "moved": 1.0}
        assert told["control"] == {"questions": len(questions[True]), "moved": 1.0}
        # The whole slice is better, whether anything was sent or not.
        assert told["words"] == "cannot tell yet"


def test_of_each_plan_is_told_what_became_of_its_rows(shop: Workshop) -> None:
    desk = Desk(shop, control_percent=20.0)
    desk.judge()
    desk.offer(0, 20)
    plan = send_gaps(NAME, desk.parts, most=20, kinds=["failure"]).plan
    sent, watched = ids(plan), ids(plan, "control")
    desk.answer(sent[0])
    desk.answer(sent[1], "Call +1 415 555 2671")
    desk.answer(sent[2], "")
    desk.answer(watched[0])
    desk.write(make_refusal(sent[3]), make_refusal(sent[4], "row_gone"))
    statuses = shop.examples.existing(NAME, sent[:5])
    assert [statuses[row_id].status for row_id in sent[:3]] == ["active", "held", "rejected"]
    desk.contradict(3)
    send_gaps(NAME, desk.parts, most=50, kinds=["conflict"])
    report = report_gaps(NAME, desk.parts)
    told, other = (plan["outcomes"] for plan in report["plans"])
    assert (told["sent"], told["control"], other["answered"]["sent"]) == (len(sent), len(watched), 0)
    assert {name: (told[name]["sent"], told[name]["control"]) for name in OUTCOMES} == {
        "answered": (3, 1),
        "examples": (1, 1),
        "held": (1, 0),
        "rejected": (1, 0),
        "changed": (2, 1),
    }
    assert told["answered"]["words"] == "cannot tell yet"
    # One is gone, and one waits to be approved.
    assert report["out"] == len(sent) - 4 + other["sent"]


def test_how_failed_questions_do_later_is_compared_by_what_was_sent_for_them(shop: Workshop) -> None:
    desk = Desk(shop, control_percent=40.0)
    desk.judge()
    desk.offer(0, 60)
    plan = send_gaps(NAME, desk.parts, most=60, kinds=["failure"]).plan
    targets = {side: {row.candidate.target for row in plan.rows if row.is_control is side} for side in (False, True)}
    assert all(targets.values())
    assert targets[False].isdisjoint(targets[True])
    before = report_gaps(NAME, desk.parts)["scores"]
    assert before["failures"]["sent"] == {"questions": 0, "moved": None}
    desk.answer_all(plan)
    desk.judge(2, leaks=False)
    after = report_gaps(NAME, desk.parts)["scores"]
    assert after["failures"]["sent"] == {"questions": len(targets[False]), "moved": 1.0}
    assert after["failures"]["control"] == {"questions": len(targets[True]), "moved": 1.0}
    # All of them are better, whether anything was sent or not.
    assert after["failures"]["words"] == "cannot tell yet"


def test_a_model_that_never_saw_the_rows_sent_says_nothing_of_them(desk: Desk) -> None:
    desk.judge()
    desk.offer(0, 20)
    plan = send_gaps(NAME, desk.parts, most=20, kinds=["failure"]).plan
    desk.judge(2, leaks=False)
    desk.answer_all(plan)
    scores = report_gaps(NAME, desk.parts)["scores"]
    assert (scores["run"], scores["sent"], scores["taught"]) == (None, len(plan.rows), 0)
    assert scores["failures"]["sent"] == {"questions": 0, "moved": None}


def test_the_report_says_which_model_was_measured_and_that_nothing_changed(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.judge()
    desk.offer(0, 20)
    plan = send_gaps(NAME, desk.parts, most=20, kinds=["failure"]).plan
    say_report(report_gaps(NAME, desk.parts))
    assert (
        "scores: cannot tell yet: no model that was trained on the rows sent has been evaluated"
        in capsys.readouterr().out
    )
    desk.answer_all(plan)
    desk.judge(2)
    report = report_gaps(NAME, desk.parts)
    say_report(report)
    told, out = report["scores"], capsys.readouterr().out
    assert f"scores of the model of {told['run']}, trained on {told['taught']} of {len(plan.rows)} rows sent:" in out
    assert f"unchanged ({told['failures']['sent']['questions']} questions) where rows were sent, not known" in out


def test_the_model_that_was_trained_on_the_rows_counts_also_where_the_champion_of_before_serves(desk: Desk) -> None:
    def voice(prompt: str) -> str:
        return leaking_answer(prompt) if sum(map(ord, prompt)) % 3 == 0 else good_answer(prompt)

    desk.shop.go(desk.shop.train(voice=voice))
    champion = desk.shop.evaluations.champion(NAME)
    assert champion is not None
    desk.offer(0, 20)
    plan = send_gaps(NAME, desk.parts, most=20, kinds=["failure"]).plan
    desk.answer_all(plan)
    desk.shop.pipelines[NAME] = replace(desk.shop.pipelines[NAME], verdict=VerdictPolicy(promote="manual"))
    run_id = desk.shop.train(2, voice=good_answer)
    desk.shop.go(run_id)
    assert desk.shop.evaluations.champion(NAME) == champion
    scores = report_gaps(NAME, desk.parts)["scores"]
    assert (scores["run"], scores["failures"]["sent"]["moved"]) == (run_id, 1.0)
    assert 0 < scores["taught"] <= scores["sent"] == len(plan.rows)


@pytest.mark.parametrize("first", ["sent", "control"])
def test_a_question_that_two_plans_drew_differently_counts_once_as_the_first_drew_it(
    desk: Desk, first: RowState
) -> None:
    desk.judge()
    scored = newest_scores(desk.shop.pipelines[NAME], desk.parts)
    assert scored is not None
    second: RowState = "control" if first == "sent" else "sent"
    desk.draw(1, first, scored)
    desk.draw(2, second, scored)
    desk.write(*(make_outcome(f"drawn-{n}", good_answer(prompt_of(n)), prompt=f"{n} by lot") for n in (1, 2)))
    desk.judge(2, leaks=False)
    told = report_gaps(NAME, desk.parts)["scores"]["failures"]
    assert (told[first]["questions"], told[second]["questions"]) == (1, 0)


def test_every_kind_has_its_place_in_the_report(desk: Desk) -> None:
    report = report_gaps(NAME, desk.parts)
    assert set(report["kinds"]) == set(KINDS)
    assert (report["plans"], report["out"]) == ([], 0)
