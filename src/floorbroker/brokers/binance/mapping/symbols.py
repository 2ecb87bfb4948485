"""Symbols both ways, and each symbol's rules, from exchangeInfo.

`BTC/USDT` is `BTCUSDT` there, and where a name ends its base only the venue's own list tells.  Where the list is not at hand (a
replay, a symbol newer than it), the longest known quote currency at the end of the name decides.
Document: developers.binance.com/docs/binance-spot-api-docs/filters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.values import BROKER, number, positive
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.values import ZERO, AssetClass

ALWAYS = "24/7"
QUOTES = (
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD1", "USDP", "AEUR", "EURI", "BIDR", "IDRT", "BKRW", "DOGE", "EUR", "TRY",
    "BRL", "GBP", "AUD", "JPY", "PLN", "RON", "ARS", "UAH", "ZAR", "MXN", "COP", "CZK", "RUB", "NGN", "DAI", "VAI", "IDR",
    "BTC", "ETH", "BNB", "XRP", "TRX", "DOT", "SOL",
)  # fmt: skip
"""Currencies that symbols end in."""
_FINEST = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bounds and a step, each zero where the venue sets none."""

    least: Decimal = ZERO
    most: Decimal = ZERO
    step: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """How far a price may lie from the reference price, as multiples of it."""

    up: Decimal
    down: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything the venue says about one symbol.  Counts and deltas are None where there is no such rule."""

    symbol: str
    wire_symbol: str
    base: str
    quote: str
    status: str
    order_types: frozenset[str]
    can: frozenset[str]  # iceberg oco oto notional trailing replace amend spot
    price: Span = Span()
    lot: Span = Span()
    market_lot: Span = Span()
    notional: Span = Span()
    notional_of_market: tuple[bool, bool] = (False, False)  # whether least and most hold for market orders too
    bids: Band | None = None
    asks: Band | None = None
    iceberg_parts: int | None = None
    orders: int | None = None
    algo_orders: int | None = None
    iceberg_orders: int | None = None
    lists: int | None = None
    position: Decimal | None = None
    trail_above: tuple[int, int] | None = None  # hundredths of a percent
    trail_below: tuple[int, int] | None = None

    @property
    def is_trading(self) -> bool:
        return self.status == "TRADING" and "spot" in self.can


_ALLOWANCES = (
    ("iceberg", "iceberg_allowed"),
    ("oco", "oco_allowed"),
    ("oto", "oto_allowed"),
    ("notional", "quote_order_qty_market_allowed"),
    ("trailing", "allow_trailing_stop"),
    ("replace", "cancel_replace_allowed"),
    ("amend", "amend_allowed"),
    ("spot", "is_spot_trading_allowed"),
)


def rules_from(told: wire.Symbol) -> Rules:
    """One symbol of exchangeInfo.  Filters we do not know are the venue's to apply.

    Raises `ApiError` for numbers that are none.
    """
    found: dict[str, object] = {}
    for one in told.filters:
        found |= _read_filter(one)
    return Rules(
        symbol=f"{told.base_asset}/{told.quote_asset}",
        wire_symbol=told.symbol,
        base=told.base_asset,
        quote=told.quote_asset,
        status=told.status,
        order_types=frozenset(told.order_types),
        can=frozenset(name for name, member in _ALLOWANCES if getattr(told, member)),
        **found,  # pyright: ignore[reportArgumentType] - each member is read by the one line that names it
    )


def _read_filter(one: wire.Filter) -> Mapping[str, object]:
    match one.filter_type:
        case "PRICE_FILTER":
            return {"price": _span(one.min_price, one.max_price, one.tick_size)}
        case "LOT_SIZE":
            return {"lot": _span(one.min_qty, one.max_qty, one.step_size)}
        case "MARKET_LOT_SIZE":
            return {"market_lot": _span(one.min_qty, one.max_qty, one.step_size)}
        case "NOTIONAL" | "MIN_NOTIONAL":
            return _notional(one)
        case "PERCENT_PRICE":
            band = _band(one.multiplier_up, one.multiplier_down)
            return {"bids": band, "asks": band}
        case "PERCENT_PRICE_BY_SIDE":
            return {
                "bids": _band(one.bid_multiplier_up, one.bid_multiplier_down),
                "asks": _band(one.ask_multiplier_up, one.ask_multiplier_down),
            }
        case "TRAILING_DELTA":
            return {
                "trail_above": _pair(one.min_trailing_above_delta, one.max_trailing_above_delta),
                "trail_below": _pair(one.min_trailing_below_delta, one.max_trailing_below_delta),
            }
        case _:
            return _read_count(one)


def _read_count(one: wire.Filter) -> Mapping[str, object]:
    match one.filter_type:
        case "ICEBERG_PARTS":
            return {"iceberg_parts": one.limit}
        case "MAX_NUM_ORDERS":
            return {"orders": one.max_num_orders if one.max_num_orders is not None else one.limit}
        case "MAX_NUM_ALGO_ORDERS":
            return {"algo_orders": one.max_num_algo_orders}
        case "MAX_NUM_ICEBERG_ORDERS":
            return {"iceberg_orders": one.max_num_iceberg_orders}
        case "MAX_NUM_ORDER_LISTS":
            return {"lists": one.max_num_order_lists}
        case "MAX_POSITION":
            return {"position": positive(one.max_position)}
        case _:
            return {}


def _span(least: Decimal | None, most: Decimal | None, step: Decimal | None) -> Span:
    return Span(least=number(least) or ZERO, most=number(most) or ZERO, step=number(step) or ZERO)


def _notional(one: wire.Filter) -> Mapping[str, object]:
    least_of_market = one.apply_min_to_market if one.filter_type == "NOTIONAL" else one.apply_to_market
    return {
        "notional": _span(one.min_notional, one.max_notional, None),
        "notional_of_market": (bool(least_of_market), bool(one.apply_max_to_market)),
    }


def _band(up: Decimal | None, down: Decimal | None) -> Band | None:
    if up is None or down is None:
        return None
    return Band(up=number(up) or ZERO, down=number(down) or ZERO)


def _pair(least: int | None, most: int | None) -> tuple[int, int] | None:
    return None if least is None or most is None else (least, most)


def instrument_from(rules: Rules, *, as_of: datetime) -> Instrument:
    """The symbol as everybody inside knows it; amounts in its quote currency."""
    return Instrument(
        symbol=rules.symbol,
        asset_class=AssetClass.CRYPTO,
        currency=rules.quote,
        venue_id=rules.wire_symbol,
        ticks=(TickRule(from_price=ZERO, tick=rules.price.step or _FINEST),),
        lot=rules.lot.step or _FINEST,
        min_qty=rules.lot.least,
        max_qty=rules.lot.most or None,
        min_notional=rules.notional.least,
        calendar=ALWAYS,
        tradable=rules.is_trading,
        as_of=as_of,
    )


def split_by_rule(wire_symbol: str) -> str:
    """`BTC/USDT` for `BTCUSDT`, by the quote currency it ends in; unchanged where it ends in none we know."""
    for quote in QUOTES:
        if wire_symbol.endswith(quote) and len(wire_symbol) > len(quote):
            return f"{wire_symbol.removesuffix(quote)}/{quote}"
    return wire_symbol


@dataclass(slots=True)
class Symbols:
    """The venue's list of symbols; empty until it was asked for.

    The list is long, and a desk trades few of it: names are read at once, the rules of a symbol when somebody asks for them.
    """

    _raw: dict[str, msgspec.Raw] = field(default_factory=dict[str, msgspec.Raw])
    _names: dict[str, str] = field(default_factory=dict[str, str])  # the venue's spelling -> ours
    _rules: dict[str, Rules | None] = field(default_factory=dict[str, "Rules | None"])

    def learn(self, listed: Iterable[msgspec.Raw]) -> None:
        """A whole list, in place of the one before; one that has no name is passed over."""
        raw, names = dict[str, msgspec.Raw](), dict[str, str]()
        for told in listed:
            try:
                head = wire.decode(told, wire.SymbolName, what="a symbol")
            except ApiError:
                continue
            symbol = f"{head.base_asset}/{head.quote_asset}"
            raw[symbol], names[head.symbol] = told, symbol
        self._raw, self._names = raw, names
        self._rules.clear()

    def __len__(self) -> int:
        return len(self._raw)

    def find(self, symbol: str) -> Rules | None:
        """None for what is not listed, and for what is listed in a way that we cannot read, which is not traded here."""
        if symbol in self._rules:
            return self._rules[symbol]
        told = self._raw.get(symbol)
        if told is None:
            return None
        try:
            found = rules_from(wire.decode(told, wire.Symbol, what="a symbol"))
        except ApiError:
            found = None
        self._rules[symbol] = found
        return found

    def rules(self, symbol: str) -> Rules:
        """Raises `SymbolNotFound`."""
        found = self.find(symbol)
        if found is None:
            known = "cannot be read as Binance lists it" if symbol in self._raw else "is not listed at Binance"
            raise SymbolNotFound(f"{symbol} {known}", broker=BROKER)
        return found

    def to_wire(self, symbol: str) -> str:
        """The venue's spelling; by rule for what the list lacks, so that a cancel needs no list."""
        found = self.find(symbol)
        return symbol.replace("/", "") if found is None else found.wire_symbol

    def from_wire(self, wire_symbol: str) -> str:
        return self._names.get(wire_symbol) or split_by_rule(wire_symbol)

    def pair(self, base: str, quote: str) -> Rules | None:
        """The market of two currencies, where there is one that trades."""
        found = self.find(f"{base}/{quote}")
        return found if found is not None and found.is_trading else None
