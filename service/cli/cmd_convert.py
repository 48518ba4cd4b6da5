"""``tuneloop convert``: an export file to training lines, offline; the same rules as the service's."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer

from service.cli.app import AsJson, app, print_json
from service.cli.conversion import convert_file
from service.domain.contents import Form
from service.domain.errors import ConfigurationError
from service.domain.labels import RowReader
from service.domain.pipelines import LabelPolicy


class Accept(StrEnum):
    """Which labels count."""

    DONE = "done"
    SUBMITTED = "submitted"


class Format(StrEnum):
    """What is written."""

    CHAT = "chat"
    PREFERENCE = "preference"
    COMPLETION = "completion"
    PROMPTS = "prompts"


class Kind(StrEnum):
    """What rows with model outputs hold."""

    CONVERSATION = "conversation"
    PREFERENCE = "preference"


class Style(StrEnum):
    """What an answer about a conversation does with it."""

    TURNS = "turns"
    TRANSCRIPT = "transcript"


@app.command()
def convert(  # noqa: PLR0917 - typer reads options from the signature
    export: Annotated[Path, typer.Argument(help="NDJSON file of a Labelbox export, or - for standard input.")],
    ontology: Annotated[Path, typer.Option(help="The project's normalized ontology, JSON.")],
    out: Annotated[Path, typer.Option(help="Training lines are written here.")],
    rejects: Annotated[Path, typer.Option(help="Rows that give no line, with the reason.")],
    system: Annotated[str | None, typer.Option(help="System text that opens every chat.")] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="Chat lines, pairs of a better and a worse answer, prompt/completion, or prompts alone."
        ),
    ] = Format.CHAT,
    response: Annotated[
        list[str] | None, typer.Option(help="The question that is the answer, if ambiguous; may be repeated.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="QUESTION=OPTION: only labels so rated count; may be repeated.")
    ] = None,
    accept: Annotated[Accept, typer.Option(help="Approved labels only, or every submitted one.")] = Accept.DONE,
    kind: Annotated[Kind | None, typer.Option(help="What rows with model outputs hold, if ambiguous.")] = None,
    assistant: Annotated[
        list[str] | None, typer.Option(help="Who is the assistant in conversations, by name or id; may be repeated.")
    ] = None,
    conversation: Annotated[
        Style | None, typer.Option(help="Whether an answer goes on with a conversation or speaks about it.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="The project's id, where rows have several.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Turn a Labelbox export into training lines, without a server."""
    policy = LabelPolicy(
        project=project or "",
        accept=accept.value,
        kind=kind.value if kind else None,
        response=tuple(response or ()),
        where=_ratings(where or ()),
        assistant=tuple(assistant or ()),
        conversation=conversation.value if conversation else None,
    )
    if len({path.resolve() for path in (export, ontology, out, rejects)}) < 4:  # noqa: PLR2004 - as many as there are paths
        raise ConfigurationError(
            "the export, --ontology, --out and --rejects must be four files", remedy="Name others."
        )
    reader = RowReader(_ontology(ontology), policy, form=_form(form), offline=True)
    reasons = convert_file(export, reader, out=out, rejects=rejects, system=system, form=form.value, project=project)
    if as_json:
        print_json(dict(reasons))
        return
    for reason, count in reasons.most_common():
        typer.echo(f"{count:>8}  {reason}")
    if reasons["prompt_only"]:
        typer.echo("Prompts without answers train no model; --format prompts writes them for the next project.")


def _form(form: Format) -> Form:
    forms: dict[Format, Form] = {Format.PREFERENCE: "preference", Format.COMPLETION: "completion"}
    return forms.get(form, "chat")


def _ratings(given: list[str] | tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        question, equals, option = text.rpartition("=")
        if not equals or not question or not option:
            raise ConfigurationError(
                f"--where {text!r} is not QUESTION=OPTION", remedy="For instance --where grade=good."
            )
        found[question] = (*found.get(question, ()), option)
    return found


def _ontology(path: Path) -> dict[str, Any]:
    remedy = "Give the project's ontology as JSON, with its classifications (ontology.normalized of the SDK)."
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: {error}", remedy=remedy) from error
    if isinstance(found, dict) and isinstance(found.get("normalized"), dict):
        found = found["normalized"]
    try:
        msgspec.convert(found, _Normalized)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: no normalized ontology: {error}", remedy=remedy) from error
    return cast("dict[str, Any]", found)


class _Item(msgspec.Struct, rename="camel"):
    """A question or an option, as far as its shape must be right."""

    feature_schema_id: str | None = None
    options: "list[_Item] | None" = None


class _Tool(msgspec.Struct):
    """A tool."""

    tool: str | None = None


class _Normalized(msgspec.Struct):
    """An ontology."""

    classifications: list[_Item]
    tools: list[_Tool] | None = None
