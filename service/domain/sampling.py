"""How models are asked: fixed settings, which answers are kept under."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Sampling:
    """Settings of a question; the defaults are those that answers were kept under before there was a choice.

    Attributes:
        temperature: 0..2; ``omit`` sends none, for models that refuse it.
        top_p: 0..1; None sends none.
        seed: None sends none; servers promise no more than to try.
        max_tokens: The longest answer.
    """

    temperature: float | Literal["omit"] = 0
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int = 1024

    def but(self, ways: Mapping[str, Any]) -> "Sampling":
        """Give these settings with some changed."""
        return replace(self, **ways)

    @property
    def changes(self) -> dict[str, Any]:
        """What differs from the defaults, by name."""
        usual = asdict(USUAL)
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    def sent(self, *, length_field: str) -> dict[str, Any]:
        """Give the fields of a request; ``length_field`` is what the server calls the limit of an answer."""
        fields = {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        chosen = {name: value for name, value in fields.items() if value is not None and value != "omit"}
        return {length_field: self.max_tokens, **chosen}


# Answers that are asked for so are kept under the bare name of their model.
USUAL = Sampling()


def stored_name(trainer: str, model: str, sampling: Sampling = USUAL) -> str:
    """Give the name that a model's answers are kept under.

    Two trainers may call different models the same, and answers given by other settings are other answers.
    """
    told = "&".join(f"{name}={_written(value)}" for name, value in sampling.changes.items())
    return f"{trainer}/{model}" + (f"?{told}" if told else "")


def _written(value: object) -> str:
    # One and 1.0 are the same setting.
    return f"{value:g}" if isinstance(value, float) else str(value)
