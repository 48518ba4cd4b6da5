"""When models end, by vendor; ``[trainers.NAME.sunsets]`` overrides or adds to it, ``training_ends`` as well."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from service.domain.sunsets import Sunset, Sunsets

_READ_ON = date(2026, 11, 23)


def _all(names: str, sunset: Sunset) -> dict[str, Sunset]:
    return dict.fromkeys(names.split(), replace(sunset, as_of=_READ_ON))


# A tuned model ends with its base. Source: OpenAI, "Deprecations", and its notice of 2026-10-14.
_OPENAI = Sunsets(
    models=MappingProxyType(
        {
            **_all("babbage-002 davinci-002", Sunset(date(2026, 9, 28))),
            **_all("gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-4 gpt-4-turbo o1 o3-mini o4-mini", Sunset(date(2026, 10, 23))),
            **_all("gpt-4o-2024-05-13 gpt-4.1-nano-2025-04-14", Sunset(date(2026, 10, 23))),
            **_all("gpt-5 gpt-5-mini gpt-5-nano o3", Sunset(date(2026, 12, 11))),
            **_all(
                "gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4o-mini-2024-07-18 gpt-4.1-2025-04-14 gpt-4.1-mini-2025-04-14",
                Sunset(date(2027, 1, 14), replacement="gpt-6-luna"),
            ),
        }
    ),
    # Organisations that were idle are refused already, which no table can know.
    training_ends=date(2027, 1, 6),
)
# The earliest days that Microsoft names: its pages differ. Source: Microsoft Learn, "Model retirements".
_AZURE = Sunsets(
    models=MappingProxyType(
        {
            **_all(
                "gpt-4o-2024-08-06 gpt-4o-mini-2024-07-18",
                Sunset(date(2027, 10, 1), training_ends=date(2027, 4, 1)),
            ),
            **_all(
                "gpt-4.1-2025-04-14 gpt-4.1-mini-2025-04-14 gpt-4.1-nano-2025-04-14",
                Sunset(date(2027, 10, 14), training_ends=date(2027, 4, 14)),
            ),
        }
    )
)
_BUILT_IN: Mapping[str, Sunsets] = MappingProxyType({"openai": _OPENAI, "azure": _AZURE})


def sunsets_of(dialect: str, own: Mapping[str, date], training_ends: date | None) -> Sunsets:
    """Give what is known of a trainer: what is built in for its dialect, and over it what the file says.

    Args:
        dialect: A key of ``DIALECTS``.
        own: When models shut down there, by the file.
        training_ends: From when nobody can train there, by the file: then it holds for every model.
    """
    known = _BUILT_IN.get(dialect, Sunsets())
    written = {model: replace(known.models.get(model, Sunset()), shutdown_on=day) for model, day in own.items()}
    models = {**known.models, **{model: replace(sunset, as_of=None) for model, sunset in written.items()}}
    if training_ends is None:
        return Sunsets(models, known.training_ends)
    return Sunsets({model: replace(found, training_ends=None) for model, found in models.items()}, training_ends)
