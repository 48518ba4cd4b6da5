"""The adapter for each dialect. Whoever adds a trainer of another shape adds its file and one line here."""

from collections.abc import Callable, Mapping

from service.adapters.openai_client import Access
from service.ports import Trainer


def open_trainer(access: Access) -> Trainer:
    """Build the adapter of a trainer; nothing connects before its first request."""
    return ADAPTERS.get(access.dialect, _of_openais_shape)(access)


def _of_openais_shape(access: Access) -> Trainer:
    from service.adapters.openai_trainer import OpenAITrainer  # takes more than a second

    return OpenAITrainer(access)


def _together(access: Access) -> Trainer:
    from service.adapters.together_trainer import TogetherTrainer

    return TogetherTrainer(access)


ADAPTERS: Mapping[str, Callable[[Access], Trainer]] = {"together": _together}
"""By dialect; those that are missing speak OpenAI's shape."""
