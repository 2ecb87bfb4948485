"""The one place where whatever nobody foresaw (a bug in an adapter, a hostile answer) becomes an error of ours."""

from __future__ import annotations

from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome
from floorbroker.domain.ports import Log


class ours:  # noqa: N801 - used as the statement it is
    """Errors of ours pass; any other is logged as `event` by the name of its type and raised as an `ApiError`, outcome UNKNOWN.

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
        self._log.error(self._event, error=name, **self._members)
        raise ApiError(f"unforeseen: {name}", outcome=Outcome.UNKNOWN) from error
