"""Ask judges about every pair of answers that a run's metrics need them for, each once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from service.domain.errors import ConfigurationError
from service.domain.judging.duels import Choice, Duel, Request, judge_name, read_judgement, requests_of
from service.domain.judging.families import family_of
from service.domain.metric_specs import JudgeSpec
from service.domain.metrics import Context, Metric
from service.domain.metrics.scoring import duels_for, human_duels
from service.domain.questions import Question
from service.domain.runs import Run, Step
from service.domain.sampling import USUAL
from service.ports import Answer, Judgement
from service.usecases.steps.answer_money import Need, bill_answers, need_of, require_money
from service.usecases.steps.asking import Asked, ask, payer_of
from service.usecases.steps.endings import ALL_WELL
from service.usecases.steps.parts import Parts


def ask_judges(
    run: Run,
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, str]],
    *,
    context: Context,
    parts: Parts,
    keep: Callable[[], object],
) -> Mapping[str, Choice] | Step:
    """Gather what judges reply, for a while.

    Args:
        run: Whose models are compared.
        metrics: Those without a judge are passed over.
        questions: The held-out examples.
        answers: By role and question's key.
        context: Holds the facts of the questions: the choices of humans are asked about as well.
        parts: What steps work with.
        keep: Called again and again meanwhile.

    Returns:
        Every reply that ``score`` needs, by request; or how far it is, where it is time to make room for others.

    Raises:
        ConfigurationError: A judge is of the family of the model that it judges.
        OverBudget: The replies could not be paid to the end.
    """
    replies: dict[str, Choice] = {}
    missing: list[tuple[JudgeSpec, list[Request]]] = []
    for spec in judges_in(metrics):
        refuse_relatives(spec, run, parts)
        requests = _requests(spec, duels_for(spec, questions, answers, context))
        known = parts.judgements.judgements(requests)
        replies |= {key: judgement.choice for key, judgement in known.items()}
        missing.append((spec, [request for key, request in requests.items() if key not in known]))
    if any(asked for _, asked in missing):
        payer = payer_of(run)
        require_money(payer, [need_of(asked_as(spec), asked, parts) for spec, asked in missing], parts)
    # A slice of its own, so that each step asks something, however long answers and files took.
    until = parts.clock() + parts.timing.slice
    for spec, asked in missing:
        step = _ask(run, spec, asked, replies, parts, until=until, keep=keep) if asked else None
        if step is not None:
            return step
    return replies


def judgements_needed(
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    parts: Parts,
    *,
    rivals: int,
    longest: int,
    context: Context,
) -> list[Need]:
    """Count what judges will be asked of answers that are not there yet, each as long as it may be.

    Args:
        metrics: Those without a judge are passed over.
        questions: The held-out examples.
        parts: What steps work with.
        rivals: With how many models the challenger is compared.
        longest: Tokens of the longest answer.
        context: Holds the choices of humans.
    """
    needs = []
    for spec in judges_in(metrics):
        # Two different words for the answers, or there would be nothing to ask.
        between = _requests(spec, [Duel(question, "a", "b") for question in questions])
        models = need_of(asked_as(spec), between.values(), parts)
        humans = need_of(asked_as(spec), _requests(spec, human_duels(spec, questions, context.facts)).values(), parts)
        tokens = rivals * (models.prompt_tokens + models.answers * 2 * longest) + humans.prompt_tokens
        needs.append(Need(models.asked, rivals * models.answers + humans.answers, tokens))
    return needs


def judges_in(metrics: Sequence[Metric]) -> list[JudgeSpec]:
    """Give the judges among metrics."""
    return [metric.judge for metric in metrics if metric.judge]


def asked_as(spec: JudgeSpec) -> Asked:
    """Give a judge as a model that is asked."""
    return Asked(spec.trainer, spec.model, sampling=USUAL.but(spec.sampling))


def refuse_relatives(spec: JudgeSpec, run: Run, parts: Parts) -> None:
    """Refuse a judge of the trained model's family: the configuration may have changed since the run began.

    Raises:
        ConfigurationError: It is one, and nobody said that it may be.
    """
    if spec.same_family:
        return
    judge, judged = (
        family_of(model, dialect=parts.accounts[trainer].dialect_name if trainer in parts.accounts else "")
        for trainer, model in ((spec.trainer, spec.model), (run.trainer, run.model))
    )
    if judge == judged:
        raise ConfigurationError(
            f"the judge {spec.model} is of the family of {run.model}, which it would judge",
            remedy=f"Name another judge or say same_family = true; then {payer_of(run).go_on}",
        )


def _requests(spec: JudgeSpec, duels: Sequence[Duel]) -> dict[str, Request]:
    # Two rivals may have said the same.
    return {request.key: request for duel in duels for request in requests_of(spec, duel)}


def _ask(
    run: Run,
    spec: JudgeSpec,
    requests: Sequence[Request],
    replies: dict[str, Choice],
    parts: Parts,
    *,
    until: datetime,
    keep: Callable[[], object],
) -> Step | None:
    """Ask one judge for a while; give what follows where replies are still missing."""
    payer, asked, before = payer_of(run), asked_as(spec), len(replies)
    by_key = {request.key: request for request in requests}

    def store(key: str, answer: Answer) -> None:
        judgement = Judgement(
            key=key,
            question=by_key[key].question.key,
            judge=judge_name(spec),
            choice=read_judgement(answer.text),
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
        )
        parts.judgements.add_judgement(judgement, now=parts.clock(), debt=payer.owes(asked, answer))

    def owe(answer: Answer) -> None:
        parts.ledger.owe(payer.owes(asked, answer), now=parts.clock())

    try:
        outcome = ask(asked, requests, parts, until=until, keep=keep, store=store, owe=owe)
    finally:
        bill_answers(payer, parts)
    # What counts is what is stored: somebody else's reply may have come first.
    stored = parts.judgements.judgements(by_key)
    replies |= {key: judgement.choice for key, judgement in stored.items()}
    if outcome.is_whole:
        return None
    progress = f"{len(replies) - before} of {len(requests)} missing judgements of {spec.model}"
    facts = {**ALL_WELL, "progress": progress}
    return Step(run.state, progress, changes={"attempts": 0}, facts=facts, due_at=outcome.due_at)
