"""``tuneloop convert``: an export file to training lines, offline; the same rules as the service's."""

import contextlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer

from service.cli.app import app
from service.domain.errors import ConfigurationError, UnreadableRow
from service.domain.labels import RowOutcome, read_row
from service.domain.ontologies import Question, response_question
from service.domain.snapshots import chat_line


class Accept(StrEnum):
    """Which labels count."""

    DONE = "done"
    SUBMITTED = "submitted"


@app.command()
def convert(  # noqa: PLR0917 - typer reads options from the signature
    export: Annotated[Path, typer.Argument(help="NDJSON file of a Labelbox export, or - for standard input.")],
    ontology: Annotated[Path, typer.Option(help="The project's normalized ontology, JSON.")],
    out: Annotated[Path, typer.Option(help="Training lines are written here.")],
    rejects: Annotated[Path, typer.Option(help="Rows that give no line, with the reason.")],
    system: Annotated[str | None, typer.Option(help="System text that opens every chat.")] = None,
    response: Annotated[str | None, typer.Option(help="The question that is the answer, if ambiguous.")] = None,
    accept: Annotated[Accept, typer.Option(help="Approved labels only, or every submitted one.")] = Accept.DONE,
) -> None:
    """Turn a Labelbox export into training lines, without a server."""
    try:
        question = response_question(json.loads(ontology.read_text(encoding="utf-8")), named=response)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        remedy = "Give the project's ontology as JSON, with its classifications (ontology.normalized of the SDK)."
        raise ConfigurationError(f"{ontology}: {error}", remedy=remedy) from error
    if len({path.resolve() for path in (export, out, rejects)}) < 3:  # noqa: PLR2004 - as many as there are paths
        raise ConfigurationError("the export, --out and --rejects must be three files", remedy="Name others.")
    reasons: Counter[str] = Counter()
    with contextlib.ExitStack() as stack:
        lines = _standard_input() if str(export) == "-" else _open(export, "r", stack)
        good, bad = _open(out, "w", stack), _open(rejects, "w", stack)
        for row in _rows(lines):
            outcome = _read(row, question, accept)
            if isinstance(outcome, RowOutcome) and outcome.prompt is not None and outcome.response is not None:
                good.write(chat_line(outcome.prompt, outcome.response, system=system).decode())
                reasons["converted"] += 1
            else:
                reject = _reject(row, outcome)
                bad.write(json.dumps(reject) + "\n")
                reasons[str(reject["reason"])] += 1
    for reason, count in reasons.most_common():
        typer.echo(f"{count:>8}  {reason}")


def _standard_input() -> IO[str]:
    return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape")


def _open(path: Path, mode: str, stack: contextlib.ExitStack) -> IO[str]:
    try:
        # What is no UTF-8 is refused line by line, as a text that cannot be stored, and spoils no other line.
        return cast(
            "IO[str]",
            stack.enter_context(
                path.open("r", encoding="utf-8-sig", errors="surrogateescape")
                if mode == "r"
                else path.open("w", encoding="utf-8")
            ),
        )
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", remedy="Name a file that can be used.") from error


def _rows(lines: IO[str]) -> Iterator[Any]:
    for line in lines:
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def _read(row: Any, question: Question, accept: str) -> RowOutcome | str:  # noqa: ANN401 - any line of a file
    """Give the outcome, or the reason why the line is no export row."""
    if not isinstance(row, dict):
        return "not_json"
    projects = row.get("projects")
    if not isinstance(projects, dict) or len(projects) != 1:
        return "not_one_project"
    data_row = row.get("data_row")
    if isinstance(data_row, dict) and "details" not in data_row:
        # An export made without that option. When the row was last touched matters only to the service.
        row = {**row, "data_row": {**data_row, "details": {"last_activity_at": "1970-01-01T00:00:00+00:00"}}}
    try:
        return read_row(row, project_id=next(iter(projects)), question=question, accept=accept)
    except UnreadableRow:
        return "unreadable_row"


def _reject(row: Any, outcome: RowOutcome | str) -> dict[str, str | None]:  # noqa: ANN401 - any line of a file
    if isinstance(outcome, str):
        data_row = row.get("data_row") if isinstance(row, dict) else None
        row_id = data_row.get("id") if isinstance(data_row, dict) else None
        return {"data_row_id": row_id, "label_id": None, "reason": outcome}
    return {"data_row_id": outcome.data_row_id, "label_id": outcome.label_id, "reason": outcome.reason}
