"""The tuneloop command."""


def main() -> None:
    """Run the command line."""
