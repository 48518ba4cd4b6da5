"""Texts behind addresses, in memory."""

from collections.abc import Iterable, Mapping

from service.domain.errors import UnfetchablePrompt


class FakePrompts:
    """Texts by address; any other is refused."""

    def __init__(self, **texts: str | UnfetchablePrompt) -> None:
        self.texts_by_address: dict[str, str | UnfetchablePrompt] = dict(texts)
        self.asked: list[list[str]] = []

    def texts(self, addresses: Iterable[str]) -> Mapping[str, str | UnfetchablePrompt]:
        self.asked.append(list(addresses))
        return {key: self.texts_by_address.get(key, UnfetchablePrompt("address_host")) for key in self.asked[-1]}
