"""Symbols here and there: `RELIANCE.NSE` is `NSE_EQ|INE002A01018` for Upstox, `NIFTY260310C25000.NFO` some `NSE_FO|…`.

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
from floorbroker.brokers.upstox.mapping.values import day_in_india, lenient_ms, number
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument, TickRule, asset_class_of
from floorbroker.domain.values import ZERO, AssetClass, text_of

SEGMENTS = {"NSE_EQ": "NSE", "BSE_EQ": "BSE"}
OPTION_SEGMENTS = {"NSE_FO": "NFO", "BSE_FO": "BFO"}
_RIGHTS = {"CE": "C", "PE": "P"}
_SERIES = ("-EQ", "-BE", "-BZ")  # what trading symbols of orders have behind them on NSE
_PAISE = Decimal(100)
_PLAIN_SERIES = "EQ"
_TEXT_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the files say of a share or an option; quantities are units.

    `freeze` is the most that one order may be about; None where it is not told.
    """

    key: str
    symbol: str
    name: str
    tick: Decimal
    lot: Decimal
    freeze: Decimal | None
    is_normal: bool
    has_margin: bool
    asset_class: AssetClass = AssetClass.EQUITY


class Symbols:
    """The shares of the files, and the options where they are wanted, by our symbol and by the venue's key."""

    def __init__(self, *, with_options: bool = False) -> None:
        self._with_options = with_options
        self._by_symbol: dict[str, Listed] = {}
        self._by_key: dict[str, Listed] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def learn(self, rows: Iterable[wire.Row]) -> None:
        """What a file says.  Of two shares with one symbol the plain series counts.  Raises `ApiError` for odd numbers."""
        for row in rows:
            symbol = self._symbol_of(row)
            if symbol is None:
                continue
            listed = _listed(row, symbol)
            self._by_key[listed.key] = listed
            if row.instrument_type == _PLAIN_SERIES or listed.symbol not in self._by_symbol:
                self._by_symbol[listed.symbol] = listed

    def _symbol_of(self, row: wire.Row) -> str | None:
        """None for what is not traded here, futures and currencies among it."""
        if row.segment in SEGMENTS and row.trading_symbol:
            return f"{row.trading_symbol[:_TEXT_MAX]}.{SEGMENTS[row.segment]}"
        return _option_symbol(row) if self._with_options and row.segment in OPTION_SEGMENTS else None

    def of(self, symbol: str) -> Listed:
        """Raises `SymbolNotFound`, by name."""
        found = self.find(symbol)
        if found is None:
            is_option = asset_class_of(symbol) is AssetClass.OPTION
            like = "options are read with derivatives = options" if is_option else "shares are like RELIANCE.NSE"
            raise SymbolNotFound(f"Upstox does not know {symbol[:_TEXT_MAX]}: {like}", broker=BROKER)
        return found

    def find(self, symbol: str) -> Listed | None:
        """None where the files do not list it."""
        return self._by_symbol.get(symbol)

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


def _option_symbol(row: wire.Row) -> str | None:
    """`NIFTY260310C25000.NFO`; None for futures, and for what has no such name."""
    right, strike = _RIGHTS.get(row.instrument_type), number(row.strike_price, what="a strike")
    ends = lenient_ms(row.expiry)
    if right is None or strike is None or ends is None or not row.underlying_symbol:
        return None
    about, day, exchange = row.underlying_symbol[:_TEXT_MAX], day_in_india(ends), OPTION_SEGMENTS[row.segment]
    name = f"{about}{day:%y%m%d}{right}{text_of(strike)}.{exchange}"
    return name if asset_class_of(name) is AssetClass.OPTION else None


def _listed(row: wire.Row, symbol: str) -> Listed:
    tick = number(row.tick_size, what="a tick") or ZERO
    lot = number(row.lot_size, what="a lot") or ZERO
    freeze = number(row.freeze_quantity, what="a freeze quantity")
    return Listed(
        key=row.instrument_key,
        symbol=symbol,
        name=(row.name or "")[:200],
        tick=tick / _PAISE if tick > 0 else Decimal("0.05"),
        lot=lot if lot > 0 else Decimal(1),
        freeze=freeze if freeze is not None and freeze > 0 else None,
        is_normal=row.security_type in (None, "NORMAL"),
        has_margin=bool(row.mtf_enabled),
        asset_class=AssetClass.OPTION if row.segment in OPTION_SEGMENTS else AssetClass.EQUITY,
    )


def instrument_from(listed: Listed, *, is_intraday: bool, as_of: datetime) -> Instrument:
    """Rules of one instrument.  Of shares only intraday orders may sell what is not held.

    An option is told in units with a multiplier of one, as the venue counts: one contract is a lot of them.
    """
    return Instrument(
        symbol=listed.symbol,
        asset_class=listed.asset_class,
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
