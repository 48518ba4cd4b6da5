"""The ``[pipelines.NAME.checks]`` table: what happens to examples that something is wrong with."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from service.config.tables import Filled, Table, did_you_mean
from service.domain.checks import CHECKS, Action
from service.domain.phone_numbers import DEFAULT_REGIONS, known_regions
from service.domain.pipelines import ChecksPolicy


def _makes_sense(value: object, info: ValidationInfo) -> object:
    check = CHECKS[str(info.field_name)]
    if value not in (None, *check.allowed):
        guess = did_you_mean(value, check.allowed) if isinstance(value, str) else ""
        words = " or ".join(map(repr, check.allowed))
        raise ValueError(f"{'must be' if len(check.allowed) > 1 else 'is always'} {words} (got {value!r}){guess}")
    return value


def _is_region(value: str) -> str:
    if value not in known_regions():
        raise ValueError(f"must be a country's two letters, such as 'US' (got {value!r})")
    return value


AnAction = Annotated[Action | None, BeforeValidator(_makes_sense)]


class ChecksTable(Table):
    """See ``ChecksPolicy``; a key for each code of ``CHECKS``."""

    empty_answer: AnAction = None
    one_character_answer: AnAction = None
    answer_repeats_prompt: AnAction = None
    control_characters: AnAction = None
    too_many_tokens: AnAction = None
    too_short: AnAction = None
    too_long: AnAction = None
    personal_email: AnAction = None
    personal_phone: AnAction = None
    personal_name: AnAction = None
    personal_number: AnAction = None
    personal_address: AnAction = None
    exact_duplicate: AnAction = None
    near_duplicate: AnAction = None
    conflicting_answers: AnAction = None
    held_out_leak: AnAction = None
    forgotten: AnAction = None
    phone_regions: list[Annotated[str, AfterValidator(_is_region)]] = Field(default=list(DEFAULT_REGIONS))
    presidio: bool = False
    presidio_model: Filled | None = None

    def policy(self) -> ChecksPolicy:
        """Give this table in the domain's words."""
        given = {code: action for code in CHECKS if (action := getattr(self, code)) is not None}
        return ChecksPolicy(
            actions=given,
            phone_regions=tuple(self.phone_regions),
            presidio=self.presidio,
            presidio_model=self.presidio_model,
        )
