"""Customer-support chats, to be summarised without personal data, and how people summarise them.

Everything is invented and depends on a seed and an index alone: chat 17 is the same however many are asked for.
"""

from dataclasses import dataclass

from sandbox.chat_parts.facts import make_case
from sandbox.chat_parts.summaries import summarize, summarize_carelessly
from sandbox.chat_parts.talk import converse
from sandbox.ids import seeded


@dataclass(frozen=True, slots=True)
class SupportChat:
    """One chat with two human summaries.

    Attributes:
        id: Stable for an index, such as "chat-00017".
        chat: The conversation, a turn a line, each begun by "Agent: " or "Customer: ".
        summary: What happened and what was done, without anybody's name, number or address.
        careless_summary: As right, but with some of the customer's data left in.
    """

    id: str
    chat: str
    summary: str
    careless_summary: str


def support_chats(seed: int, count: int) -> list[SupportChat]:
    """Write the first ``count`` chats of a seed."""
    return [_support_chat(seed, index) for index in range(count)]


def _support_chat(seed: int, index: int) -> SupportChat:
    chance = seeded("chat", seed, index)
    case = make_case(chance)
    talk = converse(case, chance)
    return SupportChat(
        id=f"chat-{index:05}",
        chat="\n".join(f"{speaker}: {text}" for speaker, text in talk.turns),
        summary=summarize(case, talk, chance),
        careless_summary=summarize_carelessly(case, talk, chance),
    )
