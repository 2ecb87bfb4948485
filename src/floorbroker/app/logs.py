"""Structured log lines: JSON on stderr, UTC, redacted; library loggers stay quiet."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from floorbroker.domain.ports import Log, Redactor

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_QUIET = ("aiohttp", "httpx2", "uvicorn.access", "websockets", "picows", "alembic", "asyncio")


def open_log(redactor: Redactor, *, level: str = "info", pretty: bool = False) -> Log:
    """The program's log.  `pretty` is for terminals; everything passes the redactor first."""

    def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: redactor.clean(value) if isinstance(value, str) else value for name, value in event.items()}

    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    last = structlog.dev.ConsoleRenderer(colors=False) if pretty else structlog.processors.JSONRenderer(default=str)
    return structlog.wrap_logger(
        structlog.PrintLogger(file=sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )
