"""The tuneloop command."""

import sys


def main() -> None:
    """Run the command line; errors of ours end with their remedy and exit code 1, configuration with 2."""
    from service.cli.app import run  # the command's modules are imported by need

    sys.exit(run(sys.argv[1:]))
