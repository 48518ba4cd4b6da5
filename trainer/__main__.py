"""The command ``python -m trainer``."""

import logging
import sys

import structlog

from trainer.server import Server
from trainer.settings import SettingsWrong, environment, parse_settings
from trainer.store.database import DatabaseTooNew
from trainer.store.folders import FolderInUse

WRONG_USAGE, FAILED = 2, 1


def main(argv: list[str] | None = None) -> int:
    """Run a trainer until it is told to stop.

    Args:
        argv: The arguments after the program's name; None takes the process's own.

    Returns:
        0 after a clean stop, 1 if it could not start, 2 for wrong options.
    """
    _configure_logs()
    try:
        settings = parse_settings(argv, environment())
        server = Server(settings, _tell)
    except SettingsWrong as wrong:
        return _complain(str(wrong), WRONG_USAGE)
    except (FolderInUse, DatabaseTooNew, OSError) as error:
        return _complain(str(error), FAILED)
    server.serve_until_stopped()
    return 0


def _tell(address: str) -> None:
    # The one line on standard output, for people and for programs that start a trainer on port 0.
    sys.stdout.write(f"trainer listening on {address}/v1\n")
    sys.stdout.flush()


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"trainer: {message}\n")
    return code


def _configure_logs() -> None:
    """Send the trainer's own log and that of its libraries to standard error, one line an entry."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # Looked up at each entry, so that whoever redirects standard error gets the log too.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


if __name__ == "__main__":
    sys.exit(main())
