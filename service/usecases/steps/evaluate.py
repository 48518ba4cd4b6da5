"""Evaluating -> promoted or kept: the same held-out questions to every model, and a verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from service.domain.errors import ModelNotReady, NotFound, ServiceError
from service.domain.metrics import Context, Metric
from service.domain.pipelines import VerdictPolicy
from service.domain.questions import Question, at_most
from service.domain.repeated_looks import take_look
from service.domain.runs import RETRAINING, Run, RunState, Step
from service.domain.snapshots import Snapshot
from service.usecases.mend_snapshot import whole_snapshot
from service.usecases.model_lists import has_lost
from service.usecases.question_facts import question_facts
from service.usecases.steps.answer_money import answers_needed, bill_answers, require_money
from service.usecases.steps.ask_judges import ask_judges, judgements_needed
from service.usecases.steps.asking import Asked, Payer, payer_of
from service.usecases.steps.deploy import take_down_loser
from service.usecases.steps.endings import ALL_WELL, backoff
from service.usecases.steps.gather_answers import gather
from service.usecases.steps.judge_run import judge, judged_by, rules_of
from service.usecases.steps.lease import keeper, kept
from service.usecases.steps.parts import Parts
from service.usecases.stored_answers import held_out_texts

# A champion that does not answer for this many attempts is reported as gone and no longer compared with; a base whose
# answers are stored as well, and then these are used. So are those of a champion whose trainer left the configuration.
CHAMPION_ATTEMPTS = 8


def evaluate(run: Run, parts: Parts) -> tuple[Step, Mapping[str, Any] | None]:
    """Gather answers for a while; when all are there, judge.

    Returns:
        The step, and the evaluation if it is complete.
    """
    step, evaluation = weigh(run, parts, but=run.run_id, keep=keeper(run, parts))
    return (step if evaluation is None else _without_loser(run, evaluation, step, parts)), evaluation


def weigh(run: Run, parts: Parts, *, but: str, keep: Callable[[], object]) -> tuple[Step, Mapping[str, Any] | None]:
    """Do the same, but touch nothing: the run may have ended, and its model be one of its checkpoints.

    Args:
        run: Whose model is the challenger.
        parts: What steps work with.
        but: The run whose own evaluation is no earlier look, for it would be replaced by this one.
        keep: Called again and again meanwhile.
    """
    snapshot = whole_snapshot(run.snapshot_id or "", parts.archive, keep=keep)
    pipeline = parts.settled(parts.pipeline(run.pipeline))
    held_out = held_out_questions(snapshot, parts, keep=keep)
    questions = at_most(held_out, pipeline.verdict.max_questions)
    champion, wanted = parts.evaluations.champion(run.pipeline), len(questions)
    models, questions, is_unasked = _comparable(run, models_asked(run, champion, parts), questions, parts)
    metrics = judged_by(pipeline, parts.metrics(pipeline))
    context = Context(question_facts(snapshot, parts.archive, keep=keep))
    payer = payer_of(run)
    # A worker that was killed may have left some, perhaps the last ones.
    bill_answers(payer, parts)
    _require_money(payer, list(models.values()), metrics, questions, parts=parts, context=context)
    answers = _gather(run, models, questions, parts, keep=keep, champion=champion)
    if isinstance(answers, Step):
        return answers, None
    names = {role: asked.name for role, asked in models.items()}
    lacking = {role: parts.evaluations.unfinished(name, answers[role]) for role, name in names.items()}
    context = replace(context, unfinished=lacking)
    replies = ask_judges(run, metrics, questions, answers, context=context, parts=parts, keep=keep)
    if isinstance(replies, Step):
        return replies, None
    policy = pipeline.verdict
    earlier = parts.evaluations.earlier_looks(run.pipeline, but=but)
    look = take_look([question.key for question in questions], earlier, alpha=policy.alpha)
    with kept(keep):
        judged = judge(policy, metrics, questions, answers, replace(context, judgements=replies), look=look)
    evaluation = judged | {
        **rules_of(pipeline),
        "answers_in": names,
        "finished": {role: parts.evaluations.finishes(name, answers[role]) for role, name in names.items()},
        "models": {role: asked.model for role, asked in models.items()},
        "snapshot_id": run.snapshot_id,
        "sampling": asdict(models["challenger"].sampling),
        "champion_gone": champion is not None and run.fact("champion_gone") == champion["position"],
        "champion_unasked": is_unasked,
        "judged_against": champion["position"] if champion else None,
        "system": snapshot.head.get("system"),
        "base_gone": bool(run.fact("base_gone")),
        "left_out": wanted - len(questions),
        "max_questions": policy.max_questions,
        "held_out_in_all": len(held_out),
    }
    return _concluding_step(evaluation, policy), evaluation


def _comparable(
    run: Run, models: dict[str, Asked], questions: list[Question], parts: Parts
) -> tuple[dict[str, Asked], list[Question], bool]:
    """Give the models and questions that can be compared, and whether the champion cannot be asked any more.

    Of a base that is gone, or of a champion whose trainer left the configuration, the stored answers count; a champion
    with too few of them is left out.
    """
    if run.fact("base_gone"):
        questions = _answered_by(models["base"], questions, parts)
    is_unasked = "champion" in models and models["champion"].trainer not in parts.accounts
    if is_unasked:
        answered = _answered_by(models["champion"], questions, parts)
        if len(answered) >= _least(run, parts):
            return models, answered, True
        models = {role: asked for role, asked in models.items() if role != "champion"}
    return models, questions, is_unasked


def _without_loser(run: Run, evaluation: Mapping[str, Any], step: Step, parts: Parts) -> Step:
    """Take down the model of a run that did not win, and keep the run where that was done, or begun before."""
    was_taken_down = bool(run.fact("taken_down"))
    # What a person had trained again stays: no better than a champion that goes, it may still have to take its place.
    is_loser = evaluation["outcome"] != "better" and run.cause != RETRAINING
    if not was_taken_down and not is_loser:
        return step
    if take_down_loser(run, parts, over=evaluation["judged_against"]) or was_taken_down:
        return Step(RunState.KEPT, step.cause, facts={"taken_down": True})
    return step


def _require_money(
    payer: Payer,
    models: Sequence[Asked],
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    *,
    parts: Parts,
    context: Context,
) -> None:
    """Refuse answers that could not be paid to the end, and judged; once all are there the judges count anew."""
    needs = [answers_needed(asked, questions, parts) for asked in models]
    if any(need.answers for need in needs):
        longest, rivals = max(asked.sampling.max_tokens for asked in models), len(models) - 1
        needs += judgements_needed(metrics, questions, parts, rivals=rivals, longest=longest, context=context)
        require_money(payer, needs, parts)


def _gather(
    run: Run,
    models: Mapping[str, Asked],
    questions: list[Question],
    parts: Parts,
    *,
    keep: Callable[[], object],
    champion: Mapping[str, Any] | None,
) -> dict[str, dict[str, str]] | Step:
    """Ask every model for a while; give all answers by role, or what follows where some are missing."""
    payer = payer_of(run)
    deadline = parts.clock() + parts.timing.slice
    answers: dict[str, dict[str, str]] = {}
    for role, one in models.items():
        try:
            if role == "champion" and champion is not None:
                _look_at_silent(champion, one, questions, parts)
            found = gather(one, questions, parts, payer=payer, until=deadline, keep=keep)
        except (ModelNotReady, NotFound) as error:
            # One that is only refused, for money or a key, is not gone: a person is asked.
            if role == "champion" and champion is not None:
                return _without(role, run, error, parts, gone=champion["position"])
            if role == "base" and len(_answered_by(models["base"], questions, parts)) >= _least(run, parts):
                return _without(role, run, error, parts, gone=True)
            if role == "challenger" and run.fact("asked_to_deploy"):
                raise _undeployed(run) from error
            raise
        if not found.is_whole:
            progress = f"{len(found.answers)} of {len(questions)} answers of {one.model}"
            facts = {**ALL_WELL, "progress": progress}
            return Step(run.state, progress, changes={"attempts": 0}, facts=facts, due_at=found.due_at)
        answers[role] = found.answers
    return answers


def _undeployed(run: Run) -> ModelNotReady:
    """Give the error of a run that was approved before its model was deployed, or as something else."""
    return ModelNotReady(
        f"nothing answers as {run.answers_as}",
        remedy=f"Deploy {run.tuned_model} as {run.answers_as} at trainer {run.trainer}.",
    )


def _look_at_silent(champion: Mapping[str, Any], asked: Asked, questions: list[Question], parts: Parts) -> None:
    """Ask for a champion whose answers are all stored, and which would otherwise not be found to be gone.

    Raises:
        NotFound: Its trainer has it no more.
    """
    if len(_answered_by(asked, questions, parts)) < len(questions):
        return
    run = parts.aftermath.named([champion["run_id"]]).get(champion["run_id"])
    if run and has_lost(parts.accounts.get(asked.trainer), asked.model, run):
        raise NotFound(f"{asked.trainer} does not have {asked.model} any more")


def held_out_questions(
    snapshot: Snapshot, parts: Parts, *, keep: Callable[[], object] = lambda: None
) -> list[Question]:
    """Read the held-out examples of a snapshot, see ``held_out_texts``."""
    return list(held_out_texts(snapshot, parts.archive, keep=keep).values())


def questions_asked(snapshot_id: str, pipeline: str, parts: Parts, *, keep: Callable[[], object]) -> list[Question]:
    """Read the held-out questions of a snapshot that are asked: so many at most as the pipeline says."""
    snapshot = whole_snapshot(snapshot_id, parts.archive, keep=keep)
    return at_most(held_out_questions(snapshot, parts, keep=keep), parts.pipeline(pipeline).verdict.max_questions)


def models_asked(run: Run, champion: Mapping[str, Any] | None, parts: Parts) -> dict[str, Asked]:
    """Give who is asked by role; the champion only if there is one that may still answer."""
    found = {
        "base": _asked(run, run.trainer, run.model, parts),
        "challenger": _asked(run, run.trainer, str(run.answers_as), parts),
    }
    if champion and run.fact("champion_gone") != champion["position"]:
        reigning = _asked(run, champion["trainer"], champion["model"], parts)
        if reigning != found["challenger"]:
            # It costs what its own base does, which may be another one.
            trained = parts.aftermath.named([champion["run_id"]]).get(champion["run_id"], run)
            found["champion"] = replace(reigning, priced_as=trained.model)
    return found


def _asked(run: Run, trainer: str, model: str, parts: Parts) -> Asked:
    ways = parts.pipeline(run.pipeline).verdict.sampling
    return Asked(trainer, model, run.model, parts.sampling_of(trainer, ways))


def _concluding_step(evaluation: Mapping[str, Any], policy: VerdictPolicy) -> Step:
    better, cause = evaluation["outcome"] == "better", str(evaluation["sentence"])
    if better and evaluation["champion_unasked"] and "champion" not in evaluation["models"]:
        # The champion may well serve: nobody takes its place by beating the base alone.
        cause = f"{cause} It was not compared with the champion, whose trainer is not configured."
        return Step(RunState.KEPT, cause, facts={"waits_for_promotion": True})
    if better and policy.promote == "manual":
        return Step(RunState.KEPT, cause, facts={"waits_for_promotion": True})
    return Step(RunState.PROMOTED if better else RunState.KEPT, cause)


def _without(role: str, run: Run, error: ServiceError, parts: Parts, *, gone: object) -> Step:
    """Go on without a model that is gone: at once where its trainer is, after some patience where it is silent.

    Of a champion this one only (``gone`` is its position): another may take its place before the verdict.
    """
    misses = int(run.fact(f"{role}_misses") or 0) + 1
    if misses >= CHAMPION_ATTEMPTS or not error.retryable:
        how = "with the stored answers of the base" if role == "base" else "without the champion"
        return Step(run.state, f"going on {how}: {error}", facts={f"{role}_gone": gone, f"{role}_misses": 0})
    return Step(run.state, str(error), facts={f"{role}_misses": misses}, due_at=parts.clock() + backoff(misses))


def _answered_by(asked: Asked, questions: list[Question], parts: Parts) -> list[Question]:
    """Give the questions that a model answered while it could be asked: in pairs, only these can be compared."""
    stored = parts.evaluations.answers(asked.name, [question.key for question in questions])
    return [question for question in questions if question.key in stored]


def _least(run: Run, parts: Parts) -> int:
    """Give how many stored answers are enough to be compared with."""
    return max(1, parts.pipeline(run.pipeline).dataset.min_held_out)
