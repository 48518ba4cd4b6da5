"""The kinds of projects: which values Labelbox takes for a new one, and what tells an old one apart."""

from dataclasses import dataclass

from sandbox.errors import InvalidQuery

MEDIA_TYPES = frozenset(
    [
        "AUDIO",
        "CONVERSATIONAL",
        "HTML",
        "IMAGE",
        "LLM",
        "PDF",
        "POINT_CLOUD",
        "TEXT",
        "TMS_GEO",
        "TMS_SIMPLE",
        "UNKNOWN",
        "VIDEO",
    ]
)
EDITOR_TASK_TYPES = frozenset(("MODEL_CHAT_EVALUATION", "OFFLINE_MODEL_CHAT_EVALUATION"))
LIVE_CHAT = "MODEL_CHAT_EVALUATION"


@dataclass(frozen=True, slots=True)
class Quality:
    """How many people label a row; the default is one, as for a project that says nothing.

    Attributes:
        number_of_labels: Labelbox's ``autoAuditNumberOfLabels``, which batches may overrule.
        percentage: Labelbox's ``autoAuditPercentage``.
    """

    number_of_labels: int = 1
    percentage: float = 1.0
    benchmark: bool = True
    consensus: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """What a project is for.

    Attributes:
        media_type: Labelbox's ``allowedMediaType``.
        editor_task_type: Labelbox's ``editorTaskType``; most kinds have none.
        makes_rows: Whether its rows come into being with it: ``uploadType`` AUTO.
    """

    media_type: str | None
    editor_task_type: str | None = None
    makes_rows: bool = False


# Retired on 2026-06-30: nobody can make one any more, the old ones stay readable. What the service now says of their
# kind was never published; the SDK reads any value that it does not know as "unsupported".
PROMPT_RESPONSE = Kind("LLM_PROMPT_RESPONSE_CREATION", makes_rows=True)
PROMPTS = Kind("LLM_PROMPT_CREATION", makes_rows=True)
RESPONSES = Kind("TEXT", "RESPONSE_CREATION")


def check_media_type(value: str | None) -> str | None:
    """Pass a media type that exists.

    Raises:
        InvalidQuery: It does not, or not any more.
    """
    return _member(value, MEDIA_TYPES, "MediaType")


def check_editor_task_type(value: str | None) -> str | None:
    """Pass an editor task type that exists.

    Raises:
        InvalidQuery: It does not, or not any more.
    """
    return _member(value, EDITOR_TASK_TYPES, "EditorTaskType")


def _member(value: str | None, members: frozenset[str], enum: str) -> str | None:
    if value is not None and value not in members:
        raise InvalidQuery(f'Value "{value}" does not exist in "{enum}" enum.')
    return value
