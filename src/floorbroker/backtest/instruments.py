"""What a symbol is about in a backtest: tick, lot, multiplier and calendar, unless other rules are handed in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from floorbroker.domain.instrument import Instrument, TickRule, asset_class_of, usual_multiplier
from floorbroker.domain.values import AssetClass
from floorbroker.matching import ALWAYS_OPEN, Calendar, by_name

InstrumentOf = Callable[[str], Instrument]
_TICKS = {AssetClass.FX: Decimal("0.00001"), AssetClass.CRYPTO: Decimal("0.01"), AssetClass.PERPETUAL: Decimal("0.01")}
_CALENDARS = {AssetClass.FX: "FX", AssetClass.CRYPTO: "24x7", AssetClass.PERPETUAL: "24x7"}
_COIN_STEP = Decimal("0.00000001")


@lru_cache(maxsize=65_536)
def usual(symbol: str) -> Instrument:
    """The usual rules of a symbol's asset class: cents and whole shares for what is listed in New York."""
    kind = asset_class_of(symbol)
    coin = kind in (AssetClass.CRYPTO, AssetClass.PERPETUAL)
    return Instrument(
        symbol=symbol,
        asset_class=kind,
        currency=symbol.partition(":")[0].rpartition("/")[2] if "/" in symbol else "USD",
        ticks=(TickRule(from_price=Decimal(0), tick=_TICKS.get(kind, Decimal("0.01"))),),
        fraction=_COIN_STEP if coin else None,
        multiplier=usual_multiplier(symbol),
        calendar=_CALENDARS.get(kind, "XNYS"),
        shortable=True,
    )


def calendar_of(symbol: str, instrument: InstrumentOf = usual) -> Calendar:
    """The sessions of a symbol; one that never closes where its calendar is not known here."""
    try:
        return by_name(instrument(symbol).calendar)
    except KeyError:
        return ALWAYS_OPEN
