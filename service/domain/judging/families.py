"""Which models are relatives: a judge likes what it would have said itself.

Source: Panickssery, Bowman and Feng 2024, "LLM evaluators recognize and favor their own generations".
"""

import re
from collections.abc import Mapping

from service.domain.base_models import base_of

_MAKERS: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt", "chatgpt", "o", "davinci", "babbage", "codex"),
    "meta": ("llama", "meta", "codellama"),
    "mistral": ("mistral", "mixtral", "ministral", "codestral", "magistral", "pixtral", "devstral", "open-mistral"),
    "alibaba": ("qwen", "qwq"),
    "google": ("gemini", "gemma", "palm"),
    "anthropic": ("claude",),
    "deepseek": ("deepseek",),
    "microsoft": ("phi", "wizardlm"),
    "cohere": ("command", "aya"),
    "zhipu": ("glm", "chatglm"),
    "moonshot": ("kimi", "moonshot"),
}
_MAKER_OF = {stem: maker for maker, stems in _MAKERS.items() for stem in stems}
_STEM = re.compile(r"[a-z]+")
# They serve one maker's models only, whatever a deployment is called.
_MAKER_OF_DIALECT: Mapping[str, str] = {"openai": "openai", "azure": "openai"}


def family_of(model: str, *, dialect: str = "") -> str:
    """Give who made a model, or else what its name begins with.

    Args:
        model: Its name, tuned or not; gateways put a provider before it.
        dialect: Of the trainer that serves it, a key of ``DIALECTS``.
    """
    stem = _STEM.match(base_of(model).rpartition("/")[2].lower())
    name = stem.group() if stem else model.lower()
    return _MAKER_OF.get(name) or _MAKER_OF_DIALECT.get(dialect) or name
