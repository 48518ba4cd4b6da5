"""What agents and customers say whatever it is about, by kind."""

from sandbox.chat_parts.grammar import read_lines
from sandbox.chat_parts.texts_agents import AGENTS
from sandbox.chat_parts.texts_customers import CUSTOMERS

PHRASES = read_lines(AGENTS + CUSTOMERS)
NUMBER_NAMES = {
    "order": "order number",
    "account": "account number",
    "booking": "booking reference",
    "policy": "policy number",
    "membership": "membership number",
    "ticket": "ticket number",
}
TONES = ("friendly", "neutral", "curt", "annoyed", "chatty", "worried")
