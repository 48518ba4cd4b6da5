"""Which secrets count at which address, and for which pipelines a delivery rings that one of them signed."""

from collections.abc import Mapping, Sequence

EVERY = ""


class Keyring:
    """The secrets of Labelbox's webhooks.

    Args:
        general: They ring for every pipeline.
        own: By pipeline. Where several hold the same secret, it rings for each of them.
    """

    def __init__(self, general: Sequence[bytes], own: Mapping[str, Sequence[bytes]]) -> None:
        self._general = tuple(general)
        self._own = {pipeline: tuple(secrets) for pipeline, secrets in own.items()}
        rung: dict[bytes, list[str]] = {}
        for pipeline, secrets in self._own.items():
            for secret in secrets:
                rung.setdefault(secret, []).append(pipeline)
        # The general ones first: they sign most, and every secret tried costs a digest of the body.
        self._all = (*self._general, *rung)
        self._rung = ((EVERY,),) * len(self._general) + tuple(map(tuple, rung.values()))

    def secrets(self, pipeline: str) -> Sequence[bytes]:
        """Give the secrets that count at a pipeline's own address, or at the common one where it is ``EVERY``."""
        return self._all if pipeline == EVERY else self._own.get(pipeline, self._general)

    def rung(self, pipeline: str, position: int) -> Sequence[str]:
        """Give whom a delivery rings for that arrived there, signed with the secret at this position."""
        return self._rung[position] if pipeline == EVERY else (pipeline,)
