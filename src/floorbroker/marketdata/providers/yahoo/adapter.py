"""Yahoo through yfinance: one request after the other, in a thread, with a pause between.  The only file that imports it.

The library keeps one session, one crumb and one cache for the whole process, so there is one `Yahoo` at a time.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from floorbroker.domain.actions import CorporateAction, Split
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError, without_extra
from floorbroker.marketdata.history import Told
from floorbroker.marketdata.providers.outfit import Outfit
from floorbroker.marketdata.providers.yahoo.errors import UNFORESEEN, error_of
from floorbroker.marketdata.providers.yahoo.info import EXTRA, interval_of, origin_for
from floorbroker.marketdata.providers.yahoo.mapping import actions_of, name_of, rows_of

_PAUSE_S = 0.5
_TIMEOUT_S = 20
_EMPTY = ("YFPricesMissingError",)  # a symbol that is known, and a range without a bar


class Yahoo:
    """`library` is yfinance as it was loaded, `session` what a simulator is reached by (None: its own)."""

    name = "yahoo"

    def __init__(self, library: Any, *, clock: Clock, session: Any = None) -> None:
        self._library = library
        self._exceptions = library.exceptions
        self._clock = clock
        self._session = session
        self._turn = asyncio.Lock()
        self._asked_s: float | None = None

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        """Raw rows.  Everything since `start` is asked for, since later splits tell what a share of then was."""
        frame = await self._frame(symbol, start=start, interval=interval_of(span_s))
        days = frame if interval_of(span_s) == "1d" else await self._frame(symbol, start=start, interval="1d")
        if frame is None:
            return Told(rows=())
        splits = [one for one in actions_of(symbol, days) if isinstance(one, Split)] if days is not None else []
        return Told(rows=tuple(row for row in rows_of(frame, splits) if start <= row.start < end))

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Sequence[CorporateAction]:
        frame = await self._frame(symbol, start=start, interval="1d")
        found = [] if frame is None else actions_of(symbol, frame)
        return [one for one in found if one.day < (end + timedelta(days=1)).date()]

    async def close(self) -> None:
        """The library keeps its connections for the process."""

    async def _frame(self, symbol: str, *, start: datetime, interval: str) -> Any:
        async with self._turn:
            await self._pause()
            return await asyncio.to_thread(self._ask, symbol, start, interval)

    async def _pause(self) -> None:
        now_s = self._clock.monotonic()
        if self._asked_s is not None and now_s - self._asked_s < _PAUSE_S:
            await self._clock.sleep(_PAUSE_S - (now_s - self._asked_s))
        self._asked_s = self._clock.monotonic()

    def _ask(self, symbol: str, start: datetime, interval: str) -> Any:
        """None where there is no bar.  Every default of the library is spelled out: they change from version to version."""
        try:
            found = self._library.Ticker(name_of(symbol), session=self._session).history(
                start=start, interval=interval, auto_adjust=False, back_adjust=False, actions=True, prepost=False,
                repair=False, keepna=True, rounding=False, timeout=_TIMEOUT_S,
            )  # fmt: skip
        except FloorbrokerError:
            raise
        except (self._exceptions.YFException, OSError, *UNFORESEEN) as error:
            if type(error).__name__ in _EMPTY:
                return None
            raise error_of(error, self._exceptions, symbol=symbol) from error
        return None if found.empty else found


def build(outfit: Outfit, *, folder: Path) -> Yahoo:
    """`folder` is where the library keeps zones and cookies.  Raises `ConfigInvalid` when it is not installed."""
    origin = origin_for(outfit.environment, outfit.url)
    try:
        library = import_module("yfinance")
    except ImportError as error:
        raise ConfigInvalid(without_extra("Yahoo needs", EXTRA)) from error
    folder.mkdir(parents=True, exist_ok=True)
    library.set_tz_cache_location(str(folder))
    library.config.debug.hide_exceptions = False
    logging.getLogger("yfinance").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings(
        "ignore", module=r"yfinance(\.|$)"
    )  # what it should change is no matter of people who ask for bars
    return Yahoo(library, clock=outfit.clock, session=None if origin is None else _simulated(origin))


def _simulated(origin: str) -> Any:
    """A session of the library's own kind that knows one address, on this machine."""
    base: Any = import_module("curl_cffi.requests").Session

    class Redirected(base):
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            parts = urlsplit(url)
            where = f"{origin}{parts.path}{'?' + parts.query if parts.query else ''}"
            return base.request(self, method, where, *args, **options)

    return Redirected()
