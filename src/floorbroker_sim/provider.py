"""What simulated providers of data share: a control door without orders, and the scripted flaws of their bars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast

import msgspec

from floorbroker.domain.values import Price
from floorbroker_sim.archive import Archive, Flaws
from floorbroker_sim.control import Impossible
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.market import Tick

_NOTHING_TRADES = "a provider of data takes no orders"


class _Flaws(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /flaws`; days are ISO dates."""

    holes: list[str] = []
    duplicates: list[str] = []
    differing: list[str] = []
    late: list[str] = []
    zone: Literal["exchange", "utc"] = "exchange"


class NoOrders:
    """`control.Truth` of somebody who sells data.  `on_price` hears of prices set by hand."""

    def __init__(
        self, archive: Archive, *, on_price: Callable[[Tick], None], on_time: Callable[[datetime], None]
    ) -> None:
        self._archive = archive
        self._on_price = on_price
        self._on_time = on_time
        self.on_reset: Callable[[], None] = lambda: None

    def orders(self) -> list[dict[str, str | None]]:
        return []

    fills = positions = orders

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        try:
            tick = self._archive.market.set_price(
                symbol, bid=Price(bid), ask=Price(ask), last=None if last is None else Price(last), at=self.now()
            )
        except KeyError as error:
            raise Impossible("symbol", f"{symbol} is not listed here") from error
        self._on_price(tick)

    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None:
        raise Impossible("order", _NOTHING_TRADES, status=404)

    def bust(self, exec_id: str) -> None:
        raise Impossible("exec", _NOTHING_TRADES, status=404)

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        raise Impossible("exec", _NOTHING_TRADES, status=404)

    def now(self) -> datetime:
        return self._archive.clock.now()

    def move_clock(self, moment: datetime) -> None:
        self._archive.clock.move_to(moment)
        self._on_time(moment)

    def reset(self) -> None:
        self._archive.clock.reset()
        self._archive.market.reset()
        self._archive.flaws = Flaws()
        self.on_reset()

    def set_flaws(self, request: Request) -> Reply:
        """`{"holes","duplicates","differing","late":[days],"zone":"exchange"|"utc"}`: how daily bars are told from now on."""
        try:
            told = msgspec.json.decode(request.body, type=_Flaws)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Impossible("flaws", str(error)) from error
        days: dict[str, Any] = {
            name: frozenset(cast("list[str]", getattr(told, name)))
            for name in ("holes", "duplicates", "differing", "late")
        }
        self._archive.flaws = Flaws(**days, zone=told.zone)
        return Reply(status=204)
