"""Symbols here and there: `RELIANCE.NSE` is `NSE_EQ|INE002A01018` for Upstox.

The venue names instruments by keys, of its files alone; orders and positions tell key, exchange and trading symbol, so that what
is not in the files can still be named.  Document: upstox.com/developer/api-documentation/instruments.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.mapping.values import number
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.values import ZERO, AssetClass

SEGMENTS = {"NSE_EQ": "NSE", "BSE_EQ": "BSE"}
_SERIES = ("-EQ", "-BE", "-BZ")  # what trading symbols of orders have behind them on NSE
_PAISE = Decimal(100)
_PLAIN_SERIES = "EQ"
_TEXT_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the files say of one share.  `freeze` is the most that one order may be about (units); None where it is not told."""

    key: str
    symbol: str
    name: str
    tick: Decimal
    lot: Decimal
    freeze: Decimal | None
    is_normal: bool
    has_margin: bool


class Symbols:
    """The shares of the files, by our symbol and by the venue's key."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Listed] = {}
        self._by_key: dict[str, Listed] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def learn(self, rows: Iterable[wire.Row]) -> None:
        """What a file says.  Of two shares with one symbol the plain series counts.  Raises `ApiError` for odd numbers."""
        for row in rows:
            if row.segment not in SEGMENTS or not row.trading_symbol:
                continue
            listed = _listed(row)
            self._by_key[listed.key] = listed
            if row.instrument_type == _PLAIN_SERIES or listed.symbol not in self._by_symbol:
                self._by_symbol[listed.symbol] = listed

    def of(self, symbol: str) -> Listed:
        """Raises `SymbolNotFound`, by name."""
        found = self._by_symbol.get(symbol)
        if found is None:
            raise SymbolNotFound(
                f"Upstox does not know {symbol[:_TEXT_MAX]}: shares are like RELIANCE.NSE", broker=BROKER
            )
        return found

    def key_of(self, symbol: str) -> str | None:
        """The venue's key, where the symbol is known."""
        found = self._by_symbol.get(symbol)
        return None if found is None else found.key

    def named(self, key: str | None, *, exchange: str, trading: str | None) -> str:
        """Our symbol for what an answer is about: by its key, else by how the exchange writes it."""
        found = self._by_key.get(key or "")
        if found is not None:
            return found.symbol
        text = (trading or key or "")[:_TEXT_MAX]
        if not text:
            raise ApiError("something in the reply is about no instrument", broker=BROKER)
        bare = next((text.removesuffix(series) for series in _SERIES if text.endswith(series)), text)
        return f"{bare}.{exchange[:8]}" if exchange else bare


def _listed(row: wire.Row) -> Listed:
    tick = number(row.tick_size, what="a tick") or ZERO
    lot = number(row.lot_size, what="a lot") or ZERO
    freeze = number(row.freeze_quantity, what="a freeze quantity")
    return Listed(
        key=row.instrument_key,
        symbol=f"{row.trading_symbol[:_TEXT_MAX]}.{SEGMENTS[row.segment]}",
        name=(row.name or "")[:200],
        tick=tick / _PAISE if tick > 0 else Decimal("0.05"),
        lot=lot if lot > 0 else Decimal(1),
        freeze=freeze if freeze is not None and freeze > 0 else None,
        is_normal=row.security_type in (None, "NORMAL"),
        has_margin=bool(row.mtf_enabled),
    )


def instrument_from(listed: Listed, *, is_intraday: bool, as_of: datetime) -> Instrument:
    """Rules of one share.  Only intraday orders may sell what is not held."""
    return Instrument(
        symbol=listed.symbol,
        asset_class=AssetClass.EQUITY,
        currency="INR",
        venue_id=listed.key,
        name=listed.name,
        ticks=(TickRule(from_price=ZERO, tick=listed.tick),),
        lot=listed.lot,
        min_qty=listed.lot,
        max_qty=listed.freeze,
        calendar="XNSE",
        shortable=is_intraday and listed.is_normal,
        marginable=listed.has_margin,
        as_of=as_of,
    )
