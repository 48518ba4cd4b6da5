"""Let a pipeline's stable name mean its champion, at trainers that have such names."""

from service.domain.stable_names import stable_name
from service.usecases.steps.parts import Parts


def champions_to_name(parts: Parts) -> list[str]:
    """Give the pipelines whose stable name does not mean their champion yet."""
    return [
        champion["pipeline"]
        for champion in parts.evaluations.to_be_named()
        if champion["trainer"] in parts.accounts and parts.accounts[champion["trainer"]].dialect.aliases
    ]


def name_champion(pipeline: str, parts: Parts) -> bool:
    """Set the name and write it down; a promotion is long over by then, and never fails by this.

    Returns:
        Whether the name means the champion now; if not, there is none, or another took its place meanwhile.

    Raises:
        ServiceError: The trainer did not do it; the sweep comes again.
    """
    champion = parts.evaluations.champion(pipeline)
    if champion is None:
        return False
    account = parts.account(champion["trainer"])
    if not account.dialect.aliases:
        return False
    account.connect().set_alias(stable_name(pipeline), champion["model"])
    return parts.evaluations.note_named(champion)
