"""The ``[pipelines.NAME.setup]`` table: what ``tuneloop labelbox setup`` makes in Labelbox."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from service.config.tables import Filled, Table, choose, surroundings
from service.domain.setup_webhooks import check_address
from service.domain.setups import MEDIA, MESSAGE_TOOLS, AskedQuestion, Choice, Kind, Scope, Setup

_CHOSEN = ("radio", "checklist")
_RETIRED = {
    "prompt-response": "'chat', where labelers write the prompts",
    "prompts": "'chat', where labelers write the prompts",
    "responses": "'text' with a question of type 'text' and your prompts as --rows",
}

Characters = Annotated[int, Field(ge=1)]


def _kind(value: str) -> str:
    if value in _RETIRED:
        raise ValueError(f"{value!r} was retired by Labelbox on 2026-06-30; use {_RETIRED[value]}")
    return choose(value, MEDIA)


def _as_table(value: object) -> object:
    if not isinstance(value, str | dict):
        raise ValueError(f"must be a text, or a table with value and label (got {value!r})")  # noqa: TRY004 - pydantic's
    return {"value": value} if isinstance(value, str) else value


class OptionTable(Table):
    """See ``Choice``."""

    value: Filled
    label: Filled | None = None
    questions: list["NestedTable"] = Field(default_factory=list)

    @field_validator("questions")
    @classmethod
    def _differ(cls, value: list["NestedTable"]) -> list["NestedTable"]:
        return _distinct(value, [question.name for question in value], "question")

    def choice(self) -> Choice:
        """Give this option in the domain's words."""
        questions = tuple(question.question() for question in self.questions)
        return Choice(self.value, self.label or self.value, questions)


class NestedTable(Table):
    """See ``AskedQuestion``; one that is asked below an option."""

    name: Filled
    type: Annotated[str, AfterValidator(lambda value: choose(value, ("text", *_CHOSEN)))]
    ask: Filled | None = None
    required: bool = True
    min_characters: Characters | None = None
    max_characters: Characters | None = None
    options: list[Annotated[OptionTable, BeforeValidator(_as_table)]] = Field(default_factory=list)

    @field_validator("min_characters", "max_characters")
    @classmethod
    def _is_of_text(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("type", "text") != "text":
            raise ValueError("is for questions of type 'text' only")
        least = info.data.get("min_characters") if info.field_name == "max_characters" else None
        if value is not None and least is not None and value < least:
            raise ValueError(f"must be at least min_characters, {least} (got {value})")
        return value

    @field_validator("options")
    @classmethod
    def _fit(cls, value: list[OptionTable], info: ValidationInfo) -> list[OptionTable]:
        kind = info.data.get("type")
        if kind in _CHOSEN and not value:
            raise ValueError(f"are needed for the type {kind!r}, such as ['good', 'bad']")
        if kind is not None and kind not in _CHOSEN and value:
            raise ValueError("are for questions of type 'radio' and 'checklist' only")
        return _distinct(value, [option.value for option in value], "option")

    def question(self) -> AskedQuestion:
        """Give this question in the domain's words."""
        return AskedQuestion(
            name=self.name,
            ask=self.ask or self.name,
            type=self.type,
            required=self.required,
            min_characters=self.min_characters,
            max_characters=self.max_characters,
            options=tuple(option.choice() for option in self.options),
        )


class QuestionTable(NestedTable):
    """See ``AskedQuestion``; one of the project, which may also be a message tool."""

    type: Annotated[str, AfterValidator(lambda value: choose(value, ("text", *_CHOSEN, *MESSAGE_TOOLS)))]


class SetupTable(Table):
    """See ``Setup``."""

    name: Filled | None = None
    kind: Annotated[str, AfterValidator(_kind)] = "text"
    webhook: Filled | None = None
    webhook_scope: Literal["project", "organization"] = "project"
    priority: Annotated[int, Field(ge=1, le=5)] = 5
    chats: Annotated[int, Field(ge=0, le=100_000)] = 0
    questions: list[QuestionTable] = Field(default_factory=list)

    @field_validator("webhook")
    @classmethod
    def _is_an_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else check_address(value, surroundings(info).pipelines)

    @field_validator("chats")
    @classmethod
    def _are_live(cls, value: int, info: ValidationInfo) -> int:
        if value and info.data.get("kind", "chat") != "chat":
            raise ValueError("is for kind 'chat' only: empty conversations that labelers fill")
        return value

    @field_validator("questions")
    @classmethod
    def _can_be_asked(cls, value: list[QuestionTable], info: ValidationInfo) -> list[QuestionTable]:
        if not value:
            raise ValueError("needs at least one [[pipelines.NAME.setup.questions]]")
        tools = [question.name for question in value if question.type in MESSAGE_TOOLS]
        if tools and info.data.get("kind") == "text":
            raise ValueError(f"{tools[0]!r} chooses among messages, which only kind 'chat' and 'offline-chat' have")
        return _distinct(value, [question.name for question in value], "question")

    def policy(self, pipeline: str) -> Setup:
        """Give this table in the domain's words."""
        kind: Kind = self.kind  # type: ignore[assignment] # checked by _kind
        scope: Scope = self.webhook_scope
        return Setup(
            pipeline=pipeline,
            name=self.name or pipeline,
            kind=kind,
            questions=tuple(question.question() for question in self.questions),
            webhook=self.webhook,
            webhook_scope=scope,
            priority=self.priority,
            chats=self.chats,
        )


def _distinct(value: list[Any], names: Iterable[str], what: str) -> list[Any]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the {what} {name!r} stands there twice")
        seen.add(name)
    return value
