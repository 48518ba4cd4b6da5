"""The tuneloop command."""

import os
import sys


def main() -> None:
    """Run the command line; errors of ours end with their remedy and exit code 1, configuration with 2."""
    if not sys.flags.utf8_mode:
        # The Labelbox SDK writes exports to disk in the locale's encoding, which may not hold every label.
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-X", "utf8", "-m", "service.cli", *sys.argv[1:]])  # noqa: S606
    from service.cli.app import run  # the command's modules are imported by need

    sys.exit(run(sys.argv[1:]))
