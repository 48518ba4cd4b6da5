"""Other people's texts on a terminal, which takes some characters for commands."""

_COMMANDS = {code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def visible(text: str) -> str:
    r"""Write control characters as ``\u001b``, but for newline and tab; what is JSON stays the same JSON."""
    return text.translate(_COMMANDS)
