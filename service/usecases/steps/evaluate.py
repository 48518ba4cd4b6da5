"""Evaluating -> promoted or kept: the same held-out questions to every model, and a verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from service.domain.comparisons import interval
from service.domain.contests import Rival
from service.domain.errors import ModelNotReady, NotFound, ServiceError
from service.domain.guards import GuardRule
from service.domain.judgements import judge_scores
from service.domain.metrics import Context, Metric, described, score
from service.domain.pipelines import Pipeline, VerdictPolicy
from service.domain.questions import Question, question_in
from service.domain.repeated_looks import Look, take_look
from service.domain.runs import RETRAINING, Run, RunState, Step
from service.domain.slices import score_slices, slices_of
from service.domain.snapshots import Snapshot, read_chats
from service.usecases.mend_snapshot import opened, whole_snapshot
from service.usecases.question_facts import question_facts
from service.usecases.steps.ask_judges import ask_judges
from service.usecases.steps.deploy import take_down_loser
from service.usecases.steps.endings import ALL_WELL, backoff
from service.usecases.steps.lease import keeper
from service.usecases.steps.parts import Parts

# A champion that does not answer for this many attempts is reported as gone and no longer compared with.
CHAMPION_ATTEMPTS = 8


def evaluate(run: Run, parts: Parts) -> tuple[Step, Mapping[str, Any] | None]:
    """Gather answers for a while; when all are there, judge.

    Returns:
        The step, and the evaluation if it is complete.
    """
    keep = keeper(run, parts)
    snapshot = whole_snapshot(run.snapshot_id or "", parts.archive, keep=keep)
    questions = held_out_questions(snapshot, parts, keep=keep)
    champion = parts.evaluations.champion(run.pipeline)
    models = _models(run, champion)
    deadline = parts.clock() + parts.timing.slice
    answers: dict[str, dict[str, str]] = {}
    for role, (model, trainer_name) in models.items():
        name = stored_name(trainer_name, model)
        answers[role] = parts.evaluations.answers(name, [question.key for question in questions])
        for question in questions:
            if question.key in answers[role]:
                continue
            if parts.clock() >= deadline:
                progress = f"{len(answers[role])} of {len(questions)} answers of {model}"
                return Step(
                    run.state, progress, changes={"attempts": 0}, facts={**ALL_WELL, "progress": progress}
                ), None
            try:
                answers[role][question.key] = _ask(run, trainer_name, model, question, parts)
            except (ModelNotReady, NotFound) as error:
                # One that is only refused, for money or a key, is not gone: a person is asked.
                if role != "champion":
                    raise
                return _without_champion(run, error, parts, champion), None
    pipeline = parts.pipeline(run.pipeline)
    metrics = judged_by(pipeline, parts)
    context = Context(question_facts(snapshot, parts.archive, keep=keep))
    replies = ask_judges(run, metrics, questions, answers, context=context, parts=parts)
    if isinstance(replies, str):
        return Step(run.state, replies, changes={"attempts": 0}, facts={"progress": replies}), None
    policy = pipeline.verdict
    earlier = parts.evaluations.earlier_looks(run.pipeline, but=run.run_id)
    look = take_look([question.key for question in questions], earlier, alpha=policy.alpha)
    evaluation = judge(policy, metrics, questions, answers, replace(context, judgements=replies), look=look) | {
        "models": {role: model for role, (model, _) in models.items()},
        "snapshot_id": run.snapshot_id,
        "champion_gone": champion is not None and run.fact("champion_gone") == champion["position"],
        "judged_against": champion["position"] if champion else None,
        "system": snapshot.head.get("system"),
    }
    step = _concluding_step(evaluation, policy)
    # What a person had trained again stays: no better than a champion that goes, it may still have to take its place.
    is_loser = evaluation["outcome"] != "better" and run.cause != RETRAINING
    if is_loser and take_down_loser(run, parts):
        step = replace(step, facts={"taken_down": True})
    return step, evaluation


def held_out_questions(
    snapshot: Snapshot, parts: Parts, *, keep: Callable[[], object] = lambda: None
) -> list[Question]:
    """Read the held-out examples of a snapshot: the last assistant message is the reference.

    Rows that share a prompt are one question: counted twice, they would make the test surer than it is.
    """
    found: dict[str, Question] = {}
    with opened(snapshot, "held_out", parts.archive, keep=keep) as lines:
        for messages in read_chats(iter(lines)):
            question = question_in(messages)
            found.setdefault(question.key, question)
    return list(found.values())


def stored_name(trainer: str, model: str) -> str:
    """Give the name that a model's answers are kept under: two trainers may call different models the same."""
    return f"{trainer}/{model}"


