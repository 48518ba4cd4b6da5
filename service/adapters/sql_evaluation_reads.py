"""Reads of evaluations in SQL, for reports and curves."""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading
from service.adapters.sql_tables import answers, evaluations
from service.ports import AnswerTokens, StoredEvaluation


class SqlEvaluationReads:
    """See ``EvaluationReads``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def newest(self, pipeline: str, *, limit: int, until: str | None = None) -> Iterator[StoredEvaluation]:
        """See ``EvaluationReads``; the facts of one may be megabytes."""
        mine = sa.select(evaluations.c.run_id).where(evaluations.c.pipeline == pipeline)
        if until is not None:
            moment = sa.select(evaluations.c.at).where(evaluations.c.run_id == until).scalar_subquery()
            mine = mine.where(evaluations.c.at <= moment)
        ordered = mine.order_by(evaluations.c.at.desc(), evaluations.c.run_id.desc()).limit(limit)
        with reading(self._engine) as connection:
            ids = connection.execute(ordered).scalars().all()
        for run_id in ids:
            # Whoever reads slowly must not hold a connection meanwhile.
            with reading(self._engine) as connection:
                row = connection.execute(sa.select(evaluations).where(evaluations.c.run_id == run_id)).one()
            yield StoredEvaluation(row.run_id, row.at, row.facts)

    def answer_tokens(self, model: str, keys: Iterable[str]) -> AnswerTokens:
        """See ``EvaluationReads``."""
        columns = (answers.c.prompt_tokens, answers.c.completion_tokens)
        sums = [sa.func.coalesce(sa.func.sum(column), 0) for column in columns]
        found = AnswerTokens(0, 0, 0)
        with reading(self._engine) as connection:
            for chunk in chunks(list(keys)):
                wanted = sa.select(sa.func.count(), *sums).where(
                    answers.c.model == model, answers.c.question.in_(chunk)
                )
                number, asked, said = connection.execute(wanted).one()
                found = AnswerTokens(
                    found.answers + number, found.prompt_tokens + int(asked), found.completion_tokens + int(said)
                )
        return found
