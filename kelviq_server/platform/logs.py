"""Structured logs, with the request's id and the tenant; keys and e-mails are struck out wherever they come from."""

import logging
import re
import sys
from typing import Any

import msgspec
import structlog

_SECRETS = re.compile(
    r"\b(?:sk|ck)_(?:sandbox|live)_[A-Za-z0-9]+|\b(?:kvqp|kq_whsec)_[A-Za-z0-9]+|[^\s\"'=(,<>:/]+@[^\s\"'=),<>:/]+"
)


def strike_out(text: str) -> str:
    """Return the text without keys and e-mail addresses."""
    # Nearly every text is without: to see that quickly is worth it, once for each value of each line.
    if "@" not in text and "k_" not in text and "kvqp_" not in text and "kq_w" not in text:
        return text
    return _SECRETS.sub("[struck out]", text)


def set_up_logs(level: str, form: str) -> None:
    """Direct all logs of this process, the libraries' included, to standard error."""
    people = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _strike_out_all,
    ]
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if people
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _strike_out_all(logger: Any, method: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {name: strike_out(value) if isinstance(value, str) else value for name, value in entry.items()}


def _to_json(entry: dict[str, Any], **options: Any) -> str:
    return msgspec.json.encode(entry, enc_hook=str).decode()
