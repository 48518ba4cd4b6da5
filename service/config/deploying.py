"""What a ``[trainers.NAME]`` table says of the way from a trained model to one that answers."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from service.config.durations import PositiveDuration
from service.config.tables import Filled, Table, did_you_mean
from service.domain.deployments import PLACEHOLDERS, UNIQUE, Deployment, is_model_name, placeholders
from service.domain.dialects import Dialect

_DEFAULT = Deployment()
_WORDS = ("none", "by_hand")
# A worker's job, of which a command is a part, is ended after an hour.
_LONGEST = timedelta(minutes=45)


def _known(text: str) -> str:
    for name in placeholders(text):
        if name not in PLACEHOLDERS:
            allowed = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ValueError(f"{{{name}}} is no placeholder{did_you_mean(name, PLACEHOLDERS)}; allowed are: {allowed}")
    return text


Argument = Annotated[Filled, AfterValidator(_known)]


def _command(value: object) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(part, str) and part for part in value):
        raise ValueError("must be a command and its arguments in brackets, such as ['deploy.sh', '{model}', '{name}']")
    return [_known(part) for part in value]


class DeployTable(Table):
    """See ``Deployment``."""

    deploy: list[str] | str | None = None
    undeploy: list[str] = Field(default_factory=list)
    inference_model: Argument | None = None
    deploy_timeout: PositiveDuration = _DEFAULT.timeout

    @field_validator("deploy", mode="plain")
    @classmethod
    def _is_a_command(cls, value: object) -> object:
        if value is None or value in _WORDS:
            return value
        if isinstance(value, str):
            raise ValueError(f"must be 'none', 'by_hand' or a list: command and arguments (got {value!r})")  # noqa: TRY004 - pydantic collects ValueErrors only
        return _command(value)

    @field_validator("undeploy", mode="plain")
    @classmethod
    def _takes_down(cls, value: object) -> object:
        return value if value == [] else _command(value)

    @field_validator("inference_model")
    @classmethod
    def _tells_runs_apart(cls, value: str | None) -> str | None:
        if value is None:
            return value
        if not set(UNIQUE) & set(placeholders(value)):
            words = " or ".join(f"{{{name}}}" for name in UNIQUE)
            raise ValueError(f"must hold {words}: models of two runs must not have one name")
        if "name" in placeholders(value):
            raise ValueError("must not hold {name}, which it makes")
        if not is_model_name(value.translate({ord("{"): "a", ord("}"): "a"})):
            raise ValueError("must be a name of letters, digits and . _ : / @ + - (and placeholders)")
        return value

    @field_validator("deploy_timeout")
    @classmethod
    def _ends_before_the_job(cls, value: timedelta) -> timedelta:
        if value > _LONGEST:
            raise ValueError("must be at most 45m; a command that waits longer may end with code 75 to be called again")
        return value

    def deployment(self, dialect: Dialect) -> Deployment:
        """Give this in the domain's words; what the file leaves open is the dialect's."""
        way = self.deploy if self.deploy is not None else dialect.deploy
        return Deployment(
            deploy=tuple(way) if isinstance(way, list) else (),
            by_hand=way == "by_hand",
            undeploy=tuple(self.undeploy),
            inference_model=self.inference_model,
            timeout=self.deploy_timeout,
        )
