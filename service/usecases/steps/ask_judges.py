"""Ask judges about every pair of answers that a run's metrics need them for, each once."""

from collections.abc import Mapping, Sequence

from service.domain.errors import ConfigurationError
from service.domain.judging.duels import Choice, Request, judge_name, read_judgement, requests_of
from service.domain.judging.families import family_of
from service.domain.metric_specs import JudgeSpec
from service.domain.metrics import Context, Metric
from service.domain.metrics.scoring import duels_for
from service.domain.questions import Question
from service.domain.runs import Run
from service.ports import Judgement
from service.usecases.steps.parts import Parts


def ask_judges(
    run: Run,
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, str]],
    *,
    context: Context,
    parts: Parts,
) -> Mapping[str, Choice] | str:
    """Gather what judges reply, for a while.

    Args:
        run: Whose models are compared.
        metrics: Those without a judge are passed over.
        questions: The held-out examples.
        answers: By role and question's key.
        context: Holds the facts of the questions: the choices of humans are asked about as well.
        parts: What steps work with.

    Returns:
        Every reply that ``score`` needs, by request; or how far it is, where it is time to make room for others.

    Raises:
        ConfigurationError: A judge is of the family of the model that it judges.
    """
    # A slice of its own, so that each step asks something, however long answers and files took.
    deadline = parts.clock() + parts.timing.slice
    replies: dict[str, Choice] = {}
    for spec in (metric.judge for metric in metrics if metric.judge):
        refuse_relatives(spec, run, parts)
        requests = [
            request for duel in duels_for(spec, questions, answers, context) for request in requests_of(spec, duel)
        ]
        known = parts.judgements.judgements([request.key for request in requests])
        replies |= {key: judgement.choice for key, judgement in known.items()}
        for request in requests:
            if request.key in replies:
                continue
            if parts.clock() >= deadline:
                done = sum(other.key in replies for other in requests)
                return f"{done} of {len(requests)} judgements of {spec.model}"
            replies[request.key] = _ask(run, spec, request, parts)
    return replies


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
            remedy="Name another judge or say same_family = true; then tuneloop runs approve RUN.",
        )


def _ask(run: Run, spec: JudgeSpec, request: Request, parts: Parts) -> Choice:
    answer = parts.account(spec.trainer).connect().answer(spec.model, request.messages)
    choice = read_judgement(answer.text)
    judgement = Judgement(
        key=request.key,
        question=request.question.key,
        judge=judge_name(spec),
        choice=choice,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
    )
    # Stored one by one: a worker that is killed pays for no judgement twice.
    parts.judgements.add_judgement(judgement, now=parts.clock())
    parts.runs.extend(run.run_id, until=parts.clock() + parts.timing.lease)
    return choice
