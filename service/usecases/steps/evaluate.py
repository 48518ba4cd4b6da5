"""Evaluating -> promoted or kept: the same held-out questions to every model, and a verdict."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from service.domain.errors import ModelNotReady, NotFound, ServiceError, TrainerRefused
from service.domain.metrics import Context
from service.domain.pipelines import VerdictPolicy
from service.domain.questions import Question, question_in
from service.domain.repeated_looks import take_look
from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import Snapshot, read_chats
from service.usecases.mend_snapshot import opened, whole_snapshot
from service.usecases.question_facts import question_facts
from service.usecases.steps.ask_judges import ask_judges
from service.usecases.steps.deploy import take_down_loser
from service.usecases.steps.endings import ALL_WELL, backoff
from service.usecases.steps.judge_run import judge, judged_by, rules_of
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
    models = _models(run, parts)
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
            except (ModelNotReady, NotFound, TrainerRefused) as error:
                if role != "champion":
                    raise
                return _without_champion(run, error, parts), None
    pipeline = parts.pipeline(run.pipeline)
    metrics = judged_by(pipeline, parts.metrics(pipeline))
    context = Context(question_facts(snapshot, parts.archive, keep=keep))
    replies = ask_judges(run, metrics, questions, answers, context=context, parts=parts)
    if isinstance(replies, str):
        return Step(run.state, replies, changes={"attempts": 0}, facts={"progress": replies}), None
    policy = pipeline.verdict
    earlier = parts.evaluations.earlier_looks(run.pipeline, but=run.run_id)
    look = take_look([question.key for question in questions], earlier, alpha=policy.alpha)
    evaluation = judge(policy, metrics, questions, answers, replace(context, judgements=replies), look=look) | {
        **rules_of(pipeline),
        "answers_in": {role: stored_name(trainer, model) for role, (model, trainer) in models.items()},
        "models": {role: model for role, (model, _) in models.items()},
        "snapshot_id": run.snapshot_id,
        "champion_gone": bool(run.fact("champion_gone")),
    }
    step = _concluding_step(evaluation, policy)
    if evaluation["outcome"] != "better" and take_down_loser(run, parts):
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


def _models(run: Run, parts: Parts) -> dict[str, tuple[str, str]]:
    """Give model and trainer by role; the champion only if there is one that may still answer."""
    found = {"base": (run.model, run.trainer), "challenger": (str(run.answers_as), run.trainer)}
    champion = parts.evaluations.champion(run.pipeline)
    if champion and not run.fact("champion_gone"):
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


def _concluding_step(evaluation: Mapping[str, Any], policy: VerdictPolicy) -> Step:
    better = evaluation["outcome"] == "better"
    state = RunState.PROMOTED if better and policy.promote == "automatic" else RunState.KEPT
    return Step(state, str(evaluation["sentence"]))


def _without_champion(run: Run, error: ServiceError, parts: Parts) -> Step:
    """Go on without a champion that is gone: at once where its trainer is, after some patience where it is silent."""
    misses = int(run.fact("champion_misses") or 0) + 1
    if misses >= CHAMPION_ATTEMPTS or not error.retryable:
        return Step(run.state, f"going on without the champion: {error}", facts={"champion_gone": True})
    return Step(run.state, str(error), facts={"champion_misses": misses}, due_at=parts.clock() + backoff(misses))
