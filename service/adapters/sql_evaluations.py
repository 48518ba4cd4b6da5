"""Answers, evaluations and champions in SQL."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_champions import crown, note_gone, note_named, require_reigning
from service.adapters.sql_debts import owe
from service.adapters.sql_engine import chunks, clean, reading, storable, upsert
from service.adapters.sql_runs import write_step
from service.adapters.sql_tables import (
    answers,
    base_evaluations,
    base_turns,
    champion_history,
    champions,
    checkpoint_evaluations,
    evaluations,
    judgements,
    runs,
)
from service.domain.errors import RunMoved
from service.domain.reigns import ANYBODY, BY_HAND, Grounds, evidence_of
from service.domain.repeated_looks import EarlierLook
from service.domain.runs import Run, RunState, Step
from service.domain.spending import Debt
from service.domain.unfinished import UNFINISHED
from service.ports import Answer, BaseEvaluation


class SqlEvaluationStore:
    """See ``EvaluationStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def answers(self, model: str, keys: Iterable[str]) -> dict[str, str]:
        """See ``EvaluationStore``."""
        found: dict[str, str] = {}
        with reading(self._engine) as connection:
            for chunk in chunks(list(keys)):
                wanted = sa.select(answers.c.question, answers.c.text).where(
                    answers.c.model == model, answers.c.question.in_(chunk)
                )
                found.update((row[0], row[1]) for row in connection.execute(wanted))
        return found

    def finishes(self, model: str, keys: Iterable[str]) -> dict[str, int]:
        """See ``EvaluationStore``."""
        found: Counter[str] = Counter()
        with reading(self._engine) as connection:
            for chunk in chunks(list(keys)):
                mine = (answers.c.model == model, answers.c.question.in_(chunk), answers.c.finish.is_not(None))
                wanted = sa.select(answers.c.finish, sa.func.count()).where(*mine).group_by(answers.c.finish)
                for finish, number in connection.execute(wanted):
                    found[finish] += number
        return dict(sorted(found.items()))

    def unfinished(self, model: str, keys: Iterable[str]) -> frozenset[str]:
        """See ``EvaluationStore``."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for chunk in chunks(list(keys)):
                mine = (answers.c.model == model, answers.c.question.in_(chunk))
                wanted = sa.select(answers.c.question).where(*mine, sa.func.lower(answers.c.finish).in_(UNFINISHED))
                found.update(connection.execute(wanted).scalars())
        return frozenset(found)

    def add_answer(self, model: str, key: str, answer: Answer, *, now: datetime, debt: Debt | None = None) -> None:
        """See ``EvaluationStore``."""
        row = {
            "model": model,
            "question": key,
            "text": storable(answer.text),
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "finish": None if answer.finish is None else storable(answer.finish),
            "at": now,
        }
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, answers).values(row).on_conflict_do_nothing())
            owe(connection, debt, now)

    def answered_since(self, trainer: str, moment: datetime) -> list[datetime]:
        """See ``EvaluationStore``."""
        found: list[datetime] = []
        with reading(self._engine) as connection:
            for table, name in ((answers, answers.c.model), (judgements, judgements.c.judge)):
                # Not LIKE, in which SQLite takes capitals for small letters.
                mine = sa.func.substr(name, 1, len(trainer) + 1) == f"{trainer}/"
                found += connection.execute(sa.select(table.c.at).where(mine, table.c.at >= moment)).scalars()
        return sorted(found)

    def add_base(self, evaluation: BaseEvaluation) -> None:
        """See ``EvaluationStore``."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(base_evaluations).values(asdict(evaluation) | {"facts": clean(evaluation.facts)})
            )

    def begin_turn(self, evaluation_id: str, *, until: datetime, now: datetime) -> None:
        """See ``EvaluationStore``."""
        row = {"evaluation_id": evaluation_id, "begun_at": now, "leased_until": until}
        with self._engine.begin() as connection:
            statement = upsert(connection, base_turns).values(row)
            connection.execute(statement.on_conflict_do_update(index_elements=["evaluation_id"], set_=row))

    def extend_turn(self, evaluation_id: str, *, until: datetime) -> None:
        """See ``EvaluationStore``."""
        mine = sa.update(base_turns).where(base_turns.c.evaluation_id == evaluation_id)
        with self._engine.begin() as connection:
            connection.execute(mine.values(leased_until=until))

    def end_turns(self, evaluation_id: str) -> None:
        """See ``EvaluationStore``."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(base_turns).where(base_turns.c.evaluation_id == evaluation_id))

    def base_evaluations(self, pipeline: str) -> list[BaseEvaluation]:
        """See ``EvaluationStore``."""
        wanted = sa.select(base_evaluations).where(base_evaluations.c.pipeline == pipeline)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(base_evaluations.c.at.desc())).mappings()
            return [BaseEvaluation(**row) for row in rows]

    def conclude(self, run: Run, step: Step, evaluation: Mapping[str, Any], *, now: datetime) -> Run:
        """See ``EvaluationStore``."""
        # Names of slices and labels are whatever somebody uploaded.
        facts = clean(evaluation)
        row = {
            "run_id": run.run_id,
            "pipeline": run.pipeline,
            "outcome": evaluation["outcome"],
            "facts": facts,
            "at": now,
        }
        over = evaluation.get("judged_against", ANYBODY)
        with self._engine.begin() as connection:
            is_known = run.fact("taken_down") or (step.facts or {}).get("taken_down")
            if _held_facts(connection, run).get("taken_down") and not is_known:
                raise RunMoved(f"the model of run {run.run_id} was taken down")
            ended = write_step(connection, run, step, now)
            connection.execute(upsert(connection, evaluations).values(row).on_conflict_do_nothing())
            if step.state == RunState.PROMOTED:
                evidence = evidence_of(facts, run_id=run.run_id, snapshot_id=run.snapshot_id)
                crown(connection, ended, step.cause, Grounds("automatic", evidence, over=over), now)
                return ended
            require_reigning(connection, run, over)
            _note_gone_champion(connection, run, evaluation, now)
        return ended

    def add_checkpoint(self, run: Run, step: int, evaluation: Mapping[str, Any], *, now: datetime) -> None:
        """See ``EvaluationStore``."""
        row = {
            "run_id": run.run_id,
            "step": step,
            "pipeline": run.pipeline,
            "outcome": evaluation["outcome"],
            "facts": clean(evaluation),
            "at": now,
        }
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, checkpoint_evaluations).values(row).on_conflict_do_nothing())
            _note_gone_champion(connection, run, evaluation, now)

    def promote(self, run: Run, cause: str, *, now: datetime, grounds: Grounds = BY_HAND) -> bool:
        """See ``EvaluationStore``; whoever retires the model meanwhile waits, as the other way round."""
        with self._engine.begin() as connection:
            if _held_facts(connection, run).get("taken_down"):
                return False
            crown(connection, run, cause, grounds, now)
        return True

    def retire(self, run: Run, *, over: int | None = ANYBODY) -> bool:
        """See ``EvaluationStore``."""
        with self._engine.begin() as connection:
            facts = _held_facts(connection, run)
            reigning = require_reigning(connection, run, over)
            if reigning is not None and reigning.run_id == run.run_id:
                return False
            mine = sa.update(runs).where(runs.c.run_id == run.run_id)
            connection.execute(mine.values(facts={**facts, "taken_down": True}))
        return True

    def note_gone(self, champion: Mapping[str, Any], *, since: datetime | None, now: datetime) -> bool:
        """See ``EvaluationStore``."""
        with self._engine.begin() as connection:
            return note_gone(connection, champion["pipeline"], champion["position"], since=since, now=now)

    def to_be_named(self) -> list[Mapping[str, Any]]:
        """See ``EvaluationStore``."""
        wanted = sa.select(champions).where(champions.c.named_for.is_distinct_from(champions.c.position))
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(wanted.order_by(champions.c.pipeline)).mappings()]

    def note_named(self, champion: Mapping[str, Any]) -> bool:
        """See ``EvaluationStore``."""
        with self._engine.begin() as connection:
            return note_named(connection, champion)

    def evaluation(self, run_id: str, *, checkpoint: int | None = None) -> Mapping[str, Any] | None:
        """See ``EvaluationStore``."""
        wanted = sa.select(evaluations.c.facts, evaluations.c.at).where(evaluations.c.run_id == run_id)
        if checkpoint is not None:
            table = checkpoint_evaluations
            wanted = sa.select(table.c.facts, table.c.at).where(table.c.run_id == run_id, table.c.step == checkpoint)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else {**row.facts, "at": row.at}

    def judged_checkpoints(self, run_id: str) -> dict[int, str]:
        """See ``EvaluationStore``."""
        wanted = sa.select(checkpoint_evaluations.c.step, checkpoint_evaluations.c.outcome)
        mine = wanted.where(checkpoint_evaluations.c.run_id == run_id).order_by(checkpoint_evaluations.c.step)
        with reading(self._engine) as connection:
            return {row.step: row.outcome for row in connection.execute(mine)}

    def earlier_looks(self, pipeline: str, *, but: str) -> Iterator[EarlierLook]:
        """See ``EvaluationStore``; one at a time: the questions of all of them may be millions."""
        for table, others in ((evaluations, evaluations.c.run_id != but), (checkpoint_evaluations, sa.true())):
            yield from self._looks(table, sa.and_(table.c.pipeline == pipeline, others))

    def _looks(self, table: sa.Table, wanted: sa.ColumnElement[bool]) -> Iterator[EarlierLook]:
        keys = table.primary_key.columns.values()
        with reading(self._engine) as connection:
            for names in connection.execute(sa.select(*keys).where(wanted).order_by(table.c.at)).all():
                mine = (key == name for key, name in zip(keys, names, strict=True))
                one = sa.select(table.c.facts["questions"], table.c.facts["look"]).where(*mine)
                questions, counted = connection.execute(one).one()
                # A forgotten question has left an empty key, which no question has.
                asked = frozenset(questions or ()) - {""}
                yield EarlierLook(asked) if counted is None else EarlierLook(asked, step=counted["step"])

    def champion(self, pipeline: str) -> Mapping[str, Any] | None:
        """See ``EvaluationStore``."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(champions).where(champions.c.pipeline == pipeline)).mappings()
            found = row.one_or_none()
        return None if found is None else dict(found)

    def champion_history(self, pipeline: str) -> list[Mapping[str, Any]]:
        """See ``EvaluationStore``."""
        wanted = sa.select(champion_history).where(champion_history.c.pipeline == pipeline)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(champion_history.c.position.desc())).mappings()
            return [dict(row) for row in rows]


def _note_gone_champion(connection: sa.Connection, run: Run, evaluation: Mapping[str, Any], now: datetime) -> None:
    """Write that the champion did not answer; one that was replaced just now need not be mourned."""
    if evaluation.get("champion_gone"):
        note_gone(connection, run.pipeline, evaluation["judged_against"], since=now, now=now)


def _held_facts(connection: sa.Connection, run: Run) -> Mapping[str, Any]:
    """Give a run's facts and keep others from changing them until the transaction ends."""
    wanted = sa.select(runs.c.facts).where(runs.c.run_id == run.run_id)
    return connection.execute(wanted.with_for_update()).scalar() or {}
