"""Structured log lines: JSON on stderr, UTC, redacted; and what libraries and the interpreter would print, as such lines."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog

from floorbroker.app.redactor import cleaned
from floorbroker.app.streams import behind
from floorbroker.domain.ports import Log, Redactor

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_QUIET = ("aiohttp", "httpx2", "uvicorn.access", "websockets", "picows", "alembic", "asyncio")


def open_log(redactor: Redactor, *, level: str = "info", pretty: bool = False, file: TextIO | None = None) -> Log:
    """The program's log.  `pretty` is for terminals; everything passes the redactor before it becomes a line."""

    def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {redactor.clean(name): cleaned(value, redactor.clean) for name, value in event.items()}

    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    last = structlog.dev.ConsoleRenderer(colors=False) if pretty else structlog.processors.JSONRenderer(default=str)
    return structlog.wrap_logger(
        structlog.PrintLogger(file=file or behind(sys.stderr)),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )


class LibraryLog(logging.Handler):
    """Puts what libraries log into our log, traces included, so that it passes the same filter."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            members: dict[str, object] = {"logger": record.name, "detail": record.getMessage()}
            if record.exc_info:
                members["trace"] = "".join(traceback.format_exception(*record.exc_info))
        except Exception as error:  # noqa: BLE001 - logging itself would print the arguments, unfiltered
            members = {"logger": record.name, "detail": f"a line that cannot be read: {type(error).__name__}"}
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        say("library", **members)


@contextmanager
def told_in(log: Log) -> Generator[None]:
    """While it lasts, what libraries log, warnings, and errors nobody catches in threads and finalizers are log lines."""

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            _tell(log, "thread.failed", args.exc_value, thread=args.thread.name if args.thread else "")

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        _tell(
            log, "error.unraisable", args.exc_value, where=f"{args.err_msg or ''} {type(args.object).__name__}".strip()
        )

    handler, root = LibraryLog(log), logging.getLogger()
    before = threading.excepthook, sys.unraisablehook
    root.addHandler(handler)
    logging.captureWarnings(capture=True)
    threading.excepthook, sys.unraisablehook = in_thread, unraisable
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before
        logging.captureWarnings(capture=False)
        root.removeHandler(handler)


def _tell(log: Log, event: str, error: BaseException | None, **members: object) -> None:
    trace = "".join(traceback.format_exception(error)) if error is not None else ""
    log.error(event, error=type(error).__name__, trace=trace, **members)
