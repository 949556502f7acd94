"""The log: JSON lines on standard error, each event a fixed phrase with its values beside it."""

import logging
import sys

import structlog
from structlog.typing import Processor

_MANY_WORDS = "aiokafka"
_MINUTE = 60.0
_MOST_PHRASES = 1000
LEVELS = ("debug", "info", "warning", "error")


def configure(level: str) -> None:
    """`level` is one of LEVELS; libraries speak up from error on, in the same form."""
    said_by: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    written: list[Processor] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*said_by, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*said_by, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    libraries.addFilter(_OnceAMinute())
    logging.basicConfig(level=logging.ERROR, handlers=[libraries])


class _OnceAMinute(logging.Filter):
    """Lets the Kafka client say a thing once a minute: while the broker is away it says it a hundred times a second.

    That it is away, and is back, we say ourselves.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}
        """(logger, phrase) -> when it was said last, and how often it was not since"""

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_MANY_WORDS):
            return True
        phrase = record.name, str(record.msg)
        last, unsaid = self._said.get(phrase, (-_MINUTE, 0))
        if record.created - last < _MINUTE:
            self._said[phrase] = last, unsaid + 1
            return False
        if len(self._said) >= _MOST_PHRASES:
            self._said.clear()
        self._said[phrase] = record.created, 0
        if unsaid:
            record.msg, record.args = f"{record.getMessage()} (and {unsaid} times more since it was said last)", None
        return True
