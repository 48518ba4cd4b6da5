"""Whose deliveries a webhook secret signs."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from service.config.environment import Environment
from service.config.tables import Surroundings

GENERAL = "LABELBOX_WEBHOOK_SECRET"


def secret_owners(pipelines: object) -> list[tuple[str, str]]:
    """Give project and variable of every pipeline of a document that names a webhook secret of its own."""
    return list(_owners(pipelines)) if isinstance(pipelines, Mapping) else []


def require_own_secret(variable: str, *, project: object, around: Surroundings) -> None:
    """Check that who holds this secret can ring for one project only.

    Pipelines of one project may share a secret, because Labelbox posts an event of theirs once. Over several
    projects it would have to be guessed from the body whom a delivery is for; the general secret is made for that.

    Raises:
        ValueError: The variable cannot be read, or holds a secret that rings for other projects as well.
    """
    mine = {variable, *around.environment.secrets(variable)}
    if mine & _held(GENERAL, around.environment):
        raise ValueError(f"must not share a secret with {GENERAL}, which rings for every pipeline")
    for other, name in around.secret_owners:
        if other != project and mine & _held(name, around.environment):
            raise ValueError(
                "must not share a secret with a pipeline of another project: give each project its own, "
                f"or let {GENERAL} sign for both"
            )


def _owners(pipelines: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for table in pipelines.values():
        labels = table.get("labels") if isinstance(table, Mapping) else None
        if isinstance(labels, Mapping):
            project, name = labels.get("project"), labels.get("webhook_secret_env")
            if isinstance(project, str) and isinstance(name, str):
                yield project, name


def _held(name: str, environment: Environment) -> set[SecretStr | str]:
    """Give what must not be shared: the variable itself, which may not be set yet, and the secrets in it."""
    try:
        return {name, *environment.secrets(name)}
    except ValueError:
        return {name}  # a mistake of its own, named where the variable is read