def _models(run: Run, champion: Mapping[str, Any] | None) -> dict[str, tuple[str, str]]:
    """Give model and trainer by role; the champion only if there is one that may still answer."""
    found = {"base": (run.model, run.trainer), "challenger": (str(run.answers_as), run.trainer)}
    if champion and run.fact("champion_gone") != champion["position"]:
        reigning = (champion["model"], champion["trainer"])
        if reigning != found["challenger"]:
            found["champion"] = reigning
    return found


def _ask(run: Run, trainer: str, model: str, question: Question, parts: Parts) -> str:
    answer = parts.account(trainer).connect().answer(model, question.messages)
    # Stored one by one: a worker that is killed pays for no answer twice.
    parts.evaluations.add_answer(stored_name(trainer, model), question.key, answer, now=parts.clock())
    parts.runs.extend(run.run_id, until=parts.clock() + parts.timing.lease)
    return answer.text


def judged_by(pipeline: Pipeline, parts: Parts) -> list[Metric]:
    """Give the metrics that decide a pipeline's verdicts, the primary one first."""
    by_name = parts.metrics(pipeline)
    return [by_name[name] for name in (pipeline.verdict.primary, *pipeline.verdict.guard)]


def judge(
    policy: VerdictPolicy,
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, str]],
    context: Context,
    *,
    look: Look,
) -> dict[str, Any]:
    """Score every answer and compare the challenger with the base, and with the champion where there is one.

    Returns:
        Verdict, look, scores, intervals and comparisons, as JSON can hold them.
    """
    scores = score(metrics, questions, answers, context)
    rivals: tuple[Rival, ...] = ("champion", "base") if "champion" in answers else ("base",)
    rule = GuardRule(policy.guard_margin, proven=policy.guard_proven)
    judgement = judge_scores(metrics, {rival: scores.against(rival) for rival in rivals}, look=look, rule=rule)
    table = scores.table(judgement.incumbent)
    return {
        **asdict(judgement.verdict),
        "failed_guards": list(judgement.verdict.failed_guards),
        "incumbent": judgement.incumbent,
        "look": asdict(look),
        "held_out": len(questions),
        "questions": [question.key for question in questions],
        "metrics": {metric.name: described(metric) for metric in metrics},
        "scores": table,
        "intervals": {
            metric.name: {role: interval(metric, given)._asdict() for role, given in table[metric.name].items()}
            for metric in metrics
        },
        "comparisons": {
            rival: {name: asdict(comparison) for name, comparison in by_metric.items()}
            for rival, by_metric in judgement.comparisons.items()
        },
        "figures": scores.figures,
        "slices": score_slices(metrics, table, questions, slices_of(questions, context.facts)),
    }


def _concluding_step(evaluation: Mapping[str, Any], policy: VerdictPolicy) -> Step:
    better = evaluation["outcome"] == "better"
    if better and policy.promote == "manual":
        return Step(RunState.KEPT, str(evaluation["sentence"]), facts={"waits_for_promotion": True})
    return Step(RunState.PROMOTED if better else RunState.KEPT, str(evaluation["sentence"]))


def _without_champion(run: Run, error: ServiceError, parts: Parts, champion: Mapping[str, Any] | None) -> Step:
    """Go on without a champion that is gone: at once where its trainer is, after some patience where it is silent."""
    misses = int(run.fact("champion_misses") or 0) + 1
    if misses >= CHAMPION_ATTEMPTS or not error.retryable:
        # Of this one only: another may take its place before the verdict.
        gone = {"champion_gone": champion and champion["position"], "champion_misses": 0}
        return Step(run.state, f"going on without the champion: {error}", facts=gone)
    return Step(run.state, str(error), facts={"champion_misses": misses}, due_at=parts.clock() + backoff(misses))
