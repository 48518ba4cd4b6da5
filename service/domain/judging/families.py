"""Which models are relatives: a judge likes what it would have said itself.

Source: Panickssery, Bowman and Feng 2024, "LLM evaluators recognize and favor their own generations".
"""

import re
from collections.abc import Mapping

from service.domain.base_models import base_of

_MAKERS: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai", "gpt", "chatgpt", "o", "davinci", "babbage", "codex"),
    "meta": ("llama", "meta", "codellama"),
    "mistral": ("mistral", "mixtral", "ministral", "codestral", "magistral", "pixtral", "devstral", "mistralai"),
    "alibaba": ("qwen", "qwq"),
    "google": ("google", "gemini", "gemma", "palm"),
    "anthropic": ("anthropic", "claude"),
    "deepseek": ("deepseek",),
    "microsoft": ("microsoft", "phi", "wizardlm"),
    "cohere": ("command", "aya"),
    "zhipu": ("glm", "chatglm"),
    "moonshot": ("kimi", "moonshot"),
}
_MAKER_OF = {stem: maker for maker, stems in _MAKERS.items() for stem in stems}
_WORD = re.compile(r"[a-z]+")
# They serve one maker's models only, whatever a deployment is called.
_MAKER_OF_DIALECT: Mapping[str, str] = {"openai": "openai", "azure": "openai"}


def family_of(model: str, *, dialect: str = "") -> str:
    """Give who made a model, by the first word of its name that is known, or else what its name begins with.

    Args:
        model: Its name, tuned or not; gateways put a provider before it.
        dialect: Of the trainer that serves it, a key of ``DIALECTS``.
    """
    provider, _, name = base_of(model).lower().rpartition("/")
    words = _WORD.findall(name)
    known = (_MAKER_OF[word] for word in [*words, *_WORD.findall(provider)] if word in _MAKER_OF)
    return next(known, None) or _MAKER_OF_DIALECT.get(dialect) or next(iter(words), name)
