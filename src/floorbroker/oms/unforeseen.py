"""The one place where whatever nobody foresaw (a bug in an adapter, a hostile answer) becomes an error of ours."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome
from floorbroker.domain.ports import Log


@contextmanager
def ours(log: Log, event: str, **members: object) -> Generator[None]:
    """Errors of ours pass; any other is logged as `event` by the name of its type and raised as an `ApiError`, outcome UNKNOWN.

    For work that must not be ended by one wrong word: a send after SENDING is durable, a watch, a kill, the writer (I24).
    """
    try:
        yield
    except FloorbrokerError:
        raise
    except Exception as error:
        name = type(error).__name__
        log.error(event, error=name, **members)
        raise ApiError(f"unforeseen: {name}", outcome=Outcome.UNKNOWN) from error
