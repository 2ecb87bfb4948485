"""The one place where whatever nobody foresaw (a bug in an adapter, a hostile answer) becomes an error of ours."""

from __future__ import annotations

from pathlib import PurePath
from traceback import walk_tb

from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome
from floorbroker.domain.ports import Log


class ours:  # noqa: N801 - used as the statement it is
    """Errors of ours pass; any other is logged as `event` and raised as an `ApiError`, outcome UNKNOWN.

    The log tells its type and where it was raised.  Its text, and the chain of errors behind it, go no further: nobody wrote them
    to be read here, and they may hold anything.
    For work that must not be ended by one wrong word: a send after SENDING is durable, a watch, a kill, the writer (I24).
    """

    __slots__ = ("_event", "_log", "_members")

    def __init__(self, log: Log, event: str, **members: object) -> None:
        self._log = log
        self._event = event
        self._members = members

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, FloorbrokerError):
            return
        name = type(error).__name__
        self._log.error(self._event, error=name, where=_where(error), **self._members)
        raise ApiError(f"unforeseen: {name}", outcome=Outcome.UNKNOWN) from None


def _where(error: Exception) -> str:
    """File, line and function of the innermost frame."""
    place = ""
    for frame, line in walk_tb(error.__traceback__):
        place = f"{PurePath(frame.f_code.co_filename).name}:{line} in {frame.f_code.co_name}"
    return place
