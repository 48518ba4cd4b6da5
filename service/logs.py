"""Logs of a process: one JSON object a line on standard output, ids and counts only."""

import logging
import sys

import structlog


def configure_logging(process: str) -> None:
    """Send our own events and those of the libraries through one handler.

    Args:
        process: The name of this process, bound to every event.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Local variables would print label text and keys.
    tracebacks = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                tracebacks,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # They log request lines and bodies at INFO.
    for noisy in ("httpx2", "httpcore2", "labelbox", "alembic", "urllib3", "openai"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def silence_logging() -> None:
    """Keep events off the terminal of a command that has a screen of its own; only warnings are shown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.getLogger().setLevel(logging.WARNING)
    # The SDK logs every error that it raises as well.
    for name in ("labelbox", "lbox"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
